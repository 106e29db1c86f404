/* pairs: messages to one receiver, each sender waiting for its own.
 *
 *   pairs KIND PROTO HOST PORT SENDERS WINDOW SECONDS PAYLOAD
 *
 * KIND  keep: a send counts once the server acknowledges it. tcpchat: a private message to oneself, so that fan-out
 *             is not measured; redis: XADD (give it appendfsync always).
 *       pair: each sender sends to its own receiver, and a message counts once it arrives.
 * WINDOW is how many messages of a sender may be under way. Prints one JSON line.
 */
#define _GNU_SOURCE
#include "load.h"

static int senders, window, keep, measuring;
static char *pad;
static uint64_t done;
static uint64_t *sent_at; /* for each sender a ring of the send times of messages under way */
static uint64_t *nsent, *ndone;
static Latency latency;

static void greet(Conn *c) {
    char b[256];
    int receiver = c->id >= senders;
    switch (proto) {
    case IRC: snprintf(b, sizeof b, "NICK u%d\r\nUSER u 0 * :u\r\n", c->id); outs(c, b); break;
    case NATS:
        snprintf(b, sizeof b, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n");
        outs(c, b);
        if (receiver) { snprintf(b, sizeof b, "SUB u%d 1\r\n", c->id); outs(c, b); }
        outs(c, "PING\r\n");
        break;
    case REDIS:
        if (receiver) snprintf(b, sizeof b, "SUBSCRIBE u%d\r\n", c->id); else snprintf(b, sizeof b, "PING\r\n");
        outs(c, b);
        break;
    }
}

static void publish(int i) {
    static char b[16384], text[8192];
    Conn *c = &conns[i];
    int to = keep ? i : i + senders, n = 0, m = snprintf(text, sizeof text, "T@%llu %s", (unsigned long long)now_us(), pad);
    switch (proto) {
    case TCPCHAT: n = snprintf(b, sizeof b, "{\"type\":\"send\",\"id\":1,\"username\":\"u%d\",\"text\":\"%s\"}\n", to, text); break;
    case IRC: n = snprintf(b, sizeof b, "PRIVMSG u%d :%s\r\n", to, text); break;
    case NATS: n = snprintf(b, sizeof b, "PUB u%d %d\r\n%s\r\n", to, m, text); break;
    case REDIS: {
        char name[16];
        int l = snprintf(name, sizeof name, "u%d", to);
        if (keep) n = snprintf(b, sizeof b, "*5\r\n$4\r\nXADD\r\n$4\r\nroom\r\n$1\r\n*\r\n$1\r\nt\r\n$%d\r\n%s\r\n", m, text);
        else n = snprintf(b, sizeof b, "*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", l, name, m, text);
    } }
    sent_at[i * window + nsent[i]++ % window] = now_us();
    out(c, b, n);
}

static void arrived(int i) {
    uint64_t at = sent_at[i * window + ndone[i]++ % window];
    done++;
    if (measuring) add_latency(&latency, (now_us() - at) / 1000.0);
}

static void on_line(Conn *c, char *s, size_t n) {
    char b[64];
    if (!c->ready) {
        if (proto == TCPCHAT && c->lines == 1) { snprintf(b, sizeof b, "{\"type\":\"rename\",\"id\":1,\"name\":\"u%d\"}\n", c->id); outs(c, b); }
        if (proto == TCPCHAT ? !!strstr(s, "\"re\":1") : proto == IRC ? numeric(s) == 376 || numeric(s) == 422
            : proto == NATS ? !strncmp(s, "PONG", 4) : s[0] == '+' || s[0] == ':') {
            if (strstr(s, "\"error\"")) fail("refused", s);
            became_ready(c);
        } else if (proto == IRC && !strncmp(s, "PING ", 5)) { outs(c, "PONG "); out(c, s + 5, n - 5); outs(c, "\r\n"); }
        return;
    }
    if (proto == TCPCHAT && strstr(s, "\"type\":\"error\"")) fail("refused", s);
    if (s[0] == '-') fail("refused", s);
    if (proto == NATS && !strcmp(s, "PING")) { outs(c, "PONG\r\n"); return; }
    if (keep) { if (proto == TCPCHAT ? !!strstr(s, "\"type\":\"sent\"") : s[0] == '$') arrived(c->id); }
    else if (c->id >= senders && strstr(s, "T@")) arrived(c->id - senders);
}

static void on_end(Conn *c) { (void)c; fail("the server closed a connection", c->buf ? c->buf : ""); }

int main(int argc, char **argv) {
    if (argc != 9) { fprintf(stderr, "usage: pairs keep|pair PROTO HOST PORT SENDERS WINDOW SECONDS PAYLOAD\n"); return 2; }
    keep = !strcmp(argv[1], "keep"); senders = atoi(argv[5]); window = atoi(argv[6]);
    double seconds = atof(argv[7]);
    int payload = atoi(argv[8]), count = keep ? senders : senders * 2;
    pad = calloc(1, payload + 1); memset(pad, 'x', payload);
    sent_at = calloc((size_t)senders * window, sizeof *sent_at); nsent = calloc(senders, sizeof *nsent); ndone = calloc(senders, sizeof *ndone);
    set_up(argv[2], argv[3], argv[4], count);
    join_all(0, count, 64, greet);
    poll_for(0.7);
    Usage then = usage_now();
    uint64_t before = 0;
    for (double start = now(), end = start + seconds; now() < end;) {
        if (!measuring && now() > start + seconds * 0.2) { measuring = 1; then = usage_now(); before = done; }
        for (int i = 0; i < senders; i++) { flush(&conns[i]); while (nsent[i] - ndone[i] < (uint64_t)window) publish(i); }
        poll_once(1);
    }
    printf("{\"per_s\":%.0f,", (done - before) / (now() - then.at));
    print_usage(then); printf(",");
    print_latency(&latency); printf("}\n");
    return 0;
}
