/* usage: processor time of the load and of the server, so that a result can show which of them was
 * at its limit. The server's process id is in the environment, SERVER_PID. */
#ifndef USAGE_H
#define USAGE_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }

typedef struct { double at, load, server; } Usage;

static double server_seconds(void) {
    const char *pid = getenv("SERVER_PID");
    char path[64], text[1024];
    unsigned long user, system;
    if (!pid) return 0;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    char *rest = strrchr(text, ')'); /* the name before it may contain spaces */
    if (!rest || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) return 0;
    return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

static Usage usage_now(void) {
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    double own = r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
    return (Usage){now(), own, server_seconds()};
}

/* Print the cores used since `then`, as two fields of a JSON object. */
static void print_usage(Usage then) {
    Usage u = usage_now();
    double wall = u.at - then.at;
    printf("\"load_cores\":%.3f,\"server_cores\":%.3f", (u.load - then.load) / wall, (u.server - then.server) / wall);
}
#endif
