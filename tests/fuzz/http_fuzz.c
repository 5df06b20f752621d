/* Raw bytes through the gate and the real HTTP library behind it, as in http/server.c, against a reader that
 * takes HTTP by the letter. A proxy may read requests as that one does: so what we would serve must be the
 * same requests with the same bodies, byte for byte, and none may hide in another. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "http/wire/guard.h"
#include "http/wire/tap.h"

#include <errno.h>
#include <microhttpd.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    REQUESTS_MAX = 8,
    HEADERS_MAX = GATE_FIELDS_MAX + 1, /* and the Host that HTTP/1.0 has not */
    CONNECTION_BYTES = 64 * 1024,
    BODY_MAX = 100000,
    TURNS_MAX = 400
};

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
    bool old;   /* in HTTP/1.0 */
    bool whole; /* its body has ended, and was not refused */
};

struct run {
    struct arena arena;
    struct seen served[REQUESTS_MAX]; /* heads that passed the guard, in order */
    size_t served_count;
    struct tap tap;
    uint64_t heads; /* the library has begun with */
    bool refused;   /* nothing may follow */
    bool closed;    /* the connection is no more */
};

/* One request of the library's. */
struct asking {
    struct run *run;
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
    run.heads++;
    return a;
}

static enum MHD_Result look_at_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    (void)kind;
    guard_header(cls, name, value);
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

static bool is_refused(void)
{
    return run.tap.gate.refused != 0 && run.heads == run.tap.gate.heads;
}

static bool passes(struct asking *a, struct MHD_Connection *mhd, const char *method,
                   const char *version)
{
    struct err err = {0};

    DEMAND(run.heads <= run.tap.gate.heads); /* nothing is read past the gate */
    if (is_refused()) {
        return false;
    }
    /* what the gate has let through, the guard has seen: the library must not see it otherwise */
    (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, look_at_header, &a->guard);
    DEMAND(guard_target(a->target, &err) && guard_end(&a->guard, method, version, &err));
    return true;
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
    a->seen->whole = !is_refused();
    run.refused = is_refused() || guard_ends_connection(&a->guard) ||
                  (run.tap.gate.last && run.heads == run.tap.gate.heads);
    return answer(mhd, 200, run.refused);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    (void)cls;
    (void)context;
    run.closed = what == MHD_CONNECTION_NOTIFY_CLOSED;
    if (run.closed) {
        tap_remove(fd);
    } else {
        DEMAND(tap_add(fd, &run.tap));
    }
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

/* Up to the CR: no control characters but tabs; blanks at both ends are not part of it. */
static char *take_value(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at != '\r') {
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

/* Up to the empty line, and past it. */
static bool take_headers(struct reader *r, struct seen *s)
{
    while (!take(r, "\r\n")) {
        char *name = take_token(r);
        if (name == NULL || !take(r, ":")) {
            return false;
        }
        char *value = take_value(r);
        if (value == NULL || !take(r, "\r\n") || s->header_count == HEADERS_MAX) {
            return false;
        }
        s->headers[s->header_count++] = (struct header){name, value};
    }
    return true;
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

static bool take_quoted(struct reader *r)
{
    while (r->at < r->end && !take(r, "\"")) {
        r->at += *r->at == '\\';
        unsigned char c = (unsigned char)*r->at;
        if (r->at == r->end || (c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
        r->at++;
    }
    return r->at[-1] == '"';
}

static bool take_extensions(struct reader *r)
{
    while (take(r, ";")) {
        if (take_token(r) == NULL) {
            return false;
        }
        if (take(r, "=") && (take(r, "\"") ? !take_quoted(r) : take_token(r) == NULL)) {
            return false;
        }
    }
    return true;
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
        if (!take_extensions(r) || !take(r, "\r\n")) {
            return false;
        }
        if (len == 0) {
            struct seen trailers = {0};
            return take_headers(r, &trailers);
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
    while (take(r, "\r\n")) {
    }
    s->method = take_token(r);
    if (s->method == NULL || !take(r, " ")) {
        return false;
    }
    s->target = take_target(r);
    s->old = s->target != NULL && take(r, " HTTP/1.0\r\n");
    if (s->target == NULL || !(s->old || take(r, " HTTP/1.1\r\n")) || !take_headers(r, s)) {
        return false;
    }
    const char *length = header_of(s, "Content-Length");
    s->chunked = header_of(s, "Transfer-Encoding") != NULL;
    s->whole = s->chunked ? take_chunks(r, &s->body)
                          : length == NULL || take_bytes(r, strtoull(length, NULL, 10), &s->body);
    return true;
}

/* ---- both ---- */

static void drop(struct seen *s, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < s->header_count; i++) {
        if (strcasecmp(s->headers[i].name, name) != 0) {
            s->headers[n++] = s->headers[i];
        }
    }
    s->header_count = n;
}

/* The headers but for what the gate keeps to itself, and with what it adds. */
static void pass_gate(struct seen *s)
{
    drop(s, "Cookie");
    if (s->old) {
        drop(s, "Expect");
    }
    if (s->old && header_of(s, "Host") == NULL) {
        s->headers[s->header_count++] =
            (struct header){arena_strdup(&run.arena, "Host"), arena_strdup(&run.arena, "-")};
    }
}

/* What is one value, and read here, comes once: which of two counts, programs disagree on. */
static void demand_single(const struct seen *s)
{
    static const char *const single[] = {"Host",         "Content-Length",   "Transfer-Encoding",
                                         "Content-Type", "Content-Encoding", "Authorization",
                                         "X-Request-Id"};
    for (size_t n = 0; n < sizeof single / sizeof single[0]; n++) {
        size_t count = 0;
        for (size_t i = 0; i < s->header_count; i++) {
            count += strcasecmp(s->headers[i].name, single[n]) == 0;
        }
        DEMAND(count <= 1);
    }
}

static void compare(struct seen *served, struct seen *sent)
{
    DEMAND(strcmp(served->method, sent->method) == 0);
    DEMAND(strcmp(served->target, sent->target) == 0);
    demand_single(sent);
    pass_gate(sent);
    DEMAND(served->header_count == sent->header_count);
    for (size_t i = 0; i < sent->header_count; i++) {
        DEMAND(strcmp(served->headers[i].name, sent->headers[i].name) == 0);
        DEMAND(strcmp(served->headers[i].value, sent->headers[i].value) == 0);
    }
    DEMAND(served->chunked == sent->chunked);
    if (served->whole) {
        DEMAND(sent->whole && served->body.len == sent->body.len);
        DEMAND(sent->body.len == 0 ||
               memcmp(served->body.data, sent->body.data, sent->body.len) == 0);
    }
}

/* What the gate makes of the bytes does not hang on how they come. */
static void feed(const char *bytes, size_t size, size_t piece, struct buf *out, int *refused)
{
    struct gate g;
    gate_open(&g, BODY_MAX);
    for (size_t at = 0; at < size; at += piece) {
        char room[CONNECTION_BYTES];
        size_t n = piece < size - at ? piece : size - at;
        DEMAND(gate_held(&g) + n + GATE_SLACK <= sizeof room);
        size_t len = gate_feed(&g, bytes + at, n, room);
        DEMAND(len <= sizeof room);
        buf_add(out, room, len);
    }
    *refused = g.refused;
    gate_close(&g);
}

static void feed_both_ways(const char *bytes, size_t size)
{
    struct buf whole = buf_make(1 << 20);
    struct buf pieces = buf_make(1 << 20);
    int refused[2];
    feed(bytes, size, size, &whole, &refused[0]);
    feed(bytes, size, 1 + size % 7, &pieces, &refused[1]);
    DEMAND(refused[0] == refused[1] && whole.len == pieces.len);
    DEMAND(whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0);
    buf_free(&whole);
    buf_free(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > CONNECTION_BYTES / 4) {
        return 0; /* what is too large for the library has tests of its own */
    }
    char *text = fuzz_text(data, size);
    struct reader r = {.at = text, .end = text + size};

    feed_both_ways(text, size);
    gate_open(&run.tap.gate, BODY_MAX);
    serve(data, size);
    for (size_t i = 0; i < run.served_count; i++) {
        struct seen sent = {.body = buf_make(1 << 20)};
        /* behind chunks nothing is served, so that whoever reads them otherwise does so alone; nor behind
         * HTTP/1.0, where a connection has one request */
        DEMAND(i == 0 || !(run.served[i - 1].chunked || run.served[i - 1].old));
        DEMAND(take_request(&r, &sent));
        DEMAND(!(sent.old && sent.chunked));
        run.served[i].old = sent.old;
        compare(&run.served[i], &sent);
        buf_free(&sent.body);
        buf_free(&run.served[i].body);
    }
    gate_close(&run.tap.gate);
    mem_free(&text);
    arena_free(&run.arena);
    run = (struct run){0};
    return 0;
}
