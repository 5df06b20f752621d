/* Specification of what people see of text, and of names that are one line of what they seem to be. */
#include "base/look.h"

#include "support/spec.h"

// NOLINTNEXTLINE(readability-function-size): a list
static void a_name_is_one_line_of_what_it_seems_to_be(void **state)
{
    static const struct {
        const char *text;
        bool fits;
    } names[] = {
        {"", true},
        {"shop backend, 2026", true},
        {"Caf\xc3\xa9 \xe4\xb8\xad\xe6\x96\x87", true},
        {"a\xc2\xa0:", true},                                   /* no-break space */
        {"\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae", true},         /* Persian, with a non-joiner */
        {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", true}, /* woman, joiner, computer */
        {"\xe2\x9d\xa4\xef\xb8\x8f 1\xef\xb8\x8f\xe2\x83\xa3", true}, /* heart and keycap: varied */
        {"caf\xe9", true},                                            /* not judged */
        {"\xf0\x9f\x91", true},
        {"a\nb", false},
        {"a\rb", false},
        {"a\tb", false},
        {"\x1b[31mred", false},
        {"a\x7f", false},
        {"a\xc2\x9b"
         "31m",
         false}, /* CSI in one character */
        {"a\xc2\x85"
         "b",
         false}, /* NEL */
        {"a\xe2\x80\xa8"
         "b",
         false}, /* line separator */
        {"a\xe2\x80\xa9", false},
        {"a\xe2\x80\xae"
         "b",
         false}, /* right-to-left override */
        {"a\xe2\x81\xa6"
         "b",
         false}, /* isolate */
        {"a\xe2\x80\x8f"
         "b",
         false}, /* right-to-left mark */
        {"a\xd8\x9c"
         "b",
         false}, /* Arabic letter mark */
        {"a\xe2\x80\x8b"
         "b",
         false}, /* zero-width space */
        {"a\xe2\x80\x8d"
         "b",
         false}, /* a joiner between Latin letters */
        {"\xe2\x80\x8c", false},
        {"\xef\xb8\x8f"
         "a",
         false}, /* varies nothing */
        {"a\xc2\xad"
         "b",
         false}, /* soft hyphen */
        {"\xef\xbb\xbf"
         "a",
         false},                      /* byte order mark */
        {"a\xe2\x81\xa0", false},     /* word joiner */
        {"a\xf3\xa0\x81\xa1", false}, /* a tag */
        {"a\xe3\x85\xa4", false},     /* Hangul filler */
        {"a\xe2\xa0\x80", false},     /* empty Braille */
        {"a\xef\xbf\xbf", false},     /* no character */
        {"a\xff\n", false},           /* judged again behind it */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (look_fits_a_line(names[i].text) != names[i].fits) {
            fail_msg("name %zu: %s", i, names[i].text);
        }
    }
}

static void no_control_character_fits(void **state)
{
    (void)state;
    for (int c = 1; c < 0xa0; c++) {
        char text[4] = {'a', 0};
        bool control = c < 0x20 || c >= 0x7f;
        text[1] = (char)(c < 0x80 ? c : 0xc2);
        text[2] = (char)(c < 0x80 ? 0 : c);
        assert_int_equal(look_fits_a_line(text), !control);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_one_line_of_what_it_seems_to_be),
        cmocka_unit_test(no_control_character_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
