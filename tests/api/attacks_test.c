/* Raw bytes against the running service: none of support/attacks.inc is accepted, each is refused once and in our
 * words, and what is honest is served. */
#include "api/raw.h"
#include "support/pg_fixture.h"
#include "support/service.h"

#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIVEZ   "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
#define METRICS "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

struct attack {
    const char *name;
    const char *bytes;
    size_t len;
    bool cut; /* and then the connection ends */
};

#define ATTACK(name, bytes) {name, bytes, sizeof(bytes) - 1, false},
#define CUT(name, bytes)    {name, bytes, sizeof(bytes) - 1, true},
static const struct attack attacks[] = {
#include "support/attacks.inc"
};

static struct service service;

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;

    for (const char *p = text; (p = strstr(p, part)) != NULL; p += strlen(part)) {
        n++;
    }
    return n;
}

static size_t answers(const char *text)
{
    size_t n = 0;

    for (const char *p = text; (p = strstr(p, "HTTP/1.1 ")) != NULL; p += strlen("HTTP/1.1 ")) {
        /* "only HTTP/1.1 is spoken here" is none */
        n += strchr("12345", p[strlen("HTTP/1.1 ")]) != NULL;
    }
    return n;
}

/* Whether text is one refusal, as every other, and nothing else. */
static bool is_refusal(const char *text)
{
    return answers(text) == 1 && strncmp(text, "HTTP/1.1 4", 10) == 0 &&
           count_of(text, "\r\nContent-Type: application/problem+json\r\n") == 1 &&
           count_of(text, "\r\nConnection: close\r\n") == 1 &&
           count_of(text, "\"type\":\"urn:cartwright:problem:") == 1 &&
           text[strlen(text) - 1] == '}';
}

/* Writes text to out + at; where it ends. */
static size_t append(char *out, size_t at, const char *text)
{
    size_t len = strlen(text);

    memcpy(out + at, text, len + 1);
    return at + len;
}

/* Sends the attack, behind `before`, and reads until the connection is closed. */
static bool attack_with(const struct attack *a, const char *before, char answer[RAW_MAX])
{
    static char bytes[RAW_MAX];
    int fd = raw_connect(service.port);

    size_t len = append(bytes, 0, before);
    memcpy(bytes + len, a->bytes, a->len);
    (void)raw_send(fd, bytes, len + a->len);
    if (a->cut) {
        (void)shutdown(fd, SHUT_WR);
    }
    bool closed = raw_read(fd, 3000, answer);
    (void)close(fd);
    return closed;
}

static void every_attack_is_refused_once_and_in_our_words(void **state)
{
    static char answer[RAW_MAX];
    int failures = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(attacks); i++) {
        bool closed = attack_with(&attacks[i], "", answer);
        if (!closed || !is_refusal(answer)) {
            print_error("%s, %s: %s\n", attacks[i].name, closed ? "closed" : "not closed", answer);
            failures++;
        }
    }
    assert_int_equal(failures, 0);
    assert_true(service_alive(&service));
}

static void a_request_before_an_attack_gets_its_answer(void **state)
{
    static char answer[RAW_MAX];
    int failures = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(attacks); i++) {
        bool closed = attack_with(&attacks[i], LIVEZ, answer);
        const char *behind = strstr(answer, "{\"status\":\"alive\"}");
        behind += behind != NULL ? strlen("{\"status\":\"alive\"}") : 0;
        if (!closed || strncmp(answer, "HTTP/1.1 200 OK", 15) != 0 || behind == NULL ||
            !is_refusal(behind)) {
            print_error("%s, %s: %s\n", attacks[i].name, closed ? "closed" : "not closed", answer);
            failures++;
        }
    }
    assert_int_equal(failures, 0);
}

static long refused_total(void)
{
    static const char name[] = "\ncartwright_http_refused_total ";
    static char answer[RAW_MAX];
    int fd = raw_connect(service.port);

    assert_true(raw_send(fd, METRICS, strlen(METRICS)));
    assert_true(raw_read(fd, 5000, answer));
    (void)close(fd);
    const char *row = strstr(answer, name);
    assert_non_null(row);
    return strtol(row + strlen(name), NULL, 10);
}

static void refusals_are_counted(void **state)
{
    static char answer[RAW_MAX];
    long before = refused_total();

    (void)state;
    assert_true(attack_with(&attacks[0], "", answer));
    assert_true(attack_with(&attacks[1], LIVEZ, answer));
    assert_int_equal(refused_total(), before + 2);
}

/* A refusal has the id that the request came with. */
static void a_refusal_has_the_ids_of_its_request(void **state)
{
    static char answer[RAW_MAX];
    const char *request =
        "GET /livez HTTP/1.1\r\nX-Request-Id: mine-1\r\nHost: a\r\nHost: b\r\n\r\n";
    int fd = raw_connect(service.port);

    (void)state;
    assert_true(raw_send(fd, request, strlen(request)));
    assert_true(raw_read(fd, 5000, answer));
    (void)close(fd);
    assert_text_contains(answer, "\r\nX-Request-Id: mine-1\r\n");
    assert_text_contains(answer, "exactly one Host header is needed, there are 2");
}

/* `count` times `part` between `head` and `tail`. */
static char *many(const char *head, const char *part, size_t count, const char *tail)
{
    size_t len = strlen(head) + strlen(part) * count + strlen(tail) + 1;
    char *text = malloc(len);

    assert_non_null(text);
    size_t at = append(text, 0, head);
    for (size_t i = 0; i < count; i++) {
        at = append(text, at, part);
    }
    (void)append(text, at, tail);
    return text;
}

/* The library closed on these without a word, or with a page of its own. */
static void what_is_too_much_is_told(void **state)
{
    static char answer[RAW_MAX];
    static const struct {
        const char *head, *part;
        size_t count;
        const char *tail, *status;
    } cases[] = {
        {"GET /livez?x", "&a=b", 500, " HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
        {"GET /livez?x", "&", 101, " HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
        {"GET /livez HTTP/1.1\r\n" HOST "Cookie: a=b", "; a=b", 500, "\r\n\r\n", "HTTP/1.1 431 "},
        {"GET /livez HTTP/1.1\r\n" HOST, "X: y\r\n", 500, "\r\n", "HTTP/1.1 431 "},
        {"GET /livez HTTP/1.1\r\n" HOST "X: ", "yyyy", 7000, "\r\n\r\n", "HTTP/1.1 431 "},
        {"GET /livez HTTP/1.1\r\n" HOST "X: ", "yyyy", 15000, "\r\n\r\n", "HTTP/1.1 431 "},
        {"GET /", "yyyy", 1200, " HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 414 "},
        {"GET /", "yyyy", 12000, " HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 414 "},
        {"", "G", 30000, "", "HTTP/1.1 431 "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text = many(cases[i].head, cases[i].part, cases[i].count, cases[i].tail);
        const struct attack a = {"too much", text, strlen(text), false};
        bool closed = attack_with(&a, "", answer);
        free(text);
        if (!closed || !is_refusal(answer) || strncmp(answer, cases[i].status, 13) != 0) {
            fail_msg("case %zu, %s: %s", i, closed ? "closed" : "not closed", answer);
        }
    }
}

/* On one connection. */
static bool answered_thrice(const char *request, const char *part, char answer[RAW_MAX])
{
    int fd = raw_connect(service.port);
    int turns = 0;

    while (turns < 3 && raw_send(fd, request, strlen(request)) &&
           raw_expect(fd, 5000, part, answer)) {
        turns++;
    }
    (void)close(fd);
    return turns == 3;
}

/* As much of everything as is let through: the library has room for it. */
static void the_most_that_may_come_is_served(void **state)
{
    static char answer[RAW_MAX];
    static const struct {
        const char *head, *part;
        size_t count;
        const char *tail, *answered;
    } cases[] = {
        {"GET /livez?a=b", "&a=b", 99, " HTTP/1.1\r\n" HOST "\r\n", "no such query parameter"},
        {"GET /livez HTTP/1.1\r\n" HOST "Cookie: a=b", "; a=b", 199, "\r\n\r\n", "alive"},
        {"GET /livez HTTP/1.1\r\n" HOST, "X: y\r\n", 99, "\r\n", "alive"},
        {"GET /livez HTTP/1.1\r\n" HOST "X: ", "y", 24 * 1024 - 21 - 12 - 3 - 4, "\r\n\r\n",
         "alive"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text = many(cases[i].head, cases[i].part, cases[i].count, cases[i].tail);
        if (!answered_thrice(text, cases[i].answered, answer)) {
            fail_msg("case %zu: %s", i, answer);
        }
        free(text);
    }
}

#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

/* Which of two counts, nobody can say (W3C Trace Context): neither comes back, and nothing is refused for it. */
static void of_two_traces_none_counts(void **state)
{
    static char answer[RAW_MAX];
    const char *request = "GET /livez HTTP/1.1\r\n" HOST "traceparent: " TRACE
                          "\r\ntraceparent: " TRACE "\r\nConnection: close\r\n\r\n";
    int fd = raw_connect(service.port);

    (void)state;
    assert_true(raw_send(fd, request, strlen(request)));
    assert_true(raw_read(fd, 5000, answer));
    (void)close(fd);
    assert_text_contains(answer, "HTTP/1.1 200 ");
    assert_null(strstr(answer, "traceparent"));
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
        {"POST /v1/events HTTP/1.1\r\nHost:\tshop \t\r\nContent-Type:  application/json ; charset=utf-8 \r\n"
         "Content-Encoding: identity \r\nExpect: 100-continue \r\nContent-Length: 2 \r\n\r\n",
         "HTTP/1.1 100 Continue\r\n\r\n"},
        {"[]", "{\"results\":[]}"},
        {"GET /livez HTTP/1.1\r\n" HOST "traceparent: " TRACE "\r\n\r\n",
         "traceparent: " TRACE "\r\n"},
        {"GET /livez HTTP/1.1\r\n" HOST "Accept: a\r\nAccept: b\r\n\r\n", "{\"status\":\"alive\"}"},
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

/* Chunks that are right are served, and still nothing behind them. */
static void a_chunked_request_is_answered_and_nothing_behind_it_is_read(void **state)
{
    static char answer[RAW_MAX];
    static const char *const requests[] = {
        CHUNKED "1\r\n[\r\n1\r\n]\r\n0\r\n\r\n" HIDDEN,
        CHUNKED "2;a;b=c;d=\"e \\\" f\"\r\n[]\r\n0;z\r\nX: y\r\nZ:\r\n\r\n" HIDDEN,
        CHUNKED "A\r\n[        ]\r\n0\r\n\r\n" HIDDEN,
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        int fd = raw_connect(service.port);
        assert_true(raw_send(fd, requests[i], strlen(requests[i])));
        bool closed = raw_read(fd, 5000, answer);
        (void)close(fd);
        if (!closed || answers(answer) != 1 || strstr(answer, "{\"results\":[]}") == NULL ||
            strstr(answer, "\r\nConnection: close\r\n") == NULL) {
            fail_msg("chunks %zu, %s: %s", i, closed ? "closed" : "not closed", answer);
        }
    }
}

/* Whatever is answered: an error of the head, of the body, or "go on". */
static void behind_chunks_nothing_is_read_whatever_was_answered(void **state)
{
    static char answer[RAW_MAX];
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"POST /v1/nothing HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n", "404"},
        {"PUT /livez HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n", "405"},
        {POST HOST "Transfer-Encoding: chunked\r\n\r\n", "415"},
        {POST HOST JSON "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        {POST HOST JSON "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n", "200"},
        {"POST /v1/nothing HTTP/1.1\r\n" HOST JSON
         "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
         "404"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text = many(cases[i].request, "2\r\n[]\r\n", 1, "0\r\n\r\n" HIDDEN);
        const struct attack a = {"chunks", text, strlen(text), false};
        bool closed = attack_with(&a, "", answer);
        free(text);
        const char *last = strstr(answer, "HTTP/1.1 100") == answer ? answer + 25 : answer;
        if (!closed || answers(last) != 1 || strncmp(last + 9, cases[i].status, 3) != 0 ||
            strstr(last, "\r\nConnection: close\r\n") == NULL) {
            fail_msg("case %zu, %s: %s", i, closed ? "closed" : "not closed", answer);
        }
    }
}

/* Of load balancers that ask whether we live, and of shops that send their webhooks so; also where HTTP/1.1 was
 * spoken before, or keeping the connection is asked for. */
static void a_request_in_http_1_0_is_answered_and_nothing_behind_it_is_read(void **state)
{
    static char answer[RAW_MAX];
    static const struct {
        const char *request, *status, *says;
    } cases[] = {
        {"GET /livez HTTP/1.0\r\n" HOST "\r\n", "200", "alive"},
        {"GET /livez HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n", "200", "alive"},
        {"HEAD /livez HTTP/1.0\r\n" HOST "\r\n", "200", "Content-Length: 18\r\n"},
        {"GET /readyz HTTP/1.0\r\n" HOST "\r\n", "200", "ready"},
        {"GET /metrics HTTP/1.0\r\n" HOST "\r\n", "200", "cartwright_"},
        {"GET /v1/nothing HTTP/1.0\r\n" HOST "\r\n", "404", "no such route"},
        {"POST /v1/events HTTP/1.0\r\n" HOST JSON
         "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n[]",
         "200", "{\"results\":[]}"},
        {"POST /v1/events HTTP/1.0\r\n" HOST JSON "\r\n", "400", "problem:invalid"},
        {"GET /livez HTTP/1.0\r\nHost: elsewhere\r\n\r\n", "403", "without keys"},
        {"GET /livez HTTP/1.0\r\n\r\n", "403", "and its Host header must say so"},
        {"POST /v1/events HTTP/1.0\r\n" JSON "Content-Length: 2\r\n\r\n[]", "403", "without keys"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text = many(cases[i].request, HIDDEN, 1, "");
        const struct attack a = {"HTTP/1.0", text, strlen(text), false};
        bool closed = attack_with(&a, "", answer);
        free(text);
        if (!closed || answers(answer) != 1 || strncmp(answer + 9, cases[i].status, 3) != 0 ||
            strstr(answer, cases[i].says) == NULL ||
            count_of(answer, "\r\nConnection: close\r\n") != 1) {
            fail_msg("case %zu, %s: %s", i, closed ? "closed" : "not closed", answer);
        }
    }
    /* the one before is not the last: its answer does not end the connection */
    const struct attack second = {"second", cases[0].request, strlen(cases[0].request), false};
    assert_true(attack_with(&second, LIVEZ, answer));
    assert_int_equal(answers(answer), 2);
    assert_int_equal(count_of(answer, "\r\nConnection: close\r\n"), 1);
}

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
        cmocka_unit_test(every_attack_is_refused_once_and_in_our_words),
        cmocka_unit_test(a_request_before_an_attack_gets_its_answer),
        cmocka_unit_test(refusals_are_counted),
        cmocka_unit_test(a_refusal_has_the_ids_of_its_request),
        cmocka_unit_test(what_is_too_much_is_told),
        cmocka_unit_test(the_most_that_may_come_is_served),
        cmocka_unit_test(of_two_traces_none_counts),
        cmocka_unit_test(honest_requests_on_one_connection_are_answered_in_turn),
        cmocka_unit_test(a_chunked_request_is_answered_and_nothing_behind_it_is_read),
        cmocka_unit_test(behind_chunks_nothing_is_read_whatever_was_answered),
        cmocka_unit_test(a_request_in_http_1_0_is_answered_and_nothing_behind_it_is_read),
        cmocka_unit_test(a_long_head_in_pieces_is_read_as_it_was_sent),
        cmocka_unit_test(requests_sent_ahead_are_answered_in_turn),
    };
    const char *const flags[] = {"--auth=off",   "--http-deadline",       "1s",
                                 "--http-hosts", "x, shop, shop.example", NULL};
    char *url = pg_fixture_database("attacks");

    service = service_start(url, flags);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    int code = service_stop(&service);
    pg_fixture_drop(url);
    return failed != 0 || code != 0;
}
