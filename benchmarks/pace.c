/* An open-loop load: sends one HTTP/1.1 request at each of the given times, whatever becomes of those before.

   pace PORT CONNECTIONS PATIENCE REQUEST < times > notes

   PORT is one of 127.0.0.1, PATIENCE how many nanoseconds the last answers may take, REQUEST a file. Times and notes
   are numbers of 64 bits in this machine's order; each is in nanoseconds since the begin. `times` has one for each
   request, in order. `notes` has a number that says that the load begins. At the end come the number of connections
   that ended, or were spoken to, while they were idle, and for each request when it could have been sent (it was
   due, and a connection was free), when it was sent, when its answer was there, and the answer's status: 0 if the
   connection broke, -1 if nothing came in time.

   Before the begin each connection is used once; no answer to that is a failure.

   When an answer is there says the kernel (SO_TIMESTAMPNS): how soon this program reads it does not count. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define LENGTH "content-length:"
#define CONNECTION "connection:"
enum { HEAD = 16384, BODY = 262144, EVENTS = 256 };

struct note {
    int64_t could, sent, answered, status;
};

struct connection {
    int socket;
    int64_t freed;   /* when the answer before was there */
    int64_t request; /* under way; -1: none */
    int64_t missing; /* bytes of the body; -1: the head is not complete */
    int64_t status;
    bool closes;
    size_t held;
    char head[HEAD];
};

static struct sockaddr_in address;
static struct connection *connections, **idle;
static int64_t size, idle_first, idle_count, unasked, settled, begun;
static struct note *notes;
static char *request;
static size_t request_length;
static int poll_set;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void *room(size_t count, size_t each)
{
    void *made = calloc(count ? count : 1, each);
    if (!made)
        fail("memory");
    return made;
}

static int64_t nanoseconds(const struct timespec *time)
{
    return time->tv_sec * SECOND + time->tv_nsec;
}

/* The clock is the one of the kernel's time stamps. */
static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return nanoseconds(&time) - begun;
}

static void put_idle(struct connection *one)
{
    one->request = -1;
    one->missing = -1;
    one->held = 0;
    one->closes = false;
    idle[(idle_first + idle_count++) % size] = one;
}

static struct connection *take_idle(void)
{
    struct connection *one = idle[idle_first];
    idle_first = (idle_first + 1) % size;
    idle_count--;
    return one;
}

static void open_one(struct connection *one)
{
    int on = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
    one->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (one->socket < 0 || connect(one->socket, (struct sockaddr *)&address, sizeof address) < 0)
        fail("connect");
    setsockopt(one->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(one->socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (epoll_ctl(poll_set, EPOLL_CTL_ADD, one->socket, &event) < 0)
        fail("epoll_ctl");
    one->freed = now();
    put_idle(one);
}

static void open_anew(struct connection *one)
{
    close(one->socket);
    open_one(one);
}

static void settle(struct connection *one, int64_t status, int64_t when, bool ends)
{
    notes[one->request].answered = when;
    notes[one->request].status = status;
    settled++;
    if (ends) {
        open_anew(one);
        return;
    }
    one->freed = when;
    put_idle(one);
}

static void send_next(int64_t number, int64_t due)
{
    struct connection *one = take_idle();
    one->request = number;
    notes[number].could = due > one->freed ? due : one->freed;
    notes[number].sent = now();
    if (send(one->socket, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length)
        settle(one, 0, notes[number].sent, true);
}

static ssize_t receive(struct connection *one, char *into, size_t length, int64_t *when)
{
    _Alignas(struct cmsghdr) char control[128];
    struct iovec part = {into, length};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(one->socket, &message, MSG_DONTWAIT);
    *when = 0;
    for (struct cmsghdr *each = got > 0 ? CMSG_FIRSTHDR(&message) : NULL; each; each = CMSG_NXTHDR(&message, each))
        if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec time;
            memcpy(&time, CMSG_DATA(each), sizeof time);
            *when = nanoseconds(&time) - begun;
        }
    if (!*when)
        *when = now();
    return got;
}

/* A head that tells no length is never followed by all of its body. */
static void read_head(struct connection *one, const char *end)
{
    one->status = one->held > 12 ? strtol(one->head + 9, NULL, 10) : 0;
    one->missing = INT64_MAX;
    for (const char *line = one->head; line < end; line = (const char *)memchr(line, '\n', end - line) + 1) {
        if (!strncasecmp(line, LENGTH, sizeof LENGTH - 1))
            one->missing = strtoll(line + sizeof LENGTH - 1, NULL, 10);
        else if (!strncasecmp(line, CONNECTION, sizeof CONNECTION - 1))
            one->closes = !strncasecmp(line + sizeof CONNECTION - 1 + strspn(line + sizeof CONNECTION - 1, " "), "close", 5);
    }
    if (one->missing != INT64_MAX)
        one->missing -= one->head + one->held - end;
}

static void readable(struct connection *one)
{
    static char body[BODY];
    int64_t when;
    bool in_head = one->missing < 0;
    ssize_t got = in_head ? receive(one, one->head + one->held, HEAD - one->held - 1, &when)
                          : receive(one, body, sizeof body, &when);
    if (got < 0 && errno == EAGAIN)
        return;
    if (one->request < 0) {
        /* It is among the idle ones, and not first among them for ever. */
        unasked++;
        while (take_idle() != one)
            put_idle(idle[(idle_first + size - 1) % size]);
        open_anew(one);
        return;
    }
    if (got <= 0) {
        settle(one, 0, when, true);
        return;
    }
    if (in_head) {
        one->held += got;
        one->head[one->held] = 0;
        const char *end = memmem(one->head, one->held, "\r\n\r\n", 4);
        if (!end)
            return;
        read_head(one, end + 4);
    } else if (one->missing != INT64_MAX)
        one->missing -= got;
    if (one->missing <= 0)
        settle(one, one->status, when, one->closes);
}

static void run(const int64_t *times, int64_t count, int64_t patience)
{
    struct epoll_event events[EVENTS];
    struct timespec start;
    int64_t due = 0, next = 0;
    clock_gettime(CLOCK_REALTIME, &start);
    for (int64_t each = 0; each < size; each++)
        connections[each].freed = 0;
    begun = nanoseconds(&start);
    while (settled < count) {
        int64_t time = now();
        while (due < count && times[due] <= time)
            due++;
        int64_t until = due < count ? times[due] : times[count - 1] + patience;
        if (due == count && time >= until)
            return;
        for (; next < due && idle_count; next++)
            send_next(next, times[next]);
        int64_t left = until - now();
        struct timespec wait = {left > 0 ? left / SECOND : 0, left > 0 ? left % SECOND : 0};
        int ready = epoll_pwait2(poll_set, events, EVENTS, &wait, NULL);
        for (int each = 0; each < ready; each++)
            readable(events[each].data.ptr);
    }
}

/* What a new connection costs a server is not asked for: each has had an answer before the begin. */
static void use_each(int64_t patience)
{
    struct note unnoted;
    int64_t at_once = 0;
    notes = &unnoted;
    for (int64_t each = 0; each < size; each++) {
        settled = 0;
        run(&at_once, 1, patience);
        if (!settled) {
            fputs("no answer before the begin\n", stderr);
            exit(1);
        }
    }
    settled = unasked = 0;
}

static char *read_all(FILE *file, size_t *length)
{
    size_t space = 1 << 16;
    char *text = room(space, 1);
    *length = 0;
    for (size_t got; (got = fread(text + *length, 1, space - *length, file)) > 0;)
        if ((*length += got) == space && !(text = realloc(text, space *= 2)))
            fail("memory");
    return text;
}

/* This program is not what is measured: as far as it may, it goes before others and is woken in time. */
static void be_punctual(void)
{
    struct sched_param priority = {.sched_priority = 1};
    prctl(PR_SET_TIMERSLACK, 1);
    sched_setscheduler(0, SCHED_FIFO, &priority);
    mlockall(MCL_CURRENT);
}

int main(int count, char **words)
{
    size_t length;
    if (count != 5) {
        fputs("pace PORT CONNECTIONS PATIENCE REQUEST < times > notes\n", stderr);
        return 2;
    }
    address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(atoi(words[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    size = atoll(words[2]);
    FILE *file = fopen(words[4], "rb");
    if (!file)
        fail(words[4]);
    request = read_all(file, &request_length);
    int64_t *times = (int64_t *)read_all(stdin, &length);
    int64_t requests = length / sizeof *times;
    connections = room(size, sizeof *connections);
    idle = room(size, sizeof *idle);
    poll_set = epoll_create1(EPOLL_CLOEXEC);
    for (int64_t each = 0; each < size; each++)
        open_one(&connections[each]);
    use_each(atoll(words[3]));
    notes = room(requests, sizeof *notes);
    memset(notes, -1, requests * sizeof *notes);
    be_punctual();
    fwrite(&unasked, sizeof unasked, 1, stdout);
    fflush(stdout);
    run(times, requests, atoll(words[3]));
    fwrite(&unasked, sizeof unasked, 1, stdout);
    fwrite(notes, sizeof *notes, requests, stdout);
    return fflush(stdout) ? 1 : 0;
}
