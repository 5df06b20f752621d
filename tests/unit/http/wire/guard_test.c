/* Specification of the request smuggling guard. */
#include "http/wire/guard.h"

#include "support/spec.h"

struct header {
    const char *name, *value;
};
enum { HEADERS_MAX = 4 };

struct head {
    const char *name; /* of the case */
    const char *method;
    const char *version;
    struct header headers[HEADERS_MAX]; /* beside Host: shop */
    bool no_host;
    const char *says; /* NULL: it passes */
};

static bool judge(const struct head *h, struct err *err)
{
    struct guard g = {0};

    if (!h->no_host) {
        guard_header(&g, "Host", "shop:8080");
    }
    for (size_t i = 0; i < HEADERS_MAX && h->headers[i].name != NULL; i++) {
        guard_header(&g, h->headers[i].name, h->headers[i].value);
    }
    return guard_end(&g, h->method ? h->method : "POST", h->version ? h->version : "HTTP/1.1", err);
}

static const struct head heads[] = {
    {"plain", .method = "GET"},
    {"body by length", .headers = {{"Content-Length", "12"}}},
    {"body in chunks", .headers = {{"Transfer-Encoding", "chunked"}}},
    {"IPv6 host", .no_host = true, .headers = {{"Host", "[::1]:8080"}}},
    {"tab in a value", .headers = {{"X", "a\tb"}}},
    {"UTF-8 in a value", .headers = {{"X", "caf\xc3\xa9"}}},
    {"empty length and method without body", .method = "GET", .headers = {{"Content-Length", "0"}}},
    {"every character of a name", .headers = {{"azAZ09!#$%&'*+-.^_`|~", "x"}}},
    {"every character of a host", .no_host = true, .headers = {{"Host", "azAZ09.-_:[]"}}},
    {"blank in a value", .headers = {{"X", "a b"}}},
    {"expectation in capitals", .headers = {{"Expect", "100-Continue"}}},
    {"PUT with a body", .method = "PUT", .headers = {{"Content-Length", "3"}}},
    {"PATCH with a body", .method = "PATCH", .headers = {{"Content-Length", "3"}}},
    {"fifteen digits", .headers = {{"Content-Length", "999999999999999"}}},
    {"sixteen digits", .headers = {{"Content-Length", "1000000000000000"}}, .says = "digits only"},
    {"length of nothing and chunks",
     .headers = {{"Content-Length", "0"}, {"Transfer-Encoding", "chunked"}},
     .says = "exclude each other"},
    {"an odd one among good ones", .headers = {{"A", "b"}, {"X", "a\x7f"}, {"Y", "b"}},
     .says = "control characters"},
    {"two odd ones: the first is told", .headers = {{"X", "a\x7f"}, {"Expect", "x"}},
     .says = "control characters"},
    {"last of the control characters", .headers = {{"X", "a\x1f"}}, .says = "control characters"},
    {"first of the control characters", .headers = {{"X", "\x01"}}, .says = "control characters"},
    {"slash in a name", .headers = {{"a/b", "x"}}, .says = "no header name may have"},
    {"colon in a name", .headers = {{"a:b", "x"}}, .says = "no header name may have"},
    {"at in a name", .headers = {{"a@b", "x"}}, .says = "no header name may have"},
    {"bracket in a name", .headers = {{"a[b", "x"}}, .says = "no header name may have"},
    {"brace in a name", .headers = {{"a{b", "x"}}, .says = "no header name may have"},
    {"semicolon in a host", .no_host = true, .headers = {{"Host", "a;b"}}, .says = "malformed"},
    {"backslash in a host", .no_host = true, .headers = {{"Host", "a\\b"}}, .says = "malformed"},
    {"backtick in a host", .no_host = true, .headers = {{"Host", "a`b"}}, .says = "malformed"},
    {"brace in a host", .no_host = true, .headers = {{"Host", "a{b"}}, .says = "malformed"},
    {"no host", .no_host = true, .says = "exactly one Host header is needed, there are 0"},
    {"two hosts", .headers = {{"Host", "other"}}, .says = "there are 2"},
    {"two hosts, other case", .headers = {{"hOST", "shop"}}, .says = "there are 2"},
    {"host with a path", .no_host = true, .headers = {{"Host", "a/b"}}, .says = "malformed"},
    {"host with user", .no_host = true, .headers = {{"Host", "a@b"}}, .says = "malformed"},
    {"hosts in a list", .no_host = true, .headers = {{"Host", "a, b"}}, .says = "malformed"},
    {"two lengths", .headers = {{"Content-Length", "1"}, {"Content-Length", "2"}},
     .says = "more than one Content-Length"},
    {"two lengths that agree", .headers = {{"Content-Length", "1"}, {"content-length", "1"}},
     .says = "more than one Content-Length"},
    {"lengths in a list", .headers = {{"Content-Length", "1, 1"}}, .says = "digits only"},
    {"length with a sign", .headers = {{"Content-Length", "+1"}}, .says = "digits only"},
    {"negative length", .headers = {{"Content-Length", "-1"}}, .says = "digits only"},
    {"length in hex", .headers = {{"Content-Length", "0x1"}}, .says = "digits only"},
    {"length with a blank", .headers = {{"Content-Length", "1 "}}, .says = "digits only"},
    {"no length in the length", .headers = {{"Content-Length", ""}}, .says = "digits only"},
    {"length past 64 bits", .headers = {{"Content-Length", "18446744073709551617"}},
     .says = "digits only"},
    {"length and chunks", .headers = {{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}},
     .says = "exclude each other"},
    {"two encodings",
     .headers = {{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
     .says = "more than one Transfer-Encoding"},
    {"encoding in capitals", .headers = {{"Transfer-Encoding", "CHUNKED"}}, .says = "exactly"},
    {"encoding with a blank", .headers = {{"Transfer-Encoding", "chunked "}}, .says = "exactly"},
    {"encodings in a list", .headers = {{"Transfer-Encoding", "gzip, chunked"}}, .says = "exactly"},
    {"identity", .headers = {{"Transfer-Encoding", "identity"}}, .says = "exactly"},
    {"unknown encoding", .headers = {{"Transfer-Encoding", "xchunked"}}, .says = "exactly"},
    {"empty encoding", .headers = {{"Transfer-Encoding", ""}}, .says = "exactly"},
    {"blank before the colon", .headers = {{"Content-Length ", "3"}},
     .says = "characters that no header name may have"},
    {"tab before the colon", .headers = {{"Transfer-Encoding\t", "chunked"}},
     .says = "no header name may have"},
    {"no name", .headers = {{"", "3"}}, .says = "no header name may have"},
    {"vertical tab in the name", .headers = {{"\vTransfer-Encoding", "chunked"}},
     .says = "no header name may have"},
    {"non-ASCII name", .headers = {{"H\xc3\xb6st", "x"}}, .says = "no header name may have"},
    {"CR in a value", .headers = {{"X", "a\rContent-Length: 3"}}, .says = "control characters"},
    {"DEL in a value", .headers = {{"X", "a\x7f"}}, .says = "control characters"},
    {"foreign expectation", .headers = {{"Expect", "200-ok"}}, .says = "Expect"},
    {"CR in the method", .method = "\rGET", .says = "no method may have"},
    {"no method", .method = "", .says = "no method may have"},
    {"two types", .headers = {{"Content-Type", "text/plain"}, {"content-type", "application/json"}},
     .says = "more than one Content-Type"},
    {"two types that agree", .headers = {{"Content-Type", "a/b"}, {"Content-Type", "a/b"}},
     .says = "more than one Content-Type"},
    {"three types",
     .headers = {{"Content-Type", "a"}, {"Content-Type", "a"}, {"Content-Type", "a"}},
     .says = "more than one Content-Type"},
    {"two codings of the body", .headers = {{"Content-Encoding", "gzip"}, {"Content-Encoding", ""}},
     .says = "more than one Content-Encoding"},
    {"two keys", .method = "GET", .headers = {{"Authorization", "a"}, {"AUTHORIZATION", "b"}},
     .says = "more than one Authorization"},
    {"two ids", .method = "GET", .headers = {{"X-Request-Id", "a"}, {"X-Request-ID", "b"}},
     .says = "more than one X-Request-Id"},
    {"each of them once", .headers = {{"Authorization", "a"},
                                      {"Content-Type", "a"},
                                      {"Content-Encoding", "a"},
                                      {"X-Request-Id", "a"}}},
    {"lists in parts",
     .headers = {{"Accept", "a"}, {"Accept", "b"}, {"Connection", "a"}, {"Connection", "b"}}},
    {"two traces", .headers = {{"traceparent", "a"}, {"traceparent", "b"}}},
    {"HTTP/1.0", .version = "HTTP/1.0"},
    {"HTTP/1.0 with a body", .version = "HTTP/1.0", .headers = {{"Content-Length", "12"}}},
    {"HTTP/1.0 without a host", .version = "HTTP/1.0", .no_host = true},
    {"HTTP/1.0 with two hosts", .version = "HTTP/1.0", .headers = {{"Host", "b"}},
     .says = "there are 2"},
    {"HTTP/1.0 with chunks", .version = "HTTP/1.0", .headers = {{"Transfer-Encoding", "chunked"}},
     .says = "HTTP/1.0 has no Transfer-Encoding"},
    {"HTTP/1.0 with two lengths", .version = "HTTP/1.0",
     .headers = {{"Content-Length", "1"}, {"Content-Length", "1"}},
     .says = "more than one Content-Length"},
    {"HTTP/1.0 GET with a body", .method = "GET", .version = "HTTP/1.0",
     .headers = {{"Content-Length", "3"}}, .says = "no body"},
    {"HTTP/1.2", .version = "HTTP/1.2", .says = "only HTTP/1.1"},
    {"no version", .version = "", .says = "only HTTP/1.1"},
    {"GET with a body", .method = "GET", .headers = {{"Content-Length", "3"}}, .says = "no body"},
    {"HEAD with chunks", .method = "HEAD", .headers = {{"Transfer-Encoding", "chunked"}},
     .says = "takes no body"},
};

static void only_heads_that_everybody_reads_alike_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        struct err err = {0};
        bool passed = judge(&heads[i], &err);
        if (passed != (heads[i].says == NULL)) {
            fail_msg("%s: passed %d: %s", heads[i].name, passed, err.text);
        }
        if (heads[i].says != NULL) {
            assert_int_equal(err.kind, ERR_INVALID);
            assert_text_contains(err.text, heads[i].says);
        }
    }
}

static void behind_chunks_nothing_may_be_read(void **state)
{
    struct guard g = {0};

    (void)state;
    guard_header(&g, "Content-Length", "12");
    assert_false(guard_ends_connection(&g));
    g = (struct guard){0};
    guard_header(&g, "Transfer-Encoding", "chunked");
    assert_true(guard_ends_connection(&g));
}

static const struct {
    const char *target;
    bool passes;
} targets[] = {
    {"/", true},
    {"/v1/carts?state=idle&limit=3", true},
    {"/v1/customers/a%40b.example", true},
    {"/v1/customers/a@b:c(d)=e,f;g+h*", true},
    {"/v1/customers/caf%C3%A9/recommendations?k=3", true},
    {"/v1/customers/..a", true},
    {"/v1/customers/...", true},
    {"/v1/customers/%2e%2e%2e", true},
    {"/v1/customers/%20%7e", true},
    {"/v1/customers/%1f", false},
    {"/v1/customers/a^b", false},
    {"/v1/customers/a|b", false},
    {"/v1/customers/a`b", false},
    {"/v1/carts?a=%20!~", true},
    {"/v1/carts?a=%1f", false},
    {"/v1/carts?a= ", false},
    {"/v1/carts?a=\x7f", false},
    {"/v1/carts?cursor=a%2Fb%C3%A9", true},
    {"/v1/carts?cursor=%00", false},
    {"/v1/carts?cursor=%0d%0aX:y", false},
    {"/v1/carts?cursor=%7f", false},
    {"/v1/carts?cursor=%4", false},
    {NULL, false},
    {"", false},
    {"*", false},
    {"v1/carts", false},
    {"http://shop/v1/carts", false},
    {"/v1/../admin", false},
    {"/v1/./carts", false},
    {"/..", false},
    {"/v1/customers/..", false},
    {"/v1/customers/../carts", false},
    {"/v1/customers/%2e%2e", false},
    {"/v1/customers/%2E.", false},
    {"/v1/customers/.%2e/x", false},
    {"/%76%31/carts", false},
    {"/v1/%63arts", false},
    {"/v1/customers/a%2fb", true},
    {"/v1/customers/a%2Fb", true},
    {"/v1/customers/a%5cb", true},
    {"/v1/customers/a%2f", true},
    {"/v1/customers/100%25", true},
    {"/v1/customers/..%2fadmin", false},
    {"/v1/customers/a%2f..%2fb", false},
    {"/v1/customers/a%5C%2e%2E", false},
    {"/v1/customers/a%2f.%2fb", false},
    {"/v1/customers/%2f..%2fadmin", false},
    {"/v1/customers/%5c.", false},
    {"/v1/customers/%2f%2f..", false},
    {"/v1/customers/%2f%2fa", true},
    {"/v1/customers/x2e", true},
    {"/v1/customers/x2ey2e", true},
    {"/v1/customers/a%2f...", true},
    {"/v1/customers/a%00", false},
    {"/v1/customers/a%0d%0aHost:x", false},
    {"/v1/customers/a%7f", false},
    {"/v1/customers/a%4", false},
    {"/v1/customers/a%zz", false},
    {"/v1/customers/a\\b", false},
    {"/v1/customers/a b", false},
    {"/v1/customers/\xc3\xa9", false},
    {"/v1/carts#x", false},
    {"/v1/carts?a=\"", true},
    {"/v1/carts?a=\xff", false},
    {"/v1/carts?a=b#c", false},
};

static void a_target_is_an_absolute_path_without_tricks(void **state)
{

    (void)state;
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        struct err err = {0};
        if (guard_target(targets[i].target, &err) != targets[i].passes) {
            fail_msg("%s: %s", targets[i].target ? targets[i].target : "(null)", err.text);
        }
    }
}

static void a_target_of_more_than_4096_bytes_is_refused(void **state)
{
    char target[4098];
    struct err err = {0};

    (void)state;
    memset(target, 'a', sizeof target);
    target[0] = '/';
    target[4096] = '\0';
    assert_true(guard_target(target, &err));
    target[4096] = 'a';
    target[4097] = '\0';
    assert_false(guard_target(target, &err));
    assert_string_equal(err.text, "the request target is longer than 4096 bytes");
}

static void of_several_traces_it_is_known_that_there_are_several(void **state)
{
    struct guard g = {0};

    (void)state;
    guard_header(&g, "traceparent", "a");
    assert_int_equal(g.traces, 1);
    guard_header(&g, "Traceparent", "b");
    assert_int_equal(g.traces, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_heads_that_everybody_reads_alike_pass),
        cmocka_unit_test(behind_chunks_nothing_may_be_read),
        cmocka_unit_test(a_target_is_an_absolute_path_without_tricks),
        cmocka_unit_test(a_target_of_more_than_4096_bytes_is_refused),
        cmocka_unit_test(of_several_traces_it_is_known_that_there_are_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
