#include "base/hash.h"

#include "base/err.h"
#include "base/init.h"
#include "support/spec.h"

static const struct {
    const char *text;
    const char *hex;
} vectors[] = {
    /* FIPS 180-4 examples */
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void sha256_gives_the_published_digests(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        uint8_t digest[SHA256_BYTES];
        char hex[SHA256_HEX];
        hash_sha256(vectors[i].text, strlen(vectors[i].text), digest);
        assert_string_equal(hash_hex(digest, sizeof digest, hex), vectors[i].hex);
    }
}

static void a_stream_cut_anywhere_gives_the_digest_of_the_whole(void **state)
{
    const char *text = vectors[2].text;
    size_t len = strlen(text);
    (void)state;

    for (size_t cut = 0; cut <= len; cut++) {
        struct hash_state s;
        uint8_t digest[SHA256_BYTES];
        char hex[SHA256_HEX];
        hash_begin(&s);
        hash_add(&s, text, cut);
        hash_add(&s, text + cut, len - cut);
        hash_end(&s, digest);
        assert_string_equal(hash_hex(digest, sizeof digest, hex), vectors[2].hex);
    }
}

static void fnv64_gives_the_published_values(void **state)
{
    (void)state;

    assert_true(hash_fnv64("", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(hash_fnv64("a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(hash_fnv64("foobar", 6) == UINT64_C(0x85944171f73967e8));
}

static void hex_is_lower_case_and_ends(void **state)
{
    const uint8_t bytes[] = {0x00, 0x0f, 0xa0, 0xff};
    char hex[9];
    (void)state;

    assert_string_equal(hash_hex(bytes, sizeof bytes, hex), "000fa0ff");
    assert_string_equal(hash_hex(bytes, 0, hex), "");
}

static void random_bytes_differ_from_draw_to_draw(void **state)
{
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    (void)state;

    hash_random(a, sizeof a);
    hash_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void equality_looks_at_every_byte(void **state)
{
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    (void)state;

    assert_true(hash_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] = 1;
        assert_false(hash_equal(a, b, sizeof a));
        b[i] = 0;
    }
    assert_true(hash_equal(a, b, 0));
}

static int init(void **state)
{
    struct err err = {0};
    (void)state;

    bool once = base_init(&err);
    bool twice = base_init(&err); /* harmless */
    return once && twice ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(a_stream_cut_anywhere_gives_the_digest_of_the_whole),
        cmocka_unit_test(fnv64_gives_the_published_values),
        cmocka_unit_test(hex_is_lower_case_and_ends),
        cmocka_unit_test(random_bytes_differ_from_draw_to_draw),
        cmocka_unit_test(equality_looks_at_every_byte),
    };
    return cmocka_run_group_tests(tests, init, NULL);
}
