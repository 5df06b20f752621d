/* Raw bytes that must not pass: request smuggling, broken framing, cut and overlong requests. Every
 * attack carries, or hides, a second request whose answer says "alive"; none may be answered so, and
 * none may get any 2xx. */
#include "api/raw.h"
#include "support/pg_fixture.h"
#include "support/service.h"

#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HIDDEN "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
#define HOST   "Host: shop\r\n"
#define POST   "POST /v1/events HTTP/1.1\r\n"
#define JSON   "Content-Type: application/json\r\n"

struct attack {
    const char *name;
    const char *bytes;
    size_t len; /* 0: up to the NUL */
    bool waits; /* what is sent is no whole request, so that silence is an answer too */
};

#define BYTES(text) .bytes = (text), .len = sizeof(text) - 1

static const struct attack attacks[] = {
    /* length against chunks */
    {.name = "CL.TE",
     POST HOST JSON "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE.CL",
     POST HOST JSON "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "CL.TE, chunked in capitals",
     POST HOST JSON "Content-Length: 5\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE.TE, the second obscure",
     POST HOST JSON "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE.TE, twice the same",
     POST HOST JSON
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE xchunked", POST HOST JSON "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE identity", POST HOST JSON "Transfer-Encoding: identity\r\n\r\n" HIDDEN},
    {.name = "TE gzip, chunked",
     POST HOST JSON "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE chunked, identity",
     POST HOST JSON "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE with a tab behind",
     POST HOST JSON "Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE with a vertical tab before",
     POST HOST JSON "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE in quotes",
     POST HOST JSON "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE with a blank before the colon",
     POST HOST JSON "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE with a tab before the colon",
     POST HOST JSON "Transfer-Encoding\t: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE behind a bare LF",
     POST HOST JSON
     "X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "TE behind a bare CR",
     POST HOST JSON
     "X: y\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" HIDDEN},
    /* lengths */
    {.name = "two lengths",
     POST HOST JSON "Content-Length: 0\r\nContent-Length: 34\r\n\r\n" HIDDEN},
    {.name = "two lengths that agree",
     POST HOST JSON "Content-Length: 0\r\nContent-Length: 0\r\n\r\n" HIDDEN},
    {.name = "second length behind a bare LF",
     POST HOST JSON "Content-Length: 0\nContent-Length: 34\r\n\r\n" HIDDEN},
    {.name = "length list", POST HOST JSON "Content-Length: 0, 34\r\n\r\n" HIDDEN},
    {.name = "length +0", POST HOST JSON "Content-Length: +0\r\n\r\n" HIDDEN},
    {.name = "length -1", POST HOST JSON "Content-Length: -1\r\n\r\n" HIDDEN},
    {.name = "length 0x0", POST HOST JSON "Content-Length: 0x0\r\n\r\n" HIDDEN},
    {.name = "length 1e0", POST HOST JSON "Content-Length: 1e0\r\n\r\n" HIDDEN},
    {.name = "length 0.0", POST HOST JSON "Content-Length: 0.0\r\n\r\n" HIDDEN},
    {.name = "length with a blank within", POST HOST JSON "Content-Length: 0 0\r\n\r\n" HIDDEN},
    {.name = "length past 64 bits",
     POST HOST JSON "Content-Length: 18446744073709551616\r\n\r\n" HIDDEN},
    {.name = "empty length", POST HOST JSON "Content-Length:\r\n\r\n" HIDDEN},
    {.name = "length with a blank before the colon",
     POST HOST JSON "Content-Length : 34\r\n\r\n" HIDDEN},
    {.name = "blank before the name of the length",
     "POST /v1/events HTTP/1.1\r\n Content-Length: 34\r\n" HOST "\r\n" HIDDEN},
    /* bodies where none belong */
    {.name = "GET with a length",
     "GET /livez HTTP/1.1\r\n" HOST "Content-Length: 34\r\n\r\n" HIDDEN},
    {.name = "GET with chunks",
     "GET /livez HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN},
    {.name = "HEAD with a length",
     "HEAD /livez HTTP/1.1\r\n" HOST "Content-Length: 34\r\n\r\n" HIDDEN},
    {.name = "GET with a length behind a bare LF",
     "GET /livez HTTP/1.1\r\n" HOST "X: y\nContent-Length: 34\r\n\r\n" HIDDEN},
    /* hosts */
    {.name = "no host", "GET /livez HTTP/1.1\r\n\r\n" HIDDEN},
    {.name = "two hosts", "GET /livez HTTP/1.1\r\n" HOST "Host: other\r\n\r\n" HIDDEN},
    {.name = "two hosts that agree", "GET /livez HTTP/1.1\r\n" HOST HOST "\r\n" HIDDEN},
    {.name = "second host behind a bare LF",
     "GET /livez HTTP/1.1\r\nHost: a\nHost: b\r\n\r\n" HIDDEN},
    {.name = "host with a path", "GET /livez HTTP/1.1\r\nHost: a/../b\r\n\r\n" HIDDEN},
    {.name = "host with user", "GET /livez HTTP/1.1\r\nHost: a@b\r\n\r\n" HIDDEN},
    {.name = "host with a blank before the colon",
     "GET /livez HTTP/1.1\r\nHost : a\r\n\r\n" HIDDEN},
    /* names and values */
    {.name = "a header without a colon", "GET /livez HTTP/1.1\r\n" HOST "nonsense\r\n\r\n" HIDDEN},
    {.name = "a name with a blank", "GET /livez HTTP/1.1\r\n" HOST "X Y: z\r\n\r\n" HIDDEN},
    {.name = "a name with a parenthesis", "GET /livez HTTP/1.1\r\n" HOST "X(: z\r\n\r\n" HIDDEN},
    {.name = "a name with a NUL", BYTES("GET /livez HTTP/1.1\r\n" HOST "X\0Y: z\r\n\r\n" HIDDEN)},
    {.name = "a name beyond ASCII", "GET /livez HTTP/1.1\r\n" HOST "\xc3\xa9: z\r\n\r\n" HIDDEN},
    {.name = "a header without a name",
     "GET /livez HTTP/1.1\r\n" HOST ": x\r\nContent-Length: 34\r\n\r\n" HIDDEN},
    {.name = "a header of nothing but its colon",
     "GET /livez HTTP/1.1\r\n" HOST ":\r\n\r\n" HIDDEN},
    {.name = "a hidden request behind a nameless header",
     "GET /livez HTTP/1.1\r\n" HOST ":\r\nGET /livez HTTP/1.1\r\n" HOST "\r\n"},
    {.name = "a folded header", "GET /livez HTTP/1.1\r\n" HOST "X: y\r\n z\r\n\r\n" HIDDEN},
    {.name = "a header folded into Transfer-Encoding",
     POST HOST JSON "Transfer-Encodin: chunked\r\n g\r\n\r\n2\r\n[]\r\n0\r\n\r\n" HIDDEN},
    {.name = "a length folded", POST HOST JSON "Content-Length:\r\n 2\r\n\r\n[]" HIDDEN},
    {.name = "a host folded", "GET /livez HTTP/1.1\r\nHost:\r\n\tshop\r\n\r\n" HIDDEN},
    {.name = "bare LF in the head", "GET /livez HTTP/1.1\r\n" HOST "X: y\nY: z\r\n\r\n" HIDDEN},
    {.name = "bare LF behind the request line", "GET /livez HTTP/1.1\n" HOST "\r\n" HIDDEN},
    {.name = "bare LF behind the last header", "GET /livez HTTP/1.1\r\nHost: shop\n\r\n" HIDDEN},
    {.name = "bare LF as the empty line", "GET /livez HTTP/1.1\r\n" HOST "\n" HIDDEN},
    {.name = "bare LF everywhere", "GET /livez HTTP/1.1\nHost: shop\n\n" HIDDEN},
    {.name = "a NUL in a value", BYTES("GET /livez HTTP/1.1\r\n" HOST "X: y\0z\r\n\r\n" HIDDEN)},
    {.name = "a NUL in the last value",
     BYTES("GET /livez HTTP/1.1\r\nHost: shop\0x\r\n\r\n" HIDDEN)},
    {.name = "a control character in a value",
     "GET /livez HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n" HIDDEN},
    {.name = "a bare CR in a value", "GET /livez HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n" HIDDEN},
    /* request lines */
    {.name = "HTTP/1.0", "GET /livez HTTP/1.0\r\n" HOST "\r\n" HIDDEN},
    {.name = "HTTP/0.9", "GET /livez\r\n\r\n" HIDDEN},
    {.name = "HTTP/1.2", "GET /livez HTTP/1.2\r\n" HOST "\r\n" HIDDEN},
    {.name = "HTTP/2.0", "GET /livez HTTP/2.0\r\n" HOST "\r\n" HIDDEN},
    {.name = "HTTP/11", "GET /livez HTTP/11\r\n" HOST "\r\n" HIDDEN},
    {.name = "http/1.1", "GET /livez http/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {.name = "absolute form", "GET http://shop/livez HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "authority form", "CONNECT shop:80 HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "asterisk form", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "a blank in the target", "GET /livez x HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "dot segments", "GET /v1/../livez HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "dot segments in percent codes",
     "GET /v1/%2e%2e/livez HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "percent-coded NUL", "GET /livez%00 HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "percent-coded letters", "GET /%6civez HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "percent-coded slash", "GET /v1%2flivez HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "percent-coded CR LF", "GET /livez?x=%0d%0aHost:y HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "a NUL in the target", BYTES("GET /livez\0x HTTP/1.1\r\n" HOST "\r\n" HIDDEN)},
    {.name = "a backslash", "GET \\livez HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "a fragment", "GET /livez#x HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "a NUL in the method", BYTES("GE\0T /livez HTTP/1.1\r\n" HOST "\r\n" HIDDEN)},
    {.name = "a CR before the method", "\rGET /livez HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "two blanks behind the method", "GET  /livez HTTP/1.1\r\n" HOST "\r\n" HIDDEN},
    {.name = "TLS on a plain port",
     BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
     .waits = true},
    /* chunks */
    {.name = "chunk size that is none",
     POST HOST JSON "Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n" HIDDEN},
    {.name = "negative chunk size",
     POST HOST JSON "Transfer-Encoding: chunked\r\n\r\n-2\r\n[]\r\n0\r\n\r\n" HIDDEN},
    {.name = "chunk size past 64 bits",
     POST HOST JSON
     "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n[]\r\n0\r\n\r\n" HIDDEN},
    {.name = "chunk longer than its size",
     POST HOST JSON "Transfer-Encoding: chunked\r\n\r\n1\r\n[]\r\n0\r\n\r\n" HIDDEN},
    {.name = "chunk size with 0x",
     POST HOST JSON "Transfer-Encoding: chunked\r\n\r\n0x2\r\n[]\r\n0\r\n\r\n" HIDDEN},
    {.name = "request cut in its line", "GET /livez HT", .waits = true},
    {.name = "request cut in its headers", "GET /livez HTTP/1.1\r\nHost: sh", .waits = true},
    {.name = "request cut in its body",
     POST HOST JSON "Content-Length: 10\r\n\r\n[",
     .waits = true},
    {.name = "request cut in a chunk",
     POST HOST JSON "Transfer-Encoding: chunked\r\n\r\n5\r\n[",
     .waits = true},
};

static struct service service;

static bool accepted(const char *answer)
{
    return strstr(answer, "HTTP/1.1 2") != NULL || strstr(answer, "HTTP/1.0 2") != NULL ||
           strstr(answer, "alive") != NULL;
}

static void no_attack_is_accepted(void **state)
{
    static char answer[RAW_MAX];
    int failures = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(attacks); i++) {
        const struct attack *a = &attacks[i];
        int fd = raw_connect(service.port);
        (void)raw_send(fd, a->bytes, a->len > 0 ? a->len : strlen(a->bytes));
        bool closed = raw_read(fd, 3000, answer);
        (void)close(fd);
        if (accepted(answer) || (!closed && !a->waits)) {
            print_error("%s: %s\n%s\n", a->name, closed ? "accepted" : "not closed", answer);
            failures++;
        }
    }
    assert_int_equal(failures, 0);
    assert_true(service_alive(&service));
}

/* The guard must not refuse what any client sends. */
static void honest_requests_on_one_connection_are_answered_in_turn(void **state)
{
    static char answer[RAW_MAX];
    static const struct {
        const char *request, *answered;
    } turns[] = {
        {"GET /livez HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: x (y; z)\r\n\r\n",
         "{\"status\":\"alive\"}"},
        {POST HOST JSON "Content-Length: 2\r\n\r\n[]", "{\"results\":[]}"},
        {POST HOST JSON "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
         "HTTP/1.1 100 Continue\r\n\r\n"},
        {"[]", "{\"results\":[]}"},
        {"GET /v1/carts?state=idle&limit=3 HTTP/1.1\r\n" HOST "Cookie: a=b; c=\"d\"\r\n\r\n",
         "{\"data\":[],\"next_cursor\":null}"},
        {"GET /v1/nothing HTTP/1.1\r\n" HOST "\r\n", "there is no such route"},
        {POST HOST "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n[]", "Unsupported"},
        {"GET /livez HTTP/1.1\r\nhost:shop\r\nX:\r\nY:   z  \r\nA: b\tc\r\n\r\n",
         "{\"status\":\"alive\"}"},
        {"\r\nGET /livez HTTP/1.1\r\n" HOST "\r\n", "{\"status\":\"alive\"}"},
        {"HEAD /livez HTTP/1.1\r\n" HOST "\r\n", "Content-Length: 18\r\n\r\n"},
        {"GET /livez HTTP/1.1\r\n" HOST "\r\n", "{\"status\":\"alive\"}"},
    };
    int fd = raw_connect(service.port);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(turns); i++) {
        if (!raw_send(fd, turns[i].request, strlen(turns[i].request)) ||
            !raw_expect(fd, 5000, turns[i].answered, answer)) {
            fail_msg("turn %zu: %s", i, answer);
        }
    }
    (void)close(fd);
}

/* The library's opinion of where chunks end is its own: these would be two requests to it, and one or none
 * to others. */
static void a_chunked_request_is_answered_and_nothing_behind_it_is_read(void **state)
{
    static char answer[RAW_MAX];
    static const char *const chunks[] = {
        "1\r\n[\r\n1\r\n]\r\n0\r\n\r\n" HIDDEN,
        "2\n[]\n0\n\n" HIDDEN,
        "2;\n[]\r\n0\r\n\r\n" HIDDEN,
        "002\r\n[]\r\n000\r\nX\r\n\r\n" HIDDEN,
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(chunks); i++) {
        static const char head[] = POST HOST JSON "Transfer-Encoding: chunked\r\n\r\n";
        int fd = raw_connect(service.port);
        assert_true(raw_send(fd, head, sizeof head - 1));
        assert_true(raw_send(fd, chunks[i], strlen(chunks[i])));
        bool closed = raw_read(fd, 5000, answer);
        (void)close(fd);
        if (!closed || strstr(answer, "alive") != NULL || (i == 0 && !accepted(answer))) {
            fail_msg("chunks %zu, %s: %s", i, closed ? "closed" : "not closed", answer);
        }
    }
}

/* The parser's memory grows while a long head arrives in pieces. */
static void a_long_head_in_pieces_is_read_as_it_was_sent(void **state)
{
    static char answer[RAW_MAX];
    static char value[20000];
    int fd = raw_connect(service.port);

    (void)state;
    memset(value, 'v', sizeof value);
    for (int turn = 0; turn < 3; turn++) {
        assert_true(raw_send(fd, "GET /livez HTT", 14));
        assert_false(raw_expect(fd, 30, "HTTP", answer));
        assert_true(raw_send(fd, "P/1.1\r\n" HOST "X: y\r\nY", 7 + 12 + 7));
        assert_false(raw_expect(fd, 30, "HTTP", answer));
        assert_true(raw_send(fd, ": ", 2));
        assert_true(raw_send(fd, value, sizeof value - 5000 * (size_t)turn));
        assert_false(raw_expect(fd, 30, "HTTP", answer));
        assert_true(raw_send(fd, "\r\nZ: z\r\n\r\n", 10));
        assert_true(raw_expect(fd, 5000, "{\"status\":\"alive\"}", answer));
    }
    (void)close(fd);
}

static void requests_sent_ahead_are_answered_in_turn(void **state)
{
    static char answer[RAW_MAX];
    const char *two = "GET /livez HTTP/1.1\r\n" HOST "\r\nGET /readyz HTTP/1.1\r\n" HOST
                      "Connection: close\r\n\r\n";
    int fd = raw_connect(service.port);

    (void)state;
    assert_true(raw_send(fd, two, strlen(two)));
    assert_true(raw_read(fd, 5000, answer));
    const char *first = strstr(answer, "alive");
    assert_non_null(first);
    assert_text_contains(first, "ready");
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_attack_is_accepted),
        cmocka_unit_test(honest_requests_on_one_connection_are_answered_in_turn),
        cmocka_unit_test(a_chunked_request_is_answered_and_nothing_behind_it_is_read),
        cmocka_unit_test(a_long_head_in_pieces_is_read_as_it_was_sent),
        cmocka_unit_test(requests_sent_ahead_are_answered_in_turn),
    };
    const char *const flags[] = {"--auth=off", "--http-deadline", "1s", NULL};
    char *url = pg_fixture_database("attacks");

    service = service_start(url, flags);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    int code = service_stop(&service);
    pg_fixture_drop(url);
    return failed != 0 || code != 0;
}
