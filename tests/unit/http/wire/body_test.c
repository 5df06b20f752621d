/* Specification of request bodies: bounded each, and all together. */
#include "http/wire/body.h"

#include "support/spec.h"

#include <stdlib.h>
#include <zlib.h>

/* gzip of len bytes; the caller frees it. */
static char *gzip(const char *bytes, size_t len, size_t *out_len)
{
    enum { GZIP = 16, LEVEL_MEMORY = 8 };
    z_stream z = {0};

    assert_int_equal(
        deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + GZIP, LEVEL_MEMORY, Z_DEFAULT_STRATEGY), Z_OK);
    size_t max = deflateBound(&z, len);
    char *out = malloc(max);
    char *in = malloc(len + 1);
    memcpy(in, bytes, len);
    z.next_in = (unsigned char *)in;
    z.avail_in = (uInt)len;
    z.next_out = (unsigned char *)out;
    z.avail_out = (uInt)max;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *out_len = max - z.avail_out;
    (void)deflateEnd(&z);
    free(in);
    return out;
}

static void a_body_larger_than_its_maximum_is_too_large(void **state)
{
    struct budget budget = {.max = 1000};
    struct body b = body_make(&budget, 10);
    struct err err = {0};

    (void)state;
    assert_true(body_add(&b, "12345", 5, &err));
    assert_true(body_add(&b, "67890", 5, &err));
    assert_false(body_add(&b, "1", 1, &err));
    assert_true(b.too_large);
    assert_string_equal(err.text, "the body is larger than 10 bytes");
    body_free(&b);
    assert_int_equal(budget.used, 0);
}

static void bodies_share_one_budget(void **state)
{
    struct budget budget = {.max = 12};
    struct body one = body_make(&budget, 10);
    struct body two = body_make(&budget, 10);
    struct err err = {0};

    (void)state;
    assert_true(body_add(&one, "12345678", 8, &err));
    assert_false(body_add(&two, "12345", 5, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_false(two.too_large);
    body_free(&one);
    assert_true(body_add(&two, "12345", 5, &err));
    body_free(&two);
    assert_int_equal(budget.used, 0);
}

static void decoding_is_charged_too_but_one_body_always_gets_through(void **state)
{
    struct budget budget = {.max = 100};
    struct body b = body_make(&budget, 40);
    struct err err = {0};

    (void)state;
    assert_true(body_add(&b, "1234567890123456789012345678901234567890", 40, &err));
    assert_true(body_charge_decoding(&b, &err));
    assert_int_equal(budget.used, 90);
    body_free(&b);
    assert_int_equal(budget.used, 0);
}

static void gzip_is_unpacked(void **state)
{
    struct budget budget = {.max = 100000};
    struct body b = body_make(&budget, 1000);
    struct err err = {0};
    size_t len = 0;
    char *packed = gzip("[{\"a\":1}]", 9, &len);

    (void)state;
    assert_true(body_add(&b, packed, len, &err));
    assert_true(body_gunzip(&b, &err));
    assert_string_equal(buf_text(&b.bytes), "[{\"a\":1}]");
    body_free(&b);
    free(packed);
    assert_int_equal(budget.used, 0);
}

static void a_bomb_is_refused_at_the_maximum_for_plain_bodies(void **state)
{
    enum { BOMB_BYTES = 10000000 };
    struct budget budget = {.max = 1000000};
    struct body b = body_make(&budget, 100000);
    struct err err = {0};
    size_t len = 0;
    char *zeros = calloc(1, BOMB_BYTES);
    char *packed = gzip(zeros, BOMB_BYTES, &len);

    (void)state;
    assert_true(len < 100000);
    assert_true(body_add(&b, packed, len, &err));
    assert_false(body_gunzip(&b, &err));
    assert_true(b.too_large);
    assert_true(budget.used <= 100000);
    body_free(&b);
    free(packed);
    free(zeros);
    assert_int_equal(budget.used, 0);
}

static void broken_cut_and_doubled_gzip_is_refused(void **state)
{
    struct budget budget = {.max = 100000};
    size_t len = 0;
    char *packed = gzip("[{\"a\":1}]", 9, &len);

    (void)state;
    for (size_t keep = 0; keep <= len + 1; keep++) {
        struct body b = body_make(&budget, 1000);
        struct err err = {0};
        assert_true(body_add(&b, packed, keep < len ? keep : len, &err));
        if (keep == len + 1) {
            assert_true(body_add(&b, packed, len, &err));
        }
        assert_true(body_gunzip(&b, &err) == (keep == len));
        body_free(&b);
    }
    free(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_larger_than_its_maximum_is_too_large),
        cmocka_unit_test(bodies_share_one_budget),
        cmocka_unit_test(decoding_is_charged_too_but_one_body_always_gets_through),
        cmocka_unit_test(gzip_is_unpacked),
        cmocka_unit_test(a_bomb_is_refused_at_the_maximum_for_plain_bodies),
        cmocka_unit_test(broken_cut_and_doubled_gzip_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
