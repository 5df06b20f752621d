/* Specification of the recv that stands between sockets and the HTTP library. */
#include "http/wire/tap.h"

#include "support/spec.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

enum { ROOM = 32 * 1024 };

struct line {
    int near; /* what the library reads from */
    int far;
    struct tap tap;
    int arrivals;
};

static void on_arrival(void *cls)
{
    struct line *l = cls;

    l->arrivals++;
}

static void line_open(struct line *l)
{
    int ends[2];

    *l = (struct line){.tap = {.arrives = on_arrival, .cls = l}};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    l->near = ends[0];
    l->far = ends[1];
    gate_open(&l->tap.gate, 1000);
    assert_true(tap_add(l->near, &l->tap));
}

static void line_close(struct line *l)
{
    tap_remove(l->near);
    gate_close(&l->tap.gate);
    (void)close(l->near);
    (void)close(l->far);
}

static void send_text(const struct line *l, const char *text)
{
    assert_int_equal(send(l->far, text, strlen(text), 0), strlen(text));
}

/* What the library would get; "again" where it would have to wait. */
static const char *get(const struct line *l)
{
    static char out[ROOM + 1];

    errno = 0;
    ssize_t n = recv(l->near, out, ROOM, 0);
    if (n < 0) {
        return errno == EAGAIN ? "again" : "error";
    }
    out[n] = '\0';
    return out;
}

static void a_descriptor_that_was_not_added_is_read_as_ever(void **state)
{
    struct line l;

    (void)state;
    line_open(&l);
    tap_remove(l.near);
    send_text(&l, "\nno request");
    assert_string_equal(get(&l), "\nno request");
    assert_string_equal(get(&l), "again");
    line_close(&l);
}

static void the_library_gets_whole_heads_only(void **state)
{
    struct line l;

    (void)state;
    line_open(&l);
    send_text(&l, "GET / HTTP/1.1\r\nHost");
    assert_string_equal(get(&l), "again");
    assert_string_equal(get(&l), "again"); /* and does not spin: nothing is there to be read */
    assert_int_equal(l.arrivals, 1);
    send_text(&l, ": a\r\n\r\n" GET "GET /");
    assert_string_equal(get(&l), GET GET);
    assert_int_equal(l.tap.gate.heads, 2);
    line_close(&l);
}

static void a_wrong_byte_becomes_one_request_and_the_rest_is_read_and_forgotten(void **state)
{
    static char rest[100000];
    struct line l;

    (void)state;
    line_open(&l);
    memset(rest, 'x', sizeof rest - 1);
    send_text(&l, GET "GET  /\r\n");
    send_text(&l, rest);
    assert_string_equal(get(&l), GET "GET / HTTP/1.1\r\nHost: -\r\n\r\n");
    assert_int_equal(l.tap.gate.refused, 400);
    assert_int_equal(recvfrom(l.near, rest, 1, MSG_DONTWAIT, NULL, NULL), -1);
    send_text(&l, GET);
    assert_string_equal(get(&l), "again");
    line_close(&l);
}

static void an_end_within_a_request_is_a_refusal_and_then_the_end(void **state)
{
    struct line l;

    (void)state;
    line_open(&l);
    send_text(&l, "GET /");
    (void)shutdown(l.far, SHUT_WR);
    assert_string_equal(get(&l), "again");
    assert_string_equal(get(&l), "GET / HTTP/1.1\r\nHost: -\r\n\r\n");
    assert_string_equal(get(&l), "");
    line_close(&l);
}

static void an_end_of_our_own_making_is_just_an_end(void **state)
{
    struct line l;

    (void)state;
    line_open(&l);
    send_text(&l, "GET /");
    assert_string_equal(get(&l), "again");
    atomic_store(&l.tap.cut, true);
    (void)shutdown(l.near, SHUT_RDWR);
    assert_string_equal(get(&l), "");
    assert_int_equal(l.tap.gate.refused, 0);
    line_close(&l);
}

static void what_is_late_is_refused_and_not_read_on(void **state)
{
    struct line l;

    (void)state;
    line_open(&l);
    send_text(&l, "GET /");
    assert_string_equal(get(&l), "again");
    atomic_store(&l.tap.late, true);
    send_text(&l, " HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(get(&l), "GET / HTTP/1.1\r\nHost: -\r\n\r\n");
    assert_int_equal(l.tap.gate.refused, 408);
    assert_string_equal(get(&l), "");
    line_close(&l);
}

/* More may be let through than was received: what the library has no room for must not be taken. */
static void no_more_is_taken_than_there_is_room_for(void **state)
{
    struct line l;
    char out[200];

    (void)state;
    line_open(&l);
    send_text(&l, GET GET GET GET GET GET GET GET);
    assert_int_equal(recv(l.near, out, GATE_SLACK, 0), -1);
    assert_int_equal(errno, ENOBUFS);
    size_t got = 0;
    for (int i = 0; i < 20 && got < 8 * strlen(GET); i++) {
        ssize_t n = recv(l.near, out, sizeof out, 0);
        assert_true(n <= (ssize_t)sizeof out);
        got += n > 0 ? (size_t)n : 0;
    }
    assert_int_equal(got, 8 * strlen(GET));
    line_close(&l);
}

static void a_number_beyond_the_table_is_not_added(void **state)
{
    struct tap tap = {.arrives = NULL};

    (void)state;
    assert_false(tap_add(-1, &tap));
    assert_false(tap_add(65536, &tap));
    tap_remove(-1);
    tap_remove(65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descriptor_that_was_not_added_is_read_as_ever),
        cmocka_unit_test(the_library_gets_whole_heads_only),
        cmocka_unit_test(a_wrong_byte_becomes_one_request_and_the_rest_is_read_and_forgotten),
        cmocka_unit_test(an_end_within_a_request_is_a_refusal_and_then_the_end),
        cmocka_unit_test(an_end_of_our_own_making_is_just_an_end),
        cmocka_unit_test(what_is_late_is_refused_and_not_read_on),
        cmocka_unit_test(no_more_is_taken_than_there_is_room_for),
        cmocka_unit_test(a_number_beyond_the_table_is_not_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
