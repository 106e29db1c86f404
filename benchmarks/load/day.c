/* day: a day of a chat in a few seconds. tcpchat only.
 *
 *   day HOST PORT USERS SECONDS RATE RECONNECTS
 *
 * USERS are in the lobby. They send RATE messages a second on average: the user of rank r sends 1/r as many as the
 * first (Zipf), bursts of five times the calm rate come and go, and one message in ten is private. Every second
 * RECONNECTS connections break, and come back after 0.05 to 1 s with `resume TOKEN --after SEQ`. Each connection checks
 * that the numbers of the lobby's messages have no gap and none arrives twice, also across its reconnects.
 * The latency is that of every delivery to a connected user. Prints one JSON line. The random numbers are always the same.
 */
#define _GNU_SOURCE
#include <math.h>
#include "load.h"

enum { TOKEN = 256 };
typedef struct { char token[TOKEN], name[64]; uint64_t seq; double back_at; int resuming, asked; } User;

static int count, measuring;
static User *users;
static double *share; /* sums of Zipf's weights, for drawing a user */
static uint64_t said, kept, deliveries, resumed, refused, gaps, doubles, state = 88172645463325252ull;
static Latency latency, comeback;
static char pad[] = "the quick brown fox jumps over the lazy dog, twice";

static double chance(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return (state >> 11) / 9007199254740992.0; }

static int talker(void) {
    double x = chance() * share[count - 1];
    int low = 0, high = count - 1;
    while (low < high) { int middle = (low + high) / 2; if (share[middle] < x) low = middle + 1; else high = middle; }
    return low;
}

static void copy_field(const char *s, const char *field, char *to, size_t room) {
    const char *p = strstr(s, field);
    if (!p) fail(field, s);
    p += strlen(field);
    size_t n = strcspn(p, "\"");
    if (n >= room) fail("too long", s);
    memcpy(to, p, n);
    to[n] = 0;
}

static uint64_t number(const char *s, const char *field) { const char *p = strstr(s, field); return p ? strtoull(p + strlen(field), NULL, 10) : 0; }

static void said_by_somebody(Conn *c, char *s) {
    User *u = &users[c->id];
    if (strstr(s, "\"room\":\"lobby\"")) {
        uint64_t seq = number(s, "\"seq\":");
        if (u->seq && seq != u->seq + 1) { if (seq > u->seq) gaps += seq - u->seq - 1; else doubles++; }
        if (seq > u->seq) u->seq = seq;
    }
    char *at = strstr(s, "T@");
    if (!at || !measuring) return;
    deliveries++;
    if (!u->resuming) add_latency(&latency, (now_us() - strtoull(at + 2, NULL, 10)) / 1000.0);
}

static void on_line(Conn *c, char *s, size_t n) {
    char b[512];
    User *u = &users[c->id];
    (void)n;
    if (!strncmp(s, "{\"type\":\"message\"", 17)) { said_by_somebody(c, s); return; }
    if (!strncmp(s, "{\"type\":\"sent\"", 14)) { kept++; return; }
    if (!strncmp(s, "{\"type\":\"welcome\"", 17)) {
        if (u->resuming) return; /* the resume line was sent first */
        copy_field(s, "\"token\":\"", u->token, sizeof u->token);
        u->seq = number(s, "\"seq\":");
        snprintf(b, sizeof b, "{\"type\":\"rename\",\"id\":1,\"name\":\"u%d\"}\n", c->id);
        outs(c, b);
    } else if (!strncmp(s, "{\"type\":\"renamed\",\"re\":1,", 25)) became_ready(c);
    else if (!strncmp(s, "{\"type\":\"resumed\"", 17)) {
        u->resuming = 0; resumed++;
        add_latency(&comeback, (now() - u->back_at) * 1000);
        became_ready(c);
    } else if (!strncmp(s, "{\"type\":\"error\"", 15)) { if (!c->ready) fail("refused", s); refused++; }
}

static void on_end(Conn *c) { fail("the server closed a connection", c->buf ? c->buf : ""); }

static void say(void) {
    char b[512];
    int i = talker(), n;
    if (!conns[i].ready) return; /* not connected at the moment */
    if (chance() < 0.1) n = snprintf(b, sizeof b, "{\"type\":\"send\",\"username\":\"u%d\",\"text\":\"T@%llu %s\"}\n", (int)(chance() * count), (unsigned long long)now_us(), pad);
    else n = snprintf(b, sizeof b, "{\"type\":\"send\",\"text\":\"T@%llu %s\"}\n", (unsigned long long)now_us(), pad);
    out(&conns[i], b, n);
    said++;
}

static void break_one(void) {
    int i = chance() * count;
    if (!conns[i].ready) return;
    close_connection(&conns[i]);
    conns[i].ready = 0;
    nready--;
    users[i].resuming = 1;
    users[i].back_at = now() + 0.05 + chance() * 0.95;
}

static void come_back(void) {
    char b[512];
    for (int i = 0; i < count; i++) {
        if (conns[i].fd >= 0 || users[i].back_at > now()) continue;
        users[i].back_at = now();
        open_connection(&conns[i], i);
        snprintf(b, sizeof b, "resume %s --after %llu\n", users[i].token, (unsigned long long)users[i].seq);
        outs(&conns[i], b);
    }
}

int main(int argc, char **argv) {
    if (argc != 7) { fprintf(stderr, "usage: day HOST PORT USERS SECONDS RATE RECONNECTS\n"); return 2; }
    count = atoi(argv[3]);
    double seconds = atof(argv[4]), rate = atof(argv[5]), breaks = atof(argv[6]), due = 0, broken = 0;
    set_up("tcpchat", argv[1], argv[2], count);
    users = calloc(count, sizeof *users);
    share = calloc(count, sizeof *share);
    for (int i = 0; i < count; i++) share[i] = (i ? share[i - 1] : 0) + 1.0 / (i + 1);
    join_all(0, count, 64, NULL);
    poll_for(1);
    measuring = 1;
    Usage then = usage_now();
    uint64_t done = 0, lost = 0;
    for (double last = then.at, t; (t = now()) < then.at + seconds; last = t) {
        /* one second of five is a burst: 5/9 of all messages in a fifth of the time */
        due += (t - last) * rate * (fmod(t - then.at, 5) < 1 ? 25.0 / 9 : 5.0 / 9);
        broken += (t - last) * breaks;
        for (; done < due; done++) say();
        for (; broken >= 1; broken--) break_one();
        come_back();
        for (int i = 0; i < count; i++) if (conns[i].fd >= 0) flush(&conns[i]);
        poll_once(1);
    }
    printf("{\"deliveries_per_s\":%.0f,", deliveries / (now() - then.at));
    print_usage(then); printf(",");
    for (double end = now() + 10; now() < end && nready < count;) { come_back(); poll_once(20); }
    poll_for(0.5);
    uint64_t newest = 0;
    for (int i = 0; i < count; i++) if (users[i].seq > newest) newest = users[i].seq;
    for (int i = 0; i < count; i++) lost += newest - users[i].seq;
    print_latency(&latency);
    qsort(comeback.ms, comeback.n, sizeof *comeback.ms, by_size);
    printf(",\"said\":%llu,\"kept\":%llu,\"refused\":%llu,\"resumed\":%llu,\"resume_p99_ms\":%.2f,\"lost\":%llu,\"doubled\":%llu}\n",
           (unsigned long long)said, (unsigned long long)kept, (unsigned long long)refused, (unsigned long long)resumed,
           comeback.n ? comeback.ms[(size_t)(comeback.n * 0.99)] : 0, (unsigned long long)(gaps + lost), (unsigned long long)doubles);
    return 0;
}
