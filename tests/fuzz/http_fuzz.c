/* Raw bytes through the real HTTP library, with the guard in front of it as in http/server.c, against a
 * reader that takes HTTP/1.1 by the letter. A proxy may read requests as that one does: so what we would
 * serve must be the same requests, byte for byte, and none may hide in another. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "http/wire/guard.h"
#include "http/wire/wire.h"

#include <errno.h>
#include <microhttpd.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { REQUESTS_MAX = 8, HEADERS_MAX = 64, CONNECTION_BYTES = 32 * 1024, TURNS_MAX = 400 };

struct header {
    char *name;
    char *value;
};

/* A request as one of both has read it. */
struct seen {
    char *method;
    char *target;
    struct header headers[HEADERS_MAX];
    size_t header_count;
    struct buf body;
    bool chunked;
    bool whole; /* its body has ended */
};

struct run {
    struct arena arena;
    struct seen served[REQUESTS_MAX]; /* heads that passed the guard, in order */
    size_t served_count;
    bool refused; /* nothing may follow */
    bool closed;  /* the connection is no more */
};

/* One request of the library's. */
struct asking {
    struct run *run;
    const char *target_end;
    char *target;
    struct guard guard;
    struct seen *seen; /* NULL until the head has passed */
};

static struct run run;

/* ---- the library's side; as http/server.c does it ---- */

static void *on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct asking *a = arena_alloc(&run.arena, sizeof *a);
    (void)cls;
    (void)mhd;
    a->run = &run;
    a->target = target != NULL ? arena_strdup(&run.arena, target) : NULL;
    a->target_end = target != NULL ? target + strlen(target) : NULL;
    return a;
}

static enum MHD_Result look_at_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    (void)kind;
    guard_header(cls, name, value);
    return MHD_YES;
}

static enum MHD_Result look_where(void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    (void)kind;
    wire_header(cls, name, value);
    return MHD_YES;
}

static enum MHD_Result keep_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct seen *s = cls;
    (void)kind;
    DEMAND(s->header_count < HEADERS_MAX);
    s->headers[s->header_count++] = (struct header){arena_strdup(&run.arena, name),
                                                    arena_strdup(&run.arena, value ? value : "")};
    return MHD_YES;
}

static bool passes(struct asking *a, struct MHD_Connection *mhd, const char *method,
                   const char *version)
{
    struct err err = {0};
    /* more than is kept here: a limit of this target, and of nobody else */
    if (MHD_get_connection_values(mhd, MHD_HEADER_KIND, look_at_header, &a->guard) > HEADERS_MAX) {
        return false;
    }
    if (!guard_target(a->target, &err) || !guard_end(&a->guard, method, version, &err)) {
        fuzz_refusal(&err);
        return false;
    }
    if (MHD_get_version()[0] != '0') {
        return true; /* from 1.0 on the library refuses what wire.c is for */
    }
    struct wire w = wire_begin(method, a->target_end, strlen(a->target), version);
    (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, look_where, &w);
    return wire_whole(
        &w, method,
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size);
}

static enum MHD_Result answer(struct MHD_Connection *mhd, unsigned status, bool close)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (close) {
        (void)MHD_add_response_header(response, "Connection", "close");
    }
    enum MHD_Result queued = MHD_queue_response(mhd, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result on_head(struct asking *a, struct MHD_Connection *mhd, const char *method,
                               const char *version)
{
    DEMAND(!run.refused);
    if (run.served_count == REQUESTS_MAX || !passes(a, mhd, method, version)) {
        run.refused = true;
        return answer(mhd, 400, true);
    }
    a->seen = &run.served[run.served_count++];
    *a->seen = (struct seen){.method = arena_strdup(&run.arena, method),
                             .target = a->target,
                             .body = buf_make(1 << 20),
                             .chunked = a->guard.chunked};
    (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, keep_header, a->seen);
    return MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): the library sets its parameters */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **context)
{
    struct asking *a = *context;
    (void)cls;
    (void)url;
    if (a == NULL) {
        return MHD_NO;
    }
    if (a->seen == NULL) {
        return on_head(a, mhd, method, version);
    }
    if (*upload_len > 0) {
        buf_add(&a->seen->body, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    a->seen->whole = true;
    run.refused = guard_ends_connection(&a->guard);
    return answer(mhd, 200, run.refused);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    (void)cls;
    (void)mhd;
    (void)context;
    run.closed = what == MHD_CONNECTION_NOTIFY_CLOSED;
}

static void on_log(void *cls, const char *fmt, va_list ap)
{
    (void)cls;
    (void)fmt;
    (void)ap;
}

static struct MHD_Daemon *the_daemon(void)
{
    static struct MHD_Daemon *daemon;
    if (daemon == NULL) {
        daemon = MHD_start_daemon(
            MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, NULL,
            MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
            NULL, MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            (size_t)CONNECTION_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
        DEMAND(daemon != NULL);
    }
    return daemon;
}

static void swallow(int fd)
{
    char answers[4096];
    while (recv(fd, answers, sizeof answers, MSG_DONTWAIT) > 0) {
    }
}

/* All bytes at once, then the end; until the library has closed. */
static void serve(const uint8_t *data, size_t size)
{
    struct MHD_Daemon *daemon = the_daemon();
    struct sockaddr_un nobody = {.sun_family = AF_UNIX};
    int ends[2];

    DEMAND(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    DEMAND(size == 0 || send(ends[0], data, size, MSG_NOSIGNAL) == (ssize_t)size);
    DEMAND(shutdown(ends[0], SHUT_WR) == 0);
    DEMAND(MHD_add_connection(daemon, ends[1], (struct sockaddr *)&nobody, sizeof nobody) ==
           MHD_YES);
    for (int turn = 0; !run.closed; turn++) {
        DEMAND(turn < TURNS_MAX);
        DEMAND(MHD_run(daemon) == MHD_YES);
        swallow(ends[0]);
    }
    (void)close(ends[0]);
}

/* ---- the other side: by the letter of RFC 9112, one byte after another ---- */

struct reader {
    const char *at;
    const char *end;
};

static bool take(struct reader *r, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0) {
        return false;
    }
    r->at += len;
    return true;
}

/* Behind the line at `at` as the library sees it: it ends at its LF, a CR before that is no part of it. */
static const char *behind_line(const struct reader *r, const char *at)
{
    const char *lf = memchr(at, '\n', (size_t)(r->end - at));
    return lf != NULL ? lf + 1 : r->end;
}

/* To the library a line is empty that is, and one that begins with a NUL. */
static bool is_empty_line(const struct reader *r, const char *at)
{
    size_t left = (size_t)(r->end - at);
    return left > 0 && (*at == '\n' || *at == '\0' || (left > 1 && memcmp(at, "\r\n", 2) == 0));
}

/* By the letter CR LF. wire.c sees a missing byte, but not one in the place of another: the library has
 * written NUL over both. So two bytes that end a line pass. */
static bool take_line_end(struct reader *r)
{
    const char *next = behind_line(r, r->at);
    bool ends = next - r->at == 2 && (*r->at == '\r' || *r->at == '\0');
    r->at = ends ? next : r->at;
    return ends;
}

/* Likewise four bytes that end a line and, with one that is empty or begins with a colon, the head. */
static bool take_head_end(struct reader *r)
{
    const char *line = behind_line(r, r->at);
    const char *next = behind_line(r, line);
    bool ends = next - r->at == 4 && (is_empty_line(r, line) || *line == ':');
    r->at = ends ? next : r->at;
    return ends;
}

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static char *take_token(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && is_token_char(*r->at)) {
        r->at++;
    }
    return r->at > from ? arena_strndup(&run.arena, from, (size_t)(r->at - from)) : NULL;
}

static char *take_target(struct reader *r)
{
    const char *from = r->at;
    while (r->at<r->end && * r->at> 0x20 && *r->at < 0x7f) {
        r->at++;
    }
    return r->at > from ? arena_strndup(&run.arena, from, (size_t)(r->at - from)) : NULL;
}

/* Up to the end of the line: no control characters but tabs; blanks at both ends are not part of it. */
static char *take_value(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at != '\r' && *r->at != '\n' && *r->at != '\0') {
        unsigned char c = (unsigned char)*r->at;
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return NULL;
        }
        r->at++;
    }
    const char *to = r->at;
    while (from < to && (*from == ' ' || *from == '\t')) {
        from++;
    }
    while (to > from && (to[-1] == ' ' || to[-1] == '\t')) {
        to--;
    }
    return arena_strndup(&run.arena, from, (size_t)(to - from));
}

/* Up to the empty line. */
static bool take_headers(struct reader *r, struct seen *s)
{
    do {
        char *name = take_token(r);
        if (name == NULL || !take(r, ":")) {
            return false;
        }
        char *value = take_value(r);
        if (value == NULL || s->header_count == HEADERS_MAX) {
            return false;
        }
        s->headers[s->header_count++] = (struct header){name, value};
        if (take_head_end(r)) {
            return true;
        }
    } while (take_line_end(r));
    return false;
}

static const char *header_of(const struct seen *s, const char *name)
{
    for (size_t i = 0; i < s->header_count; i++) {
        if (strcasecmp(s->headers[i].name, name) == 0) {
            return s->headers[i].value;
        }
    }
    return NULL;
}

static bool take_bytes(struct reader *r, size_t len, struct buf *out)
{
    size_t have = (size_t)(r->end - r->at);
    size_t n = len < have ? len : have;
    buf_add(out, r->at, n);
    r->at += n;
    return n == len;
}

static bool take_chunks(struct reader *r, struct buf *out)
{
    for (;;) {
        size_t digits = strspn(r->at, "0123456789abcdefABCDEF");
        size_t len = strtoull(r->at, NULL, 16);
        if (digits == 0 || digits > 8) {
            return false;
        }
        r->at += digits;
        bool extension = r->at < r->end && *r->at == ';';
        if ((extension && take_value(r) == NULL) || !take(r, "\r\n")) {
            return false;
        }
        if (len == 0) {
            struct seen trailers = {0};
            return take(r, "\r\n") || take_headers(r, &trailers);
        }
        if (!take_bytes(r, len, out) || !take(r, "\r\n")) {
            return false;
        }
    }
}

/* False where the head is none. */
static bool take_request(struct reader *r, struct seen *s)
{
    /* a server SHOULD ignore empty lines before a request */
    while (is_empty_line(r, r->at)) {
        r->at = behind_line(r, r->at);
    }
    s->method = take_token(r);
    if (s->method == NULL || !take(r, " ")) {
        return false;
    }
    s->target = take_target(r);
    if (s->target == NULL || !take(r, " HTTP/1.1") || !take_line_end(r) || !take_headers(r, s)) {
        return false;
    }
    const char *length = header_of(s, "Content-Length");
    s->chunked = header_of(s, "Transfer-Encoding") != NULL;
    s->whole = s->chunked ? take_chunks(r, &s->body)
                          : length == NULL || take_bytes(r, strtoull(length, NULL, 10), &s->body);
    return true;
}

/* ---- both ---- */

static void trim_end(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) {
        text[--len] = '\0';
    }
}

static void compare(struct seen *served, const struct seen *sent)
{
    DEMAND(strcmp(served->method, sent->method) == 0);
    DEMAND(strcmp(served->target, sent->target) == 0);
    DEMAND(served->header_count == sent->header_count);
    for (size_t i = 0; i < sent->header_count; i++) {
        DEMAND(strcmp(served->headers[i].name, sent->headers[i].name) == 0);
        trim_end(served->headers[i].value); /* the library keeps the blanks */
        DEMAND(strcmp(served->headers[i].value, sent->headers[i].value) == 0);
    }
    DEMAND(served->chunked == sent->chunked);
    if (served->whole && (sent->whole || !sent->chunked)) {
        DEMAND(sent->whole && served->body.len == sent->body.len);
        DEMAND(sent->body.len == 0 ||
               memcmp(served->body.data, sent->body.data, sent->body.len) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > CONNECTION_BYTES / 2) {
        return 0; /* what is too large for the library has tests of its own */
    }
    char *text = fuzz_text(data, size);
    struct reader r = {.at = text, .end = text + size};

    serve(data, size);
    for (size_t i = 0; i < run.served_count; i++) {
        struct seen sent = {.body = buf_make(1 << 20)};
        /* A chunked body is read by the library, more generously than we like: behind one nothing is
         * served, so that whoever reads it otherwise does so alone. */
        DEMAND(i == 0 || !run.served[i - 1].chunked);
        DEMAND(take_request(&r, &sent));
        compare(&run.served[i], &sent);
        buf_free(&sent.body);
        buf_free(&run.served[i].body);
    }
    mem_free(&text);
    arena_free(&run.arena);
    run = (struct run){0};
    return 0;
}
