/* Specification of the gate: what is let through, what is refused, and that neither hangs on how the bytes are
 * cut into pieces. */
#include "http/wire/gate.h"

#include "http/wire/guard.h"

#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>

enum { OUT_MAX = 1 << 17, BODY_MAX = 1 << 16 };

/* What came out of a connection. */
struct run {
    char out[OUT_MAX];
    size_t len;
    int refused;
    char why[256];
    uint64_t heads;
    bool over;
};

static void feed(struct gate *g, struct run *r, const char *bytes, size_t len)
{
    size_t room = gate_held(g) + len + GATE_SLACK;
    char *in = malloc(len + 1); /* exact sizes, so that a sanitizer sees what lies outside */
    char *out = malloc(room);

    assert_true(in != NULL && out != NULL);
    memcpy(in, bytes, len);
    size_t n = gate_feed(g, in, len, out);
    assert_true(n <= room && r->len + n < OUT_MAX);
    memcpy(r->out + r->len, out, n);
    r->len += n;
    free(in);
    free(out);
}

static void end(struct gate *g, struct run *r)
{
    size_t n;

    do {
        size_t room = gate_held(g) + GATE_SLACK + 100;
        char *out = malloc(room);
        assert_non_null(out);
        n = gate_end(g, 400, "ended", out, room);
        assert_true(n <= room && r->len + n < OUT_MAX);
        memcpy(r->out + r->len, out, n);
        r->len += n;
        free(out);
    } while (n > 0);
}

/* The bytes in pieces of `first`, and then `piece`. */
static void run_pieces(const char *bytes, size_t len, size_t first, size_t piece, bool ends,
                       struct run *r)
{
    struct gate g;

    r->len = 0;
    gate_open(&g, BODY_MAX);
    for (size_t at = 0; at < len;) {
        size_t n = at == 0 && first > 0 ? first : piece;
        n = n < len - at ? n : len - at;
        feed(&g, r, bytes + at, n);
        at += n;
    }
    if (ends) {
        end(&g, r);
    }
    r->refused = g.refused;
    (void)snprintf(r->why, sizeof r->why, "%s", g.why != NULL ? g.why : "");
    r->heads = g.heads;
    r->over = g.state == GATE_OVER;
    gate_close(&g);
}

static bool same(const struct run *a, const struct run *b)
{
    return a->len == b->len && memcmp(a->out, b->out, a->len) == 0 && a->refused == b->refused &&
           strcmp(a->why, b->why) == 0 && a->heads == b->heads && a->over == b->over;
}

/* At once, byte by byte, and cut in two everywhere: the same. */
static void run_all_ways(const char *name, const char *bytes, size_t len, bool ends,
                         struct run *out)
{
    static struct run r;

    run_pieces(bytes, len, 0, len, ends, out);
    run_pieces(bytes, len, 0, 1, ends, &r);
    if (!same(out, &r)) {
        fail_msg("%s: otherwise byte by byte: %.*s", name, (int)r.len, r.out);
    }
    for (size_t cut = 1; cut < len; cut++) {
        run_pieces(bytes, len, cut, len, ends, &r);
        if (!same(out, &r)) {
            fail_msg("%s: otherwise when cut at %zu: %.*s", name, cut, (int)r.len, r.out);
        }
    }
}

/* ---- what is let through ---- */

#define GET     "GET /livez HTTP/1.1\r\nHost: shop\r\n\r\n"
#define OF(len) "POST /v1/events HTTP/1.1\r\nHost: shop\r\nContent-Length: " #len "\r\n\r\n"
#define OLD     "GET /livez HTTP/1.0\r\n"
#define NEW     "GET /livez HTTP/1.1\r\n"
#define ADDED   "Host: -\r\n"
#define CHUNKS  "POST /v1/events HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct honest {
    const char *bytes;
    const char *out; /* NULL: just these */
    uint64_t heads;
} honest[] = {
    {GET, NULL, 1},
    {GET GET GET, NULL, 3},
    {"\r\n" GET "\r\n" GET, GET GET, 2},
    {OF(2) "[]" GET, NULL, 2},
    {OF(0) GET, NULL, 2},
    {OF(5) "\r\n\r\nG" GET, NULL, 2},
    {OF(2) "[]\r\n" GET, OF(2) "[]" GET, 2},
    {OF(1) "(" GET, NULL, 2},
    {"M-SEARCH!#$%&'*+.^_`|~0 /a?b=c HTTP/1.1\r\nHost: a:1\r\nx:\r\nY: \t z \t\r\n"
     "Z: caf\xc3\xa9 \"(,)\"\r\n\r\n",
     "M-SEARCH!#$%&'*+.^_`|~0 /a?b=c HTTP/1.1\r\nHost: a:1\r\nx:\r\nY: \t z\r\n"
     "Z: caf\xc3\xa9 \"(,)\"\r\n\r\n",
     1},
    {"POST / HTTP/1.1\r\nHost:\ta \t\r\nContent-Type:  b c \r\nContent-Length: 2 \r\nX:  \r\n\r\n[]" GET,
     "POST / HTTP/1.1\r\nHost:\ta\r\nContent-Type:  b c\r\nContent-Length: 2\r\nX:  \r\n\r\n[]" GET,
     2},
    {"GET / HTTP/1.1\r\nCookie: a=b; c=d\r\nHost: a\r\ncookie:\r\nX: y\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n", 1},
    {"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1},
    {CHUNKS "0\r\n\r\n", NULL, 1},
    {CHUNKS "1\r\n[\r\n1\r\n]\r\n0\r\n\r\n" GET, CHUNKS "1\r\n[\r\n1\r\n]\r\n0\r\n\r\n", 1},
    {CHUNKS "2;a;b=c;d=\"e\\\" ;\"\r\n[]\r\n0;x\r\nX: y\r\nContents: z\r\n\r\n" GET,
     CHUNKS "2\r\n[]\r\n0\r\n\r\n", 1},
    {CHUNKS "1A\r\n0123456789\r\n0\r\n\r\nabcdefghi\r\n0\r\n\r\n",
     CHUNKS "1a\r\n0123456789\r\n0\r\n\r\nabcdefghi\r\n0\r\n\r\n", 1},
    {GET OLD "\r\n" GET, GET NEW ADDED "\r\n", 2},
    {OLD "Host: a\r\nConnection: keep-alive\r\n\r\n" GET,
     NEW "Host: a\r\nConnection: keep-alive\r\n\r\n", 1},
    {OLD "Cookie: a=b\r\nexpect: what\r\nX: y\r\n\r\n" OLD "\r\n", NEW "X: y\r\n" ADDED "\r\n", 1},
    {"POST /v1/events HTTP/1.0\r\nContent-Length: 2\r\n\r\n[]" GET,
     "POST /v1/events HTTP/1.1\r\nContent-Length: 2\r\n" ADDED "\r\n[]", 1},
};

static void what_is_right_is_let_through(void **state)
{
    static struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(honest); i++) {
        const struct honest *h = &honest[i];
        const char *out = h->out != NULL ? h->out : h->bytes;
        run_all_ways(h->bytes, h->bytes, strlen(h->bytes), false, &r);
        if (r.refused != 0 || r.heads != h->heads || r.len != strlen(out) ||
            memcmp(r.out, out, r.len) != 0) {
            fail_msg("case %zu, %d %s, %u heads: %.*s", i, r.refused, r.why, (unsigned)r.heads,
                     (int)r.len, r.out);
        }
    }
}

/* ---- what is not ---- */

static const struct attack {
    const char *name;
    const char *bytes;
    size_t len;
    bool cut;
} attacks[] = {
#define ATTACK(name, bytes) {name, bytes, sizeof(bytes) - 1, false},
#define CUT(name, bytes)    {name, bytes, sizeof(bytes) - 1, true},
#include "support/attacks.inc"
};

static bool ends_with(const struct run *r, const char *text)
{
    size_t len = strlen(text);

    return r->len >= len && memcmp(r->out + r->len - len, text, len) == 0;
}

/* As one request of which the library sees the end, and nothing of the hidden one. */
static bool ends_in_good_order(const struct run *r)
{
    bool nothing = r->len >= 5 && memcmp(r->out, "GET / ", 6) == 0;
    bool chunks = ends_with(r, "\r\n0\r\n\r\n");
    static const char long_body[] = "Content-Length: 100000\r\n\r\n[]";
    static const char short_body[] = "\r\n\r\n[]   ";
    bool blanks = strstr(r->out, long_body) != NULL || strstr(r->out, "[         ") != NULL ||
                  ends_with(r, short_body) || ends_with(r, "\r\n\r\n     ");

    return r->heads == 1 && (nothing ? ends_with(r, "\r\n\r\n") : chunks || blanks);
}

static bool well_refused(struct run *r)
{
    r->out[r->len] = '\0';
    return r->refused >= 400 && r->refused <= 499 && r->why[0] != '\0' && r->over &&
           ends_in_good_order(r) && strstr(r->out, "/livez") == NULL;
}

static void what_is_wrong_is_refused_and_ended_in_good_order(void **state)
{
    static struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(attacks); i++) {
        const struct attack *a = &attacks[i];
        run_all_ways(a->name, a->bytes, a->len, a->cut, &r);
        if (!well_refused(&r)) {
            fail_msg("%s: %d %s, %u heads: %.300s", a->name, r.refused, r.why, (unsigned)r.heads,
                     r.out);
        }
    }
}

static void what_is_not_whole_is_waited_for(void **state)
{
    static struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(attacks); i++) {
        const struct attack *a = &attacks[i];
        run_all_ways(a->name, a->bytes, a->len, false, &r);
        if (a->cut && r.refused != 0) {
            fail_msg("%s: refused before its end: %s", a->name, r.why);
        }
    }
}

static const struct {
    const char *bytes;
    int status;
    const char *says;
} reasons[] = {
    {"\rGET", 400, "a bare CR stands before the request"},
    {" / HTTP/1.1", 400, "the method has characters"},
    {"GET\t/ HTTP/1.1", 400, "the method has characters"},
    {"GET  / HTTP/1.1", 400, "exactly one blank stands behind the method"},
    {"GET /\t HTTP/1.1", 400, "must be percent-coded"},
    {"GET /  HTTP/1.1", 400, "exactly one blank stands before the version"},
    {"GET / http", 400, "only HTTP/1.1 and HTTP/1.0 are spoken here"},
    {"GET / HTTP/0.", 400, "only HTTP/1.1 and HTTP/1.0 are spoken here"},
    {"GET / HTTP/1.2", 400, "only HTTP/1.1 and HTTP/1.0 are spoken here"},
    {"GET / HTTP/1.1\n", 400, "does not end in its version and CR LF"},
    {"GET / HTTP/1.0\n", 400, "does not end in its version and CR LF"},
    {"GET / HTTP/1.1 ", 400, "does not end in its version and CR LF"},
    {OLD "Transfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0 has no Transfer-Encoding"},
    {NEW "Host: a\r\nTransfer-Encoding: chunked \r\n\r\n", 400, "must be exactly"},
    {NEW "Host: a\r\nContent-Type: a\r\nContent-Type: b\r\n\r\n", 400,
     "there is more than one Content-Type"},
    {"GET / HTTP/1.1\r\n X", 400, "folded"},
    {"GET / HTTP/1.1\r\nX: y\r\n\tz", 400, "folded"},
    {"GET / HTTP/1.1\r\n\n", 400, "a bare LF"},
    {"GET / HTTP/1.1\r\n:", 400, "a header has no name"},
    {"GET / HTTP/1.1\r\n(", 400, "characters that no header name may have"},
    {"GET / HTTP/1.1\r\nX\r", 400, "a header has no colon"},
    {"GET / HTTP/1.1\r\nX\n", 400, "a header has no colon"},
    {"GET / HTTP/1.1\r\nX(", 400, "characters that no header name may have"},
    {"GET / HTTP/1.1\r\nX: y\n", 400, "a bare LF"},
    {"GET / HTTP/1.1\r\nX: \x01", 400, "control characters"},
    {"GET / HTTP/1.1\r\nX: y\r\r", 400, "a line has a bare CR"},
    {CHUNKS "x", 400, "must be hexadecimal digits"},
    {CHUNKS "\r", 400, "must be hexadecimal digits"},
    {CHUNKS ";", 400, "must be hexadecimal digits"},
    {CHUNKS "1 ", 400, "must be hexadecimal digits"},
    {CHUNKS "01", 400, "begins with a zero"},
    {CHUNKS "123456789", 413, "more than 8 digits"},
    {CHUNKS "123456780", 413, "more than 8 digits"},
    {CHUNKS "1\rx", 400, "ends in a bare CR"},
    {CHUNKS "1;\r", 400, "an extension of a chunk is malformed"},
    {CHUNKS "1\r\nxx", 400, "no CR LF stands behind"},
    {CHUNKS "0\r\nHost: x\r\n\r\n", 400, "a header stands in the trailers"},
};

static void a_refusal_says_what_was_wrong(void **state)
{
    static struct run r;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        run_all_ways(reasons[i].bytes, reasons[i].bytes, strlen(reasons[i].bytes), false, &r);
        if (r.refused != reasons[i].status || strstr(r.why, reasons[i].says) == NULL) {
            fail_msg("%s: %d %s", reasons[i].bytes, r.refused, r.why);
        }
    }
}

/* The library waits for as many bytes as were announced. */
static void a_body_that_ends_too_early_is_filled_up(void **state)
{
    static struct run r;
    static const char head[] = OF(303);
    static const char chunk[] = CHUNKS "12f\r\n";

    (void)state;
    for (size_t sent = 0; sent < 303; sent++) {
        static char text[1000];
        size_t at = sizeof head - 1;
        memset(text, 'x', sizeof text);
        memcpy(text, head, at);
        run_pieces(text, at + sent, 0, 1000, true, &r);
        assert_int_equal(r.len, at + 303);
        assert_int_equal(r.refused, 400);
        at = sizeof chunk - 1;
        memcpy(text, chunk, at);
        run_pieces(text, at + sent, 0, 1000, true, &r);
        assert_int_equal(r.len, at + 303 + strlen("\r\n0\r\n\r\n"));
        assert_true(ends_with(&r, "\r\n0\r\n\r\n"));
    }
}

static void requests_before_a_wrong_one_are_let_through(void **state)
{
    static struct run r;

    (void)state;
    run_all_ways("three", GET OF(2) "[]GET  / HTTP/1.1\r\n",
                 strlen(GET OF(2) "[]GET  / HTTP/1.1\r\n"), false, &r);
    assert_int_equal(r.refused, 400);
    assert_int_equal(r.heads, 3);
    assert_true(ends_with(&r, OF(2) "[]GET / HTTP/1.1\r\nHost: -\r\n\r\n"));
}

static void a_refusal_keeps_the_ids_of_a_head_that_is_whole(void **state)
{
    static struct run r;
    const char *head =
        "GET / HTTP/1.1\r\nx-request-ID: a\r\nHost: a\r\nHost: b\r\ntraceparent: c\r\n\r\n";
    const char *torn = "GET / HTTP/1.1\r\nX-Request-Id: a\r\nHost: a\nHost: b\r\n\r\n";

    (void)state;
    run_all_ways("whole", head, strlen(head), false, &r);
    assert_true(ends_with(&r, "Host: -\r\nx-request-ID: a\r\ntraceparent: c\r\n\r\n"));
    run_all_ways("torn", torn, strlen(torn), false, &r);
    assert_true(ends_with(&r, "Host: -\r\n\r\n"));
}

/* ---- bounds ---- */

static size_t append(char *out, size_t at, const char *text)
{
    size_t len = strlen(text);

    memcpy(out + at, text, len + 1);
    return at + len;
}

/* `count` times `part` between `head` and `tail`; how long it is. */
static size_t build(char *out, const char *head, const char *part, size_t count, const char *tail)
{
    size_t at = append(out, 0, head);

    for (size_t i = 0; i < count; i++) {
        at = append(out, at, part);
    }
    return append(out, at, tail);
}

static void every_bound_holds_to_the_last(void **state)
{
    static struct run r;
    static char text[OUT_MAX];
    static const struct {
        const char *head, *part;
        size_t most; /* so many are let through, one more is not */
        const char *tail;
        int status;
    } bounds[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", GATE_FIELDS_MAX - 1, "\r\n", 431},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: ", "y", GATE_HEAD_MAX - 16 - 9 - 3 - 4, "\r\n\r\n", 431},
        {"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b", ";a=b", GATE_COOKIES_MAX - 1, "\r\n\r\n", 431},
        {"GET /?a", "&b", GATE_PARAMS_MAX - 1, " HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /", "a", GUARD_TARGET_MAX - 1, " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
        {CHUNKS "2;", "x", GATE_LINE_MAX - 4, "\r\n[]\r\n0\r\n\r\n", 400},
        {CHUNKS "0\r\nX: ", "y", GATE_TRAILER_MAX - 3 - 4, "\r\n\r\n", 431},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        size_t len = build(text, bounds[i].head, bounds[i].part, bounds[i].most, bounds[i].tail);
        run_pieces(text, len, 0, len, false, &r);
        if (r.refused != 0) {
            fail_msg("bound %zu, the most: %s", i, r.why);
        }
        len = build(text, bounds[i].head, bounds[i].part, bounds[i].most + 1, bounds[i].tail);
        run_pieces(text, len, 0, 1000, false, &r);
        if (r.refused != bounds[i].status || !r.over) {
            fail_msg("bound %zu, one more: %d %s", i, r.refused, r.why);
        }
    }
}

/* No blank ends it within the head's bound, too. */
static void a_target_that_fills_the_head_is_too_long_as_well(void **state)
{
    static struct run r;
    static char text[OUT_MAX];
    size_t len = build(text, "GET /", "a", GATE_HEAD_MAX, " HTTP/1.1\r\n\r\n");

    (void)state;
    run_pieces(text, len, 0, 1000, false, &r);
    assert_int_equal(r.refused, 414);
    assert_string_equal(r.why, "the request target is longer than 4096 bytes");
}

static void headers_are_counted_for_each_request_and_for_its_trailers(void **state)
{
    static struct run r;
    static char text[OUT_MAX];
    size_t len = build(text, "", "", 0, "");

    (void)state;
    for (int i = 0; i < 3; i++) {
        len += build(text + len, "GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", GATE_FIELDS_MAX - 1,
                     "\r\n");
    }
    len += build(text + len, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n",
                 "X: y\r\n", GATE_FIELDS_MAX - 2, "\r\n");
    len += build(text + len, "0\r\n", "X: y\r\n", GATE_FIELDS_MAX, "\r\n");
    run_pieces(text, len, 0, 1000, false, &r);
    if (r.refused != 0 || r.heads != 4 || !r.over) {
        fail_msg("%u heads: %d %s", (unsigned)r.heads, r.refused, r.why);
    }
}

static void chunks_beyond_the_largest_body_are_refused_before_they_come(void **state)
{
    static struct run r;

    (void)state;
    run_all_ways("most", CHUNKS "10000\r\n", strlen(CHUNKS "10000\r\n"), false, &r);
    assert_int_equal(r.refused, 0);
    run_all_ways("more", CHUNKS "10001\r\n", strlen(CHUNKS "10001\r\n"), false, &r);
    assert_int_equal(r.refused, 413);
    run_all_ways("together", CHUNKS "1\r\nx\r\n10000\r\n", strlen(CHUNKS "1\r\nx\r\n10000\r\n"),
                 false, &r);
    assert_int_equal(r.refused, 413);
}

static void between_requests_a_connection_may_end(void **state)
{
    static struct run r;
    static const char *const quiet[] = {"", GET, GET "\r\n", OF(2) "[]", CHUNKS "0\r\n\r\n"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(quiet); i++) {
        run_all_ways(quiet[i], quiet[i], strlen(quiet[i]), true, &r);
        assert_int_equal(r.refused, 0);
    }
}

static void it_is_busy_while_a_request_is_not_whole(void **state)
{
    struct gate g;
    static struct run r;
    const char *request = OF(2) "[]";

    (void)state;
    gate_open(&g, BODY_MAX);
    assert_false(gate_busy(&g));
    feed(&g, &r, "\r\n", 2);
    assert_false(gate_busy(&g));
    for (size_t i = 0; i < strlen(request); i++) {
        feed(&g, &r, request + i, 1);
        assert_int_equal(gate_busy(&g), i + 1 < strlen(request));
    }
    gate_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_let_through),
        cmocka_unit_test(what_is_wrong_is_refused_and_ended_in_good_order),
        cmocka_unit_test(what_is_not_whole_is_waited_for),
        cmocka_unit_test(a_refusal_says_what_was_wrong),
        cmocka_unit_test(a_body_that_ends_too_early_is_filled_up),
        cmocka_unit_test(requests_before_a_wrong_one_are_let_through),
        cmocka_unit_test(a_refusal_keeps_the_ids_of_a_head_that_is_whole),
        cmocka_unit_test(every_bound_holds_to_the_last),
        cmocka_unit_test(a_target_that_fills_the_head_is_too_long_as_well),
        cmocka_unit_test(headers_are_counted_for_each_request_and_for_its_trailers),
        cmocka_unit_test(chunks_beyond_the_largest_body_are_refused_before_they_come),
        cmocka_unit_test(between_requests_a_connection_may_end),
        cmocka_unit_test(it_is_busy_while_a_request_is_not_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
