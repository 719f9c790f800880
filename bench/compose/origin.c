/* The fragment servers of the measurement: answers written down beforehand, sent as fast as one core can.
 *
 *     origin PORT ROUTES
 *
 * ROUTES has a line per path: PATH KIND DELAY_MS FILE. FILE is a whole HTTP answer, head and body. KIND is
 *     plain   the answer as it stands
 *     count   its first "0000000000" becomes the answer's number, so that no two are alike
 *     hang    the request is taken and never answered
 * A query is ignored. A connection is answered in the order it asks; what its reader does not take yet waits here.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
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

enum { SLOTS = 4096, MAX_LINES = 65536, MAX_LATE = 4096, INBOX = 65536, EVENTS = 256, DIGITS = 10 };
static const char ZEROS[] = "0000000000";
static const char NOT_FOUND[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

typedef enum { PLAIN, COUNT, HANG } kind_t;

typedef struct {
    char *path;
    kind_t kind;
    int delay_ms;
    char *answer;
    size_t length;
    size_t digits_at;
} route_t;

typedef struct {
    unsigned life; /* grows with each connection on this descriptor: a late answer must not go to its successor */
    bool waiting;
    size_t filled;
    char *rest;
    size_t rest_length, rest_sent;
    char inbox[INBOX];
} line_t;

typedef struct {
    int64_t due_ns;
    int fd;
    unsigned life;
    const route_t *route;
} late_t;

static route_t routes[SLOTS];
static line_t *lines[MAX_LINES];
static late_t late[MAX_LATE]; /* the soonest last */
static int late_count;
static int poll_fd;
static uint64_t answered;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static route_t *slot_of(const char *path, size_t length) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)path[i]) * 16777619u;
    for (uint32_t at = hash % SLOTS;; at = (at + 1) % SLOTS) {
        route_t *route = &routes[at];
        if (!route->path || (!strncmp(route->path, path, length) && !route->path[length])) return route;
    }
}

static char *read_file(const char *name, size_t *length) {
    FILE *file = fopen(name, "rb");
    if (!file) die(name);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *content = malloc(*length + 1);
    if (!content || fread(content, 1, *length, file) != *length) die(name);
    fclose(file);
    return content;
}

static void read_routes(const char *name) {
    char path[256], kind[16], answer[1024];
    int delay_ms, count = 0;
    FILE *file = fopen(name, "r");
    if (!file) die(name);
    while (fscanf(file, "%255s %15s %d %1023s", path, kind, &delay_ms, answer) == 4) {
        if (++count > SLOTS / 2) die("too many routes");
        route_t *route = slot_of(path, strlen(path));
        route->path = strdup(path);
        route->kind = !strcmp(kind, "count") ? COUNT : !strcmp(kind, "hang") ? HANG : PLAIN;
        route->delay_ms = delay_ms;
        route->answer = read_file(answer, &route->length);
        char *digits = memmem(route->answer, route->length, ZEROS, DIGITS);
        route->digits_at = digits ? (size_t)(digits - route->answer) : 0;
    }
    fclose(file);
}

static void watch(int fd, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(poll_fd, operation, fd, &event) < 0 && operation != EPOLL_CTL_DEL) die("epoll_ctl");
}

static void hang_up(int fd) {
    line_t *line = lines[fd];
    line->life++;
    line->waiting = false;
    line->filled = 0;
    free(line->rest);
    line->rest = NULL;
    close(fd);
}

/* False when the line is dead. */
static bool send_bytes(int fd, const char *bytes, size_t length) {
    line_t *line = lines[fd];
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) sent = 0;
    if ((size_t)sent == length) return true;
    line->rest_length = length - (size_t)sent;
    line->rest_sent = 0;
    line->rest = malloc(line->rest_length);
    if (!line->rest) die("malloc");
    memcpy(line->rest, bytes + sent, line->rest_length);
    watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    return true;
}

static bool send_rest(int fd) {
    line_t *line = lines[fd];
    ssize_t sent = send(fd, line->rest + line->rest_sent, line->rest_length - line->rest_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return errno == EAGAIN;
    line->rest_sent += (size_t)sent;
    if (line->rest_sent == line->rest_length) {
        free(line->rest);
        line->rest = NULL;
        watch(fd, EPOLL_CTL_MOD, EPOLLIN);
    }
    return true;
}

static bool answer(int fd, const route_t *route) {
    answered++;
    if (route->kind == COUNT && route->digits_at) {
        char digits[DIGITS + 1];
        snprintf(digits, sizeof digits, "%010llu", (unsigned long long)(answered % 10000000000ULL));
        memcpy(route->answer + route->digits_at, digits, DIGITS);
    }
    return send_bytes(fd, route->answer, route->length);
}

static void answer_later(int fd, const route_t *route) {
    late_t one = {now_ns() + route->delay_ms * 1000000LL, fd, lines[fd]->life, route};
    if (late_count == MAX_LATE) die("too many late answers");
    int at = late_count++;
    for (; at > 0 && late[at - 1].due_ns < one.due_ns; at--) late[at] = late[at - 1];
    late[at] = one;
    lines[fd]->waiting = true;
}

static bool take(int fd, const char *target, size_t length) {
    const char *query = memchr(target, '?', length);
    const route_t *route = slot_of(target, query ? (size_t)(query - target) : length);
    if (!route->path) return send_bytes(fd, NOT_FOUND, sizeof NOT_FOUND - 1);
    if (route->kind == HANG) {
        lines[fd]->waiting = true;
        return true;
    }
    if (route->delay_ms == 0) return answer(fd, route);
    answer_later(fd, route);
    return true;
}

/* Answers what has been asked completely. False when the line is dead. */
static bool serve(int fd) {
    line_t *line = lines[fd];
    char *at = line->inbox, *end = line->inbox + line->filled;
    while (!line->waiting && !line->rest) {
        char *stop = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
        if (!stop) break;
        char *target = memchr(at, ' ', (size_t)(stop - at));
        char *version = target ? memchr(target + 1, ' ', (size_t)(stop - target - 1)) : NULL;
        if (!version) return false;
        at = stop + 4;
        if (!take(fd, target + 1, (size_t)(version - target - 1))) return false;
    }
    line->filled = (size_t)(end - at);
    memmove(line->inbox, at, line->filled);
    return true;
}

static bool receive(int fd) {
    line_t *line = lines[fd];
    ssize_t got = recv(fd, line->inbox + line->filled, INBOX - line->filled, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false; /* closed, or more was asked ahead than there is room for */
    line->filled += (size_t)got;
    return serve(fd);
}

static void welcome(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= MAX_LINES) {
            close(fd);
            continue;
        }
        if (!lines[fd] && !(lines[fd] = calloc(1, sizeof(line_t)))) die("calloc");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static int wait_ms(void) {
    if (!late_count) return -1;
    int64_t left = late[late_count - 1].due_ns - now_ns();
    return left <= 0 ? 0 : (int)((left + 999999) / 1000000);
}

static void send_what_is_due(void) {
    for (int64_t now = now_ns(); late_count && late[late_count - 1].due_ns <= now;) {
        late_t one = late[--late_count];
        if (lines[one.fd]->life != one.life) continue;
        lines[one.fd]->waiting = false;
        if (!answer(one.fd, one.route) || !serve(one.fd)) hang_up(one.fd);
    }
}

static int listen_on(int port) {
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) die("listen");
    return listener;
}

int main(int count, char **words) {
    if (count != 3) {
        fprintf(stderr, "usage: origin PORT ROUTES\n");
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    read_routes(words[2]);
    int listener = listen_on(atoi(words[1]));
    poll_fd = epoll_create1(0);
    watch(listener, EPOLL_CTL_ADD, EPOLLIN);
    for (;;) {
        struct epoll_event events[EVENTS];
        int happened = epoll_wait(poll_fd, events, EVENTS, wait_ms());
        for (int i = 0; i < happened; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                welcome(listener);
                continue;
            }
            bool alive = true;
            if ((events[i].events & EPOLLOUT) && lines[fd]->rest) alive = send_rest(fd) && serve(fd);
            if (alive && (events[i].events & ~(uint32_t)EPOLLOUT)) alive = receive(fd);
            if (!alive) hang_up(fd);
        }
        send_what_is_due();
    }
}
