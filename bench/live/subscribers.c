/* Subscribers of one server: many connections that read server-sent events and note when each message is complete.
 *
 *     subscribers PORT REQUEST MOST BYTES CURSOR
 *
 * REQUEST is a file with a whole HTTP request in which @VISITOR@ becomes 32 characters of each connection's own and
 * @CURSOR@ the last event id that it has seen, at first CURSOR. MOST is how many connections there may be. A message
 * is an event with "<p>@00000042@…@00000042@</p>" of BYTES bytes in its data: every byte is compared.
 *
 * Commands on stdin, each answered with a line of JSON; times are nanoseconds of CLOCK_MONOTONIC:
 *     open COUNT NARROW LIMIT MS   connections 0 to COUNT-1, the first NARROW with a small receive buffer, at most LIMIT
 *                                  handshakes at once; whoever is refused or cut, then or later, comes again
 *     close                        all of them, at once, until the next `open`; their cursors are kept
 *     stall COUNT                  the first COUNT read nothing any more
 *     resume                       they read again
 *     expect FIRST LAST            from now on note who has got all messages of these numbers (64 at most)
 *     await MS                     until all that read have got them
 *     state                        what has happened so far
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 1024, INBOX = 262144, CURSOR = 256, MOST_TEXT = 1048576, ADDRESSES = 8, NARROW_BYTES = 4096, SEGMENT_BYTES = 1448 };
static const int64_t RETRY_NS = 250000000, MS = 1000000;

typedef enum { CLOSED, CONNECTING, HEAD, BODY } phase_t;
typedef enum { CHUNK_SIZE, CHUNK_DATA, CHUNK_END } chunk_t;

typedef struct {
    int fd;
    phase_t phase;
    bool stalled, chunked;
    chunk_t chunk;
    size_t chunk_left;
    char *kept; /* an incomplete head or message */
    size_t kept_length;
    int64_t again_ns; /* when to connect again */
    uint64_t got;
    int64_t complete_ns;
    char cursor[CURSOR];
} line_t;

static line_t *lines;
static int count, most, narrow, limit, next_dialled, open_count, connecting, stalled_count;
static int64_t refused, lost, messages, events_seen, wrong, received;
static uint32_t first_expected = 1, last_expected = 0;
static int complete;
static int64_t deadline_ns; /* of the command under way */
static enum { NOTHING, OPENING, AWAITING } under_way;
static char *request;
static char *expected; /* the body of a message, but for its number */
static size_t body_bytes;
static int poll_fd, port;
static char inbox[INBOX];
static char *text;

static void die(const char *what) {
    fprintf(stderr, "subscribers: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void watch(int at, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.u32 = (uint32_t)at};
    if (epoll_ctl(poll_fd, operation, lines[at].fd, &event) < 0) die("epoll_ctl");
}

static void keep(line_t *line, const char *bytes, size_t length) {
    if (length > MOST_TEXT / 2) die("a message that never ends");
    char *copy = NULL;
    if (length) {
        copy = malloc(length);
        if (!copy) die("malloc");
        memcpy(copy, bytes, length);
    }
    free(line->kept);
    line->kept = copy;
    line->kept_length = length;
}

static void hang_up(int at) {
    line_t *line = &lines[at];
    if (line->phase == BODY) open_count--;
    else if (line->phase != CLOSED) connecting--;
    if (line->phase != CLOSED) close(line->fd);
    line->phase = CLOSED;
    line->fd = -1;
    keep(line, NULL, 0);
}

/* The server's doing: it refused, or it cut the connection. */
static void lose(int at) {
    if (lines[at].phase == BODY) lost++;
    else refused++;
    lines[at].again_ns = now_ns() + RETRY_NS;
    hang_up(at);
}

static void dial(int at) {
    line_t *line = &lines[at];
    int on = 1, small = NARROW_BYTES, segment = SEGMENT_BYTES;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + at % ADDRESSES)};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    line->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (line->fd < 0) die("socket");
    setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(line->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (at < narrow) {
        setsockopt(line->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        /* As over a network: with loopback's segments of 64 KB the server's kernel would take megabytes off its hands. */
        setsockopt(line->fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    }
    if (bind(line->fd, (struct sockaddr *)&from, sizeof from) < 0) die("bind");
    line->phase = CONNECTING;
    line->chunked = false;
    line->chunk = CHUNK_SIZE;
    line->chunk_left = 0;
    connecting++;
    watch(at, EPOLL_CTL_ADD, EPOLLOUT);
    if (connect(line->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) lose(at);
}

static void ask(int at) {
    line_t *line = &lines[at];
    char filled[8192], visitor[33];
    size_t length = 0;
    snprintf(visitor, sizeof visitor, "visitor-%024d", at);
    for (const char *from = request; *from && length < sizeof filled - CURSOR;) {
        if (!strncmp(from, "@VISITOR@", 9)) {
            length += (size_t)sprintf(filled + length, "%s", visitor);
            from += 9;
        } else if (!strncmp(from, "@CURSOR@", 8)) {
            length += (size_t)sprintf(filled + length, "%s", line->cursor);
            from += 8;
        } else {
            filled[length++] = *from++;
        }
    }
    if (send(line->fd, filled, length, MSG_NOSIGNAL) != (ssize_t)length) {
        lose(at);
        return;
    }
    line->phase = HEAD;
    watch(at, EPOLL_CTL_MOD, EPOLLIN);
}

static void note(line_t *line, const char *data, size_t length) {
    const char *body = memmem(data, length, "<p>@", 4);
    if (!body) return;
    messages++;
    char number[10] = {0};
    size_t there = length - (size_t)(body - data);
    if (there >= body_bytes) memcpy(number, body + 4, 8);
    bool same = there >= body_bytes && !memcmp(body + 12, expected + 12, body_bytes - 25) &&
                !memcmp(body + body_bytes - 13, number, 8) && !memcmp(body + body_bytes - 5, "@</p>", 5);
    if (!same) {
        wrong++;
        return;
    }
    uint32_t found = (uint32_t)strtoul(number, NULL, 10);
    if (found < first_expected || found > last_expected) return;
    uint64_t all = last_expected - first_expected == 63 ? UINT64_MAX : (1ULL << (last_expected - first_expected + 1)) - 1;
    if (line->got == all) return;
    line->got |= 1ULL << (found - first_expected);
    if (line->got == all) {
        line->complete_ns = now_ns();
        if (!line->stalled) complete++;
    }
}

static void dispatch(line_t *line, const char *at, const char *end) {
    events_seen++;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        size_t length = (size_t)(stop - at);
        if (length && at[length - 1] == '\r') length--;
        if (length > 5 && !memcmp(at, "data:", 5)) note(line, at, length);
        if (length > 3 && !memcmp(at, "id:", 3)) {
            size_t skip = at[3] == ' ' ? 4 : 3, taken = length - skip;
            if (taken >= CURSOR) die("an event id that is too long");
            memcpy(line->cursor, at + skip, taken);
            line->cursor[taken] = 0;
        }
        at = stop + 1;
    }
}

/* `text` holds what was kept and what has come since, `length` bytes without HTTP's framing. */
static void read_events(line_t *line, size_t length) {
    const char *begin = text, *at = text, *end = text + length;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) break;
        if (stop == at || (stop == at + 1 && *at == '\r')) {
            if (at > begin) dispatch(line, begin, at);
            begin = stop + 1;
        }
        at = stop + 1;
    }
    keep(line, begin, (size_t)(end - begin));
}

/* Appends to `text` what is in the chunks. False when they are not well formed, or the last has come. */
static bool take_chunks(line_t *line, const char *at, const char *end, size_t *length) {
    while (at < end) {
        if (line->chunk == CHUNK_DATA) {
            size_t here = (size_t)(end - at) < line->chunk_left ? (size_t)(end - at) : line->chunk_left;
            memcpy(text + *length, at, here);
            *length += here;
            at += here;
            line->chunk_left -= here;
            if (!line->chunk_left) line->chunk = CHUNK_END;
        } else if (line->chunk == CHUNK_END) {
            if (*at != '\r' && *at != '\n') return false;
            if (*at++ == '\n') line->chunk = CHUNK_SIZE;
        } else if (*at == '\n') {
            at++;
            if (!line->chunk_left) return false;
            line->chunk = CHUNK_DATA;
        } else if (*at == '\r') {
            at++;
        } else {
            const char *digits = "0123456789abcdef", *digit = strchr(digits, *at | 0x20);
            if (!digit || line->chunk_left > MOST_TEXT) return false;
            line->chunk_left = line->chunk_left * 16 + (size_t)(digit - digits);
            at++;
        }
    }
    return true;
}

static void read_body(int at, const char *bytes, size_t length) {
    line_t *line = &lines[at];
    size_t filled = line->kept_length;
    memcpy(text, line->kept, filled);
    bool alive = true;
    if (line->chunked) {
        alive = take_chunks(line, bytes, bytes + length, &filled);
    } else {
        memcpy(text + filled, bytes, length);
        filled += length;
    }
    read_events(line, filled);
    if (!alive) lose(at);
}

static void read_head(int at, const char *bytes, size_t length) {
    line_t *line = &lines[at];
    size_t filled = line->kept_length + length;
    memcpy(text, line->kept, line->kept_length);
    memcpy(text + line->kept_length, bytes, length);
    char *end = memmem(text, filled, "\r\n\r\n", 4);
    if (!end) {
        keep(line, text, filled);
        return;
    }
    if (filled < 12 || memcmp(text + 9, "200", 3)) {
        lose(at);
        return;
    }
    *end = 0;
    line->chunked = strcasestr(text, "\r\ntransfer-encoding: chunked") != NULL;
    line->phase = BODY;
    connecting--;
    open_count++;
    keep(line, NULL, 0);
    size_t rest = filled - (size_t)(end + 4 - text);
    if (rest) {
        char *copy = malloc(rest);
        if (!copy) die("malloc");
        memcpy(copy, end + 4, rest);
        read_body(at, copy, rest);
        free(copy);
    }
}

static void receive(int at) {
    ssize_t got = recv(lines[at].fd, inbox, sizeof inbox, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        lose(at);
        return;
    }
    received += got;
    if (lines[at].phase == HEAD) read_head(at, inbox, (size_t)got);
    else read_body(at, inbox, (size_t)got);
}

static void connected(int at) {
    int fault = 0;
    socklen_t size = sizeof fault;
    getsockopt(lines[at].fd, SOL_SOCKET, SO_ERROR, &fault, &size);
    if (fault) lose(at);
    else ask(at);
}

static int by_value(const void *one, const void *other) {
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return a < b ? -1 : a > b;
}

static void answer_await(void) {
    int64_t *times = malloc(sizeof(int64_t) * (size_t)(complete + 1));
    if (!times) die("malloc");
    int found = 0;
    for (int at = 0; at < count; at++)
        if (lines[at].complete_ns && !lines[at].stalled) times[found++] = lines[at].complete_ns;
    qsort(times, (size_t)found, sizeof *times, by_value);
    int last = found ? found - 1 : 0;
    printf("{\"wanted\":%d,\"got\":%d,\"first\":%lld,\"median\":%lld,\"p99\":%lld,\"last\":%lld}\n",
           count - stalled_count, found, found ? (long long)times[0] : 0, found ? (long long)times[found / 2] : 0,
           found ? (long long)times[(int)(last * 0.99)] : 0, found ? (long long)times[last] : 0);
    free(times);
}

static void answer_state(void) {
    printf("{\"now\":%lld,\"open\":%d,\"refused\":%lld,\"lost\":%lld,\"messages\":%lld,\"events\":%lld,\"wrong\":%lld,"
           "\"bytes\":%lld}\n",
           (long long)now_ns(), open_count, (long long)refused, (long long)lost, (long long)messages,
           (long long)events_seen, (long long)wrong, (long long)received);
}

static void expect(uint32_t first, uint32_t last) {
    if (last < first || last - first > 63) die("expect: a range of 1 to 64");
    first_expected = first;
    last_expected = last;
    complete = 0;
    for (int at = 0; at < most; at++) lines[at].got = 0, lines[at].complete_ns = 0;
}

static void stall(int wanted, bool stalled) {
    for (int at = 0; at < wanted; at++) {
        if (lines[at].phase != BODY || lines[at].stalled == stalled) continue;
        lines[at].stalled = stalled;
        stalled_count += stalled ? 1 : -1;
        watch(at, EPOLL_CTL_MOD, stalled ? 0 : EPOLLIN);
    }
}

static void obey(const char *words) {
    long a = 0, b = 0, c = 0, d = 0;
    char verb[16] = "";
    sscanf(words, "%15s %ld %ld %ld %ld", verb, &a, &b, &c, &d);
    if (!strcmp(verb, "open")) {
        if (a > most) die("open: more than the most");
        count = (int)a, narrow = (int)b, limit = (int)c;
        next_dialled = 0;
        deadline_ns = now_ns() + d * MS;
        under_way = OPENING;
        return;
    }
    if (!strcmp(verb, "await")) {
        deadline_ns = now_ns() + a * MS;
        under_way = AWAITING;
        return;
    }
    if (!strcmp(verb, "close")) {
        for (int at = 0; at < most; at++) hang_up(at), lines[at].stalled = false, lines[at].again_ns = 0;
        stalled_count = count = 0;
    } else if (!strcmp(verb, "expect")) {
        expect((uint32_t)a, (uint32_t)b);
    } else if (!strcmp(verb, "stall")) {
        stall((int)a, true);
    } else if (!strcmp(verb, "resume")) {
        stall(count, false);
    } else if (strcmp(verb, "state")) {
        die(words);
    }
    answer_state();
}

static void read_commands(void) {
    static char waiting[1024];
    static size_t filled;
    ssize_t got = read(0, waiting + filled, sizeof waiting - filled - 1);
    if (got <= 0) exit(0);
    filled += (size_t)got;
    waiting[filled] = 0;
    for (char *stop; (stop = strchr(waiting, '\n'));) {
        *stop = 0;
        obey(waiting);
        filled -= (size_t)(stop + 1 - waiting);
        memmove(waiting, stop + 1, filled + 1);
    }
}

/* Once through all of them, and again every so often for those that were refused. */
static void dial_more(int64_t now) {
    static int64_t looked_ns;
    if (next_dialled == count && now - looked_ns > RETRY_NS / 4) {
        next_dialled = 0;
        looked_ns = now;
    }
    for (; next_dialled < count && connecting < limit; next_dialled++)
        if (lines[next_dialled].phase == CLOSED && !lines[next_dialled].stalled && lines[next_dialled].again_ns <= now)
            dial(next_dialled);
}

static void go_on(void) {
    int64_t now = now_ns();
    if (open_count + connecting < count) dial_more(now);
    bool done = under_way == OPENING ? open_count == count : complete >= count - stalled_count;
    if (under_way == NOTHING || (!done && now < deadline_ns)) return;
    if (under_way == OPENING) answer_state();
    else answer_await();
    under_way = NOTHING;
}

static void prepare(char **words) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    most = atoi(words[3]);
    if (files.rlim_max < (rlim_t)most + 64) {
        fprintf(stderr, "subscribers: %d connections need as many open files; the limit here is %llu (ulimit -Hn)\n",
                most, (unsigned long long)files.rlim_max);
        exit(3);
    }
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    port = atoi(words[1]);
    request = calloc(1, 4096);
    FILE *file = fopen(words[2], "rb");
    if (!file || !request || !fread(request, 1, 4095, file)) die(words[2]);
    fclose(file);
    body_bytes = (size_t)atoi(words[4]);
    expected = malloc(body_bytes);
    text = malloc(MOST_TEXT + INBOX);
    lines = calloc((size_t)most, sizeof(line_t));
    if (!expected || !text || !lines || strlen(words[5]) >= CURSOR) die("no room");
    for (size_t at = 0; at < body_bytes; at++) expected[at] = (char)('a' + at % 26);
    expected[12] = '@';
    expected[body_bytes - 14] = '@';
    for (int at = 0; at < most; at++) lines[at].fd = -1, strcpy(lines[at].cursor, words[5]);
}

int main(int given, char **words) {
    if (given != 6) {
        fprintf(stderr, "usage: subscribers PORT REQUEST MOST BYTES CURSOR\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    prepare(words);
    poll_fd = epoll_create1(0);
    struct epoll_event commands = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, 0, &commands) < 0) die("stdin");
    for (;;) {
        struct epoll_event events[EVENTS];
        int happened = epoll_wait(poll_fd, events, EVENTS, under_way || open_count < count ? 10 : -1);
        for (int i = 0; i < happened; i++) {
            uint32_t at = events[i].data.u32;
            if (at == UINT32_MAX) read_commands();
            else if (lines[at].phase == CONNECTING) connected((int)at);
            else if (lines[at].stalled) lose((int)at); /* it was cut: nothing else is heard of it */
            else if (lines[at].phase != CLOSED) receive((int)at);
        }
        go_on();
    }
}
