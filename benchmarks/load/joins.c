/* joins: many clients connect at once, or connect and stay idle.
 *
 *   joins storm PROTO HOST PORT USERS    all connect at once and take a name (tcpchat, irc)
 *   joins idle  PROTO HOST PORT USERS    all connect and send nothing; ends when stdin ends
 *
 * storm prints the seconds until the last user has its name, and until ten users who were there before know of every
 * one of them. At most 2,000 connections are being made at the same time, so that the kernel's queue of new
 * connections is not measured.
 */
#define _GNU_SOURCE
#include "load.h"

enum { WATCHERS = 10, BURST = 2000 };
static int users, idle, complete;
static char *heard; /* for each watcher and user */
static int *nheard;

static void greet(Conn *c) {
    char b[128];
    switch (proto) {
    case IRC: snprintf(b, sizeof b, "NICK jq%d\r\nUSER u 0 * :u\r\n", c->id); outs(c, b); break;
    case NATS: outs(c, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB room 1\r\nPING\r\n"); break;
    case REDIS: outs(c, "SUBSCRIBE room\r\n"); break;
    }
}

/* Record all names in a line: `joined`, `renamed` and IRC's JOIN are treated alike. */
static void watch(Conn *c, char *s) {
    while ((s = strstr(s, "jq"))) {
        int id = atoi(s += 2) - WATCHERS;
        if (id < 0 || id >= users || heard[c->id * users + id]) continue;
        heard[c->id * users + id] = 1;
        complete += ++nheard[c->id] == users;
    }
}

static void on_line(Conn *c, char *s, size_t n) {
    char b[64];
    if (proto == IRC && !strncmp(s, "PING ", 5)) { outs(c, "PONG "); out(c, s + 5, n - 5); outs(c, "\r\n"); return; }
    if (proto == NATS && !strcmp(s, "PING")) { outs(c, "PONG\r\n"); return; }
    if (strstr(s, "\"type\":\"error\"") || !strncmp(s, "ERROR", 5)) fail("refused", s);
    if (!c->ready) {
        if (proto == TCPCHAT) {
            if (idle) became_ready(c);
            else if (c->lines == 1) { snprintf(b, sizeof b, "{\"type\":\"rename\",\"id\":1,\"name\":\"jq%d\"}\n", c->id); outs(c, b); }
            else if (strstr(s, "\"re\":1")) became_ready(c);
        } else if (proto == IRC) {
            if (numeric(s) == 376 || numeric(s) == 422) { if (idle) became_ready(c); else outs(c, "JOIN #room\r\n"); }
            if (numeric(s) == 366) became_ready(c);
        } else if (proto == NATS ? !strcmp(s, "PONG") : s[0] == ':') became_ready(c);
    }
    if (!idle && c->id < WATCHERS) watch(c, s);
}

static void on_end(Conn *c) { fail("the server closed a connection", c->buf ? c->buf : ""); }

static void stay(void) {
    struct epoll_event e = {.events = EPOLLIN}, got;
    int both = epoll_create1(0);
    join_all(0, users, 64, greet);
    for (double quiet = now(), give_up = now() + 60; now() < quiet + 2 && now() < give_up;) if (poll_once(20)) quiet = now();
    printf("{\"joined\":%d}\n", users);
    fflush(stdout);
    epoll_ctl(both, EPOLL_CTL_ADD, ep, &e);
    e.data.fd = 1;
    epoll_ctl(both, EPOLL_CTL_ADD, 0, &e);
    while (epoll_wait(both, &got, 1, -1) >= 0 && !(got.data.fd == 1 && read(0, &got, 1) <= 0)) poll_once(0);
}

int main(int argc, char **argv) {
    if (argc != 6) { fprintf(stderr, "usage: joins storm|idle PROTO HOST PORT USERS\n"); return 2; }
    idle = !strcmp(argv[1], "idle"); users = atoi(argv[5]);
    set_up(argv[2], argv[3], argv[4], users + WATCHERS);
    if (idle) { stay(); return 0; }
    heard = calloc(WATCHERS, users); nheard = calloc(WATCHERS, sizeof *nheard);
    join_all(0, WATCHERS, WATCHERS, greet);
    poll_for(1);
    Usage then = usage_now();
    join_all(WATCHERS, WATCHERS + users, BURST, greet);
    double named = now() - then.at;
    while (complete < WATCHERS) { poll_once(20); if (now() > then.at + 120) { fprintf(stderr, "not everybody was told of\n"); return 3; } }
    printf("{\"named_s\":%.3f,\"told_s\":%.3f,", named, now() - then.at);
    print_usage(then); printf("}\n");
    return 0;
}
