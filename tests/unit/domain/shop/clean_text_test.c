#include "domain/shop/clean_text.h"

#include "support/spec.h"

static struct arena arena;

static int empty_the_arena(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const struct {
    const char *sent;
    const char *read; /* NULL: nothing that can be seen */
} texts[] = {
    {"Blue mug", "Blue mug"},
    {"", NULL},
    {"   ", NULL},
    {"\xc2\xa0\xe2\x80\x8b\xe2\x80\x8d\xef\xb8\x8f", NULL},
    {"&nbsp;&shy;", NULL},
    {"<b></b>", NULL},
    {"\tSalt\r\n  and\xc2\xa0pepper ", "Salt and pepper"},
    /* entities */
    {"Salt &amp; Pepper", "Salt & Pepper"},
    {"Salt &amp;amp;amp; Pepper", "Salt & Pepper"},
    {"Caf&eacute; &#233; &#xE9; &#128512;", "Caf\xc3\xa9 \xc3\xa9 \xc3\xa9 \xf0\x9f\x98\x80"},
    {"24&quot; &#8211; Children&#146;s", "24\" \xe2\x80\x93 Children\xe2\x80\x99s"},
    {"AT&T &nosuch; &#0; &#x110000; &; &#;", "AT&T &nosuch; &#0; &#x110000; &; &#;"},
    {"a &#1; b &#xD800;c", "a b c"},
    {"Q&A; C&A", "Q&A; C&A"},
    /* tags */
    {"<p>Red<br>shoe</p>", "Red shoe"},
    {"H<sub>2</sub>O <B>bold</B>", "H2O bold"},
    {"a <img alt=\"x > y\" src=1> b", "a b"},
    {"<a title='it's'>x</a>", "x"},
    {"<script>alert('x')</script>Cup<style>p{}</style>", "Cup"},
    {"<!-- note -->Cup <![CDATA[of tea]]>", "Cup of tea"},
    {"&lt;b&gt;Cup&lt;/b&gt;", "Cup"},
    {"<<b>b>Cup", "Cup"},
    {"I <3 you, 2 < 3 > 1, size <M>, <unicorn>", "I <3 you, 2 < 3 > 1, size <M>, <unicorn>"},
    {"cut off <b", "cut off <b"},
    /* what turns the text behind it, and what cannot be seen */
    {"Cup \xe2\x80\xaegnp.exe", "Cup gnp.exe"},
    {"\xe2\x81\xa7"
     "a\xe2\x81\xa9 \xe2\x80\xab"
     "b",
     "a b"},
    {"so\xc2\xad"
     "ft\xe2\x80\x8b\xef\xbb\xbf",
     "soft"},
    {"a\x01"
     "b\x7f"
     "c\xc2\x80",
     "abc"},
    {"\xd7\x90\xe2\x80\x8f!", "\xd7\x90\xe2\x80\x8f!"}, /* a mark has no end to forget */
    {"{total} {{name}} %s 24\" \xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9",
     "{total} {{name}} %s 24\" \xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9"},
    {"a\xff\xc3(", "a("}, /* no UTF-8 */
};

static void texts_come_out_as_people_should_read_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const char *got = clean_text(texts[i].sent, &arena);
        if (texts[i].read == NULL ? got != NULL : got == NULL || strcmp(got, texts[i].read) != 0) {
            fail_msg("%s: %s", texts[i].sent, got == NULL ? "nothing" : got);
        }
    }
}

static void what_is_clean_is_not_copied(void **state)
{
    const char *names[] = {"Blue mug", "Caf\xc3\xa9 au lait", "a & b"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_ptr_equal(clean_text(names[i], &arena), names[i]);
    }
}

static void addresses_are_read_as_feeds_mean_them(void **state)
{
    (void)state;
    assert_null(clean_url("", &arena));
    assert_null(clean_url(" \n", &arena));
    assert_string_equal(clean_url(" https://a/b?c=1&amp;d=2&#038;e \n", &arena),
                        "https://a/b?c=1&d=2&e");
    assert_string_equal(clean_url("https://a?&amp;amp;b", &arena), "https://a?&b");
    assert_string_equal(clean_url("//cdn.example/x.jpg", &arena), "https://cdn.example/x.jpg");
    assert_string_equal(clean_url("javascript:1", &arena),
                        "javascript:1"); /* for others to refuse */
}

static void a_text_is_bare_without_what_cannot_be_seen_at_its_ends(void **state)
{
    static const char *const cases[][2] = {
        {" c1", "c1"},
        {"c1\t", "c1"},
        {"\xc2\xa0"
         "c 1 ",
         "c 1"},
        {"\xe2\x80\x8b\xef\xbb\xbf"
         "c1\xc2\xad",
         "c1"},
        {"\xe2\x80\x8e\xc3\xa9 ", "\xc3\xa9"},
    };
    static const char *const same[] = {"c1",
                                       "c 1",
                                       ("a\xe2\x80\x8b"
                                        "b"),
                                       " ",
                                       "",
                                       "\xff "};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_string_equal(text_bare(cases[i][0], &arena), cases[i][1]);
    }
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        assert_ptr_equal(text_bare(same[i], &arena), same[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_out_as_people_should_read_them),
        cmocka_unit_test(what_is_clean_is_not_copied),
        cmocka_unit_test(addresses_are_read_as_feeds_mean_them),
        cmocka_unit_test(a_text_is_bare_without_what_cannot_be_seen_at_its_ends),
    };
    return cmocka_run_group_tests_name("texts of shops", tests, NULL, empty_the_arena);
}
