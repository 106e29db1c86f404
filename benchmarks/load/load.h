/* load: the shared part of the loads. Non-blocking connections from many loopback addresses on one epoll, cut into lines.
 * The including file handles each line in `on_line`. */
#ifndef LOAD_H
#define LOAD_H
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "usage.h"

enum { TCPCHAT, IRC, NATS, REDIS };
enum { FULL_LINE = 1 << 17, PER_ADDRESS = 200, EVENTS = 1024 };
enum { IRC_BURST = 8 }; /* ngIRCd queues 10 new connections; one more is retried after a second */
typedef struct { int fd, id, ready; char *buf; size_t len, cap; char *out; size_t outlen; uint64_t lines; } Conn;

static Conn *conns;
static int ep, proto, nready;
static struct sockaddr_in server;

static void on_line(Conn *c, char *s, size_t n); /* s[n] is 0 */
static void on_end(Conn *c);

static void die(const char *what) { perror(what); exit(2); }
static void fail(const char *what, const char *line) { fprintf(stderr, "%s: %.300s\n", what, line); exit(3); }

static uint64_t now_us(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000ull + t.tv_nsec / 1000; }

static int protocol(const char *name) {
    return !strcmp(name, "irc") ? IRC : !strcmp(name, "nats") ? NATS : !strcmp(name, "redis") ? REDIS : TCPCHAT;
}

static void set_up(const char *name, const char *host, const char *port, int count) {
    proto = protocol(name);
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(port))};
    inet_pton(AF_INET, host, &server.sin_addr);
    conns = calloc(count, sizeof *conns);
    for (int i = 0; i < count; i++) conns[i].fd = -1;
    ep = epoll_create1(0);
}

static void flush(Conn *c) {
    if (!c->outlen) return;
    ssize_t k = send(c->fd, c->out, c->outlen, MSG_NOSIGNAL);
    if (k < 0) { if (errno != EAGAIN) die("send"); return; }
    memmove(c->out, c->out + k, c->outlen - k);
    c->outlen -= k;
}

static void out(Conn *c, const char *s, size_t n) {
    c->out = realloc(c->out, c->outlen + n);
    memcpy(c->out + c->outlen, s, n);
    c->outlen += n;
    flush(c);
}

static void outs(Conn *c, const char *s) { out(c, s, strlen(s)); }

static void open_connection(Conn *c, int id) {
    int one = 1;
    /* neither limits by address nor the ports of one address are to be measured */
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001 + id / PER_ADDRESS)};
    c->id = id; c->ready = 0; c->len = c->outlen = 0; c->lines = 0;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(c->fd, (void *)&source, sizeof source) || connect(c->fd, (void *)&server, sizeof server)) die("connect");
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}

static void close_connection(Conn *c) { close(c->fd); c->fd = -1; }

/* The numeric of an IRC line: that of `:server 366 nick :End`, and not one within its text. */
static int numeric(const char *s) { const char *p = strchr(s, ' '); return s[0] == ':' && p ? atoi(p + 1) : 0; }

static void became_ready(Conn *c) { if (!c->ready) { c->ready = 1; nready++; } }

/* Connections share one read buffer; only a connection with half a line has its own. */
static void readable(Conn *c) {
    static char shared[FULL_LINE * 2];
    while (c->fd >= 0) {
        memcpy(shared, c->buf, c->len);
        ssize_t k = recv(c->fd, shared + c->len, sizeof shared - 1 - c->len, 0);
        if (k == 0) { on_end(c); return; }
        if (k < 0) { if (errno == EAGAIN) return; die("recv"); }
        int fd = c->fd, all = (size_t)k < sizeof shared - 1 - c->len;
        char *p = shared, *e = shared + c->len + k, *newline;
        c->len = 0;
        while (c->fd == fd && (newline = memchr(p, '\n', e - p))) {
            size_t n = newline - p;
            if (n && p[n - 1] == '\r') n--;
            p[n] = 0;
            c->lines++;
            on_line(c, p, n);
            p = newline + 1;
        }
        if (c->fd != fd) return;
        c->len = e - p;
        if (c->len > sizeof shared / 2) fail("a line without an end", "");
        if (c->len > c->cap) c->buf = realloc(c->buf, c->cap = c->len);
        memcpy(c->buf, p, c->len);
        if (all) return;
    }
}

static int poll_once(int wait_ms) {
    static struct epoll_event events[EVENTS];
    int k = epoll_wait(ep, events, EVENTS, wait_ms);
    for (int i = 0; i < k; i++) readable(events[i].data.ptr);
    return k;
}

static void poll_for(double seconds) { for (double end = now() + seconds; now() < end;) poll_once(10); }

/* Open connections from..to, at most `burst` of them at a time, and wait until all are ready. */
static void join_all(int from, int to, int burst, void (*greet)(Conn *)) {
    double deadline = now() + 120;
    int before = nready, opened = from;
    if (proto == IRC && burst > IRC_BURST) burst = IRC_BURST;
    while (nready - before < to - from) {
        while (opened < to && opened - from - (nready - before) < burst) {
            open_connection(&conns[opened], opened);
            if (greet) greet(&conns[opened]);
            opened++;
        }
        poll_once(20);
        if (now() > deadline) { fprintf(stderr, "only %d of %d joined\n", nready - before, to - from); exit(3); }
    }
}

static int by_size(const void *a, const void *b) { double x = *(double *)a, y = *(double *)b; return (x > y) - (x < y); }

typedef struct { double *ms; size_t n, cap; } Latency;

static void add_latency(Latency *l, double ms) {
    if (l->n == l->cap) l->ms = realloc(l->ms, (l->cap = l->cap ? l->cap * 2 : 1 << 16) * sizeof *l->ms);
    l->ms[l->n++] = ms;
}

static void print_latency(Latency *l) {
    qsort(l->ms, l->n, sizeof *l->ms, by_size);
    printf("\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f", l->n ? l->ms[l->n / 2] : 0,
           l->n ? l->ms[(size_t)(l->n * 0.99)] : 0, l->n ? l->ms[l->n - 1] : 0);
}
#endif
