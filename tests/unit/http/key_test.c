/* Specification of API keys, scopes, cursors' base64 and the listening address. */
#include "http/key.h"

#include "base/init.h"
#include "http/wire/codec.h"
#include "http/wire/listen.h"
#include "store/keys.h"

#include "support/spec.h"

#include <netdb.h>
#include <unistd.h>

static void a_made_key_parses_to_its_id_and_hash(void **state)
{
    struct api_key made, parsed;
    char text[KEY_TEXT_MAX];

    (void)state;
    key_make(&made, text);
    assert_int_equal(strlen(text), KEY_TEXT_MAX - 1);
    assert_true(key_parse(text, &parsed));
    assert_string_equal(parsed.id, made.id);
    assert_memory_equal(parsed.secret_hash, made.secret_hash, SHA256_BYTES);
}

static void two_keys_never_agree(void **state)
{
    struct api_key one, two;
    char text[KEY_TEXT_MAX];

    (void)state;
    key_make(&one, text);
    key_make(&two, text);
    assert_string_not_equal(one.id, two.id);
    assert_memory_not_equal(one.secret_hash, two.secret_hash, SHA256_BYTES);
}

static void one_changed_character_is_another_secret(void **state)
{
    struct api_key made, parsed;
    char text[KEY_TEXT_MAX];

    (void)state;
    key_make(&made, text);
    for (size_t i = KEY_ID_LEN + 1; i < KEY_TEXT_MAX - 1; i++) {
        char kept = text[i];
        text[i] = kept == 'A' ? 'B' : 'A';
        assert_true(key_parse(text, &parsed));
        assert_memory_not_equal(parsed.secret_hash, made.secret_hash, SHA256_BYTES);
        text[i] = kept;
    }
}

static void what_has_not_the_form_of_a_key_is_none(void **state)
{
    static const char *const bad[] = {
        "",
        "ck_",
        "ck_0123456789ab",
        "ck_0123456789ab.",
        "ck_0123456789ab.short",
        "xk_0123456789ab.0123456789012345678901234567890123456789012",
        "ck_0123456789aX.0123456789012345678901234567890123456789012",
        "ck_0123456789ab:0123456789012345678901234567890123456789012",
        "ck_0123456789ab.01234567890123456789012345678901234567890123",
        "ck_0123456789ab.012345678901234567890123456789012345678901=",
    };
    struct api_key key;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(key_parse(bad[i], &key));
    }
    assert_true(key_parse("ck_0123456789ab.0123456789012345678901234567890123456789012", &key));
}

static void scopes_are_read_and_written(void **state)
{
    unsigned scopes = 0;
    struct err err = {0};
    char text[SCOPES_TEXT_MAX];

    (void)state;
    assert_true(scopes_parse("read,ingest", &scopes, &err));
    assert_int_equal(scopes, SCOPE_READ | SCOPE_INGEST);
    assert_string_equal(scopes_format(scopes, text), "ingest,read");
    scopes = SCOPE_INGEST | SCOPE_READ | SCOPE_OUTREACH | SCOPE_ADMIN;
    assert_string_equal(scopes_format(scopes, text), "ingest,read,outreach,admin");
}

static void a_scope_that_does_not_exist_is_refused(void **state)
{
    static const char *const bad[] = {"", ",", "read,", ",read", "read,,ingest", "write", "Read"};
    unsigned scopes = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = {0};
        if (scopes_parse(bad[i], &scopes, &err)) {
            fail_msg("\"%s\" passed", bad[i]);
        }
        assert_string_equal(err.path, "scopes");
    }
}

static void text_survives_base64(void **state)
{
    struct arena a = {0};
    const char *text = "1caf\xc3\xa9/?&";

    (void)state;
    assert_string_equal(codec_base64_text(codec_base64(text, strlen(text), &a), &a), text);
    assert_null(codec_base64_text("%%%", &a));
    assert_null(codec_base64_text("AA", &a));   /* a NUL */
    assert_null(codec_base64_text("_w", &a));   /* no UTF-8 */
    assert_null(codec_base64_text("MQ==", &a)); /* padded */
    arena_free(&a);
}

static void an_address_is_bound_and_its_port_told(void **state)
{
    struct listener l;
    struct err err = {0};

    (void)state;
    assert_true(listen_open("127.0.0.1:0", &l, &err));
    assert_true(l.loopback);
    assert_text_contains(l.url, "http://127.0.0.1:");
    assert_string_not_equal(l.url, "http://127.0.0.1:0");
    (void)close(l.fd);
    assert_true(listen_open("0.0.0.0:0", &l, &err));
    assert_false(l.loopback);
    assert_string_equal(err.path, ""); /* what fails next is not the address's fault */
    (void)close(l.fd);
}

static void a_port_in_use_says_what_to_do(void **state)
{
    struct listener first;
    struct listener second;
    struct err err = {0};
    (void)state;

    assert_true(listen_open("127.0.0.1:0", &first, &err));
    assert_false(listen_open(first.url + strlen("http://"), &second, &err));
    assert_string_equal(err.path, "listen");
    assert_text_contains(err.text, "something listens there already");
    assert_text_contains(err.text, "--listen HOST:PORT");
    (void)close(first.fd);
    assert_false(listen_open("192.0.2.1:0", &second, &err));
    assert_text_contains(err.text, "this machine has no such address");
}

/* ---- a name with two addresses, the first of which is no machine's ---- */

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **out);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **out);

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **out)
{
    struct addrinfo *second = NULL;

    if (strcmp(host, "two.test") != 0) {
        return __real_getaddrinfo(host, port, hints, out);
    }
    int failed = __real_getaddrinfo("192.0.2.1", port, hints, out);
    failed = failed != 0 ? failed : __real_getaddrinfo("127.0.0.1", port, hints, &second);
    if (failed == 0) {
        (*out)->ai_next = second; /* freeaddrinfo frees one after the other */
    }
    return failed;
}

static void of_a_name_the_first_address_that_can_be_bound_is(void **state)
{
    struct listener l;
    struct err err = {0};

    (void)state;
    assert_true(listen_open("two.test:0", &l, &err));
    assert_text_contains(l.url, "http://127.0.0.1:");
    (void)close(l.fd);
}

static void an_address_that_is_none_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      ":",
                                      "localhost",
                                      "127.0.0.1:",
                                      ":8080",
                                      "127.0.0.1:x",
                                      "::1:80",
                                      "127.0.0.1:99999999",
                                      "[::1]",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:99999",
                                      "[]:80"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct listener l;
        struct err err = {0};
        if (listen_open(bad[i], &l, &err)) {
            fail_msg("\"%s\" passed as %s", bad[i], l.url);
        }
        assert_string_equal(err.path, "listen");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_made_key_parses_to_its_id_and_hash),
        cmocka_unit_test(two_keys_never_agree),
        cmocka_unit_test(one_changed_character_is_another_secret),
        cmocka_unit_test(what_has_not_the_form_of_a_key_is_none),
        cmocka_unit_test(scopes_are_read_and_written),
        cmocka_unit_test(a_scope_that_does_not_exist_is_refused),
        cmocka_unit_test(text_survives_base64),
        cmocka_unit_test(a_port_in_use_says_what_to_do),
        cmocka_unit_test(an_address_is_bound_and_its_port_told),
        cmocka_unit_test(of_a_name_the_first_address_that_can_be_bound_is),
        cmocka_unit_test(an_address_that_is_none_is_refused),
    };
    struct err err = {0};

    return base_init(&err) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
