/* Stored states are read where they are exactly what the encoder writes: each has one text, and every other text is refused. Texts end at a wall: what is read
 * behind one ends the test. */
#include "domain/shopper/shopper.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "support/spec.h"

#include <sys/mman.h>

/* Every list, every kind of field, every form of an escape; a text of 16 bytes and one of 32, which fill what they lie in. */
static const char state_text[] =
    "{\"format\":12,\"key\":\"c:anna\",\"carts\":["
    "{\"id\":\"c1\",\"via\":\"x\",\"into\":\"c2\",\"round\":2,\"status\":\"bought\",\"opened_us\":1,"
    "\"changed_us\":2,\"closed_us\":3,\"order_id\":\"o1\",\"left_us\":4,\"recovered\":true,"
    "\"imported\":true,\"released\":[1,0,2],"
    "\"lines\":[[\"p1\",2.5,499,\"EUR\",1,1],[\"p2\",1,null,null,1,2,\"v\",\"l\"],"
    "[\"p3\",0.001,null,null,1,2,null,\"l\"]],"
    "\"adjustments\":[[\"gift\",1,50,\"EUR\",1,1]],\"lines_cut\":7,\"shipping_minor\":5,\"events\":3},"
    "{\"id\":\"c2\",\"round\":1,\"opened_us\":1,\"changed_us\":2}],"
    "\"dropped\":[[\"c3\"],[\"c4\"]],\"mentioned\":[[\"c5\"]],"
    "\"recent\":[[\"searched\",1,null,null],[\"product_viewed\",2,\"p1\",499]],"
    "\"orders\":[[\"o1\",2],[null,3,1,4,5,6,\"c1\"]],"
    "\"bought\":[[\"p1\",2.25],[\"p2\",null,\"v\",1,0.5]],"
    "\"purchases\":[[\"p1\",2],[\"p2\",3],[\"p3\",4],[\"p4\",5],[\"p5\",6],[\"p6\",7]],"
    "\"bindings\":[[\"x\",null,9,1,true],[\"y\",9,null,null,null]],"
    "\"named\":[[\"x\",1,2,1,true],[\"y\"]],\"grounds\":[[\"x\",\"k1\",3],[\"y\",null,4]],\"guessed\":true,"
    "\"consents\":[[\"all\",null,3],[\"sms\",true,4,\"k1\"]],"
    "\"locale\":\"0123456789abcdef\",\"timezone\":\"0123456789abcdef0123456789abcdef\","
    "\"device\":\"\\\"\\\\\\b\\f\\n\\r\\t/\",\"channel\":\"\\u0001\\u0010\\u001f\","
    "\"campaign\":\"\xc3\xa4\xf0\x9f\x9b\x92\",\"events\":10,\"bot\":true,\"at_us\":3,\"at_id\":\"e\"}";
enum { STATE_LEN = sizeof state_text - 1, ROOM = 8192, WALL = 4096 };

static char *wall; /* readable up to here */

static int build_wall(void **state)
{
    (void)state;
    char *pages =
        mmap(NULL, ROOM + WALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    wall = pages + ROOM;
    return pages != MAP_FAILED && mprotect(wall, WALL, PROT_NONE) == 0 ? 0 : -1;
}

static int remove_wall(void **state)
{
    (void)state;
    return munmap(wall - ROOM, ROOM + WALL);
}

/* Whether a text is taken; what is taken is written again byte for byte. */
static bool is_taken(const char *text, size_t len)
{
    CLEANUP(arena_free) struct arena arena = {0};
    CLEANUP(buf_free) struct buf again = buf_make(ROOM);
    struct shopper *s = NULL;
    struct err err = {0};

    assert_true(len <= ROOM);
    if (!shopper_decode(memcpy(wall - len, text, len), len, &arena, &s, &err)) {
        assert_null(s);
        assert_int_equal(err.kind, ERR_INVALID);
        return false;
    }
    shopper_encode(s, &again);
    if (again.len != len || memcmp(again.data, text, len) != 0) {
        fail_msg("taken: %.*s\nand written as: %s", (int)len, text, buf_text(&again));
    }
    return true;
}

static bool is_text_taken(const char *text)
{
    return is_taken(text, strlen(text));
}

static void the_state_itself_is_taken(void **state)
{
    (void)state;
    assert_true(is_taken(state_text, STATE_LEN));
}

static void no_beginning_of_a_state_is_one(void **state)
{
    (void)state;
    for (size_t len = 0; len < STATE_LEN; len++) {
        assert_false(is_taken(state_text, len));
    }
    assert_false(is_text_taken("{\"key\":\"c:\\u00\""));
    assert_false(is_text_taken("{\"key\":\"c:\\u0\""));
    assert_false(is_text_taken("{\"key\":\"c:\\u\""));
    assert_false(is_text_taken("{\"key\":\"c:\\\""));
}

/* Digits, letters of escapes and names, what parts things, and bytes that stand in no text. */
static const char others[] = "0159-.,:\"\\[]{}nutfalsgz \x01\x1f\x7f\x80\xc3\xff";

/* With one byte changed, put in, or left out: refused, or another state with that text. */
static void every_text_is_that_of_one_state(void **state)
{
    char text[STATE_LEN + 2];
    int taken = 0;
    (void)state;

    for (size_t at = 0; at < STATE_LEN; at++) {
        for (size_t i = 0; i < sizeof others; i++) { /* the NUL behind them, too */
            memcpy(text, state_text, STATE_LEN);
            text[at] = others[i];
            taken += is_taken(text, STATE_LEN);
            memmove(text + at + 1, state_text + at, STATE_LEN - at);
            taken += is_taken(text, STATE_LEN + 1);
        }
        memmove(text + at, state_text + at + 1, STATE_LEN - at - 1);
        taken += is_taken(text, STATE_LEN - 1);
    }
    assert_true(taken > 1000); /* numbers and names may be others */
}

/* ---- what has to be there ---- */

static void none_is_taken(const char *const *members, size_t count)
{
    char text[300];

    for (size_t i = 0; i < count; i++) {
        (void)snprintf(text, sizeof text, "{\"key\":\"c:anna\",%s}", members[i]);
        if (is_text_taken(text)) {
            fail_msg("%s was taken", text);
        }
    }
}

static void a_price_has_its_currency_and_a_recent_event_its_type(void **state)
{
    static const char *const lists[] = {
        "\"carts\":[{\"id\":\"c1\",\"round\":1,\"lines\":[[\"p\",1,499,null,1,2]]}]",
        "\"carts\":[{\"id\":\"c1\",\"round\":1,\"lines\":[[\"p\",1,null,\"EUR\",1,2]]}]",
        "\"carts\":[{\"id\":\"c1\",\"round\":1,\"adjustments\":[[\"p\",1,5,null,1,2]]}]",
        "\"recent\":[[null,1,null,null]]",
    };
    (void)state;
    none_is_taken(lists, COUNT_OF(lists));
}

static void what_is_listed_has_a_name(void **state)
{
    static const char *const lists[] = {
        "\"carts\":[{\"round\":1},{\"id\":\"c1\",\"round\":1}]",
        "\"carts\":[{\"id\":\"c1\",\"round\":1},{\"round\":1}]",
        "\"carts\":[{\"id\":\"c1\"},{\"id\":\"c2\",\"round\":1}]",
        "\"carts\":[{\"id\":\"c1\",\"round\":1,\"lines\":[[null,1,null,null,1,2],[\"p\",1,null,null,1,2]]}]",
        "\"carts\":[{\"id\":\"c1\",\"round\":1,\"lines\":[[\"p\",1,null,null,1,2],[null,1,null,null,1,2]]}]",
        "\"carts\":[{\"id\":\"c1\",\"round\":1,\"adjustments\":[[null,1,5,\"EUR\",1,2],[\"p\",1,5,\"EUR\",1,2]]}]",
        "\"dropped\":[[null],[\"c1\"]]",
        "\"dropped\":[[\"c1\"],[null]]",
        "\"mentioned\":[[null],[\"c1\"]]",
        "\"mentioned\":[[\"c1\"],[null]]",
        "\"bought\":[[null,2],[\"p\",2]]",
        "\"bought\":[[\"p\",2],[null,2]]",
        "\"purchases\":[[null,2],[\"p\",2]]",
        "\"purchases\":[[\"p\",2],[null,2]]",
        "\"bindings\":[[null,1,2,1,true],[\"x\",2,3,1,true]]",
        "\"bindings\":[[\"x\",1,2,1,true],[null,2,3,1,true]]",
        "\"named\":[[null,1],[\"x\",1]]",
        "\"named\":[[\"x\",1],[null,1]]",
        "\"grounds\":[[null,null,1],[\"x\",null,1]]",
        "\"grounds\":[[\"x\",null,1],[null,null,1]]",
        "\"consents\":[[null,true,1],[\"sms\",true,1]]",
        "\"consents\":[[\"sms\",true,1],[null,true,1]]",
    };
    (void)state;
    none_is_taken(lists, COUNT_OF(lists));
}

static void a_key_says_who_it_is_and_a_format_is_one_that_is_known(void **state)
{
    char text[100];
    (void)state;

    assert_true(is_text_taken("{\"key\":\"a:x\"}"));
    assert_true(is_text_taken("{\"key\":\"c:\"}"));
    assert_false(is_text_taken("{\"key\":\"b:x\"}"));
    assert_false(is_text_taken("{\"key\":\"c;x\"}"));
    assert_false(is_text_taken("{\"key\":\"c\"}"));
    assert_false(is_text_taken("{\"key\":\"\"}"));
    assert_false(is_text_taken("{\"events\":1}"));
    (void)snprintf(text, sizeof text, "{\"format\":%d,\"key\":\"c:x\"}", SHOPPER_FORMAT);
    assert_true(is_text_taken(text));
    (void)snprintf(text, sizeof text, "{\"format\":%d,\"key\":\"c:x\"}", SHOPPER_FORMAT + 1);
    assert_false(is_text_taken(text));
}

/* ---- bounds ---- */

static void numbers_end_where_differences_of_two_could_overflow(void **state)
{
    static const struct {
        const char *number;
        bool taken;
    } cases[] = {
        {"1", true},
        {"4611686018427387903", true},
        {"4611686018427387904", false},
        {"9223372036854775807", false},
        {"9223372036854775808", false},
        {"18446744073709551617", false},
        {"-1", false},
        {"-0", false},
        {"-", false},
        {"-9223372036854775808", false},
        {"01", false},
        {"0", false},
        {"1.0", false},
        {"", false},
    };
    char text[100];
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)snprintf(text, sizeof text, "{\"key\":\"c:anna\",\"events\":%s}", cases[i].number);
        if (is_text_taken(text) != cases[i].taken) {
            fail_msg("%s", text);
        }
    }
}

/* Thousandths in half of what 64 bits hold, as numbers. */
static void quantities_end_likewise_and_have_three_decimals_at_most(void **state)
{
    static const struct {
        const char *quantity;
        bool taken;
    } cases[] = {
        {"1", true},
        {"0.5", true},
        {"0.05", true},
        {"0.005", true},
        {"0.999", true},
        {"0.0005", false},
        {"0.50", false},
        {"0.500", false},
        {"1.", false},
        {".5", false},
        {"00.5", false},
        {"1.2.3", false},
        {"1.x", false},
        {"1.125", true},
        {"1e3", false},
        {"4611686018427387", true},
        {"4611686018427388", false},
        {"9223372036854776", false},
        {"18446744073709552", false},
    };
    char text[100];
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)snprintf(text, sizeof text, "{\"key\":\"c:anna\",\"bought\":[[\"p\",%s]]}",
                       cases[i].quantity);
        if (is_text_taken(text) != cases[i].taken) {
            fail_msg("%s", text);
        }
    }
}

static void a_currency_is_one_as_money_has_it(void **state)
{
    static const char *const currencies[] = {"\"eur\"", "\"EU\"", "\"EU1\"", "\"EURO\"", "\"EURR\"",
                                             "\"\"",    "EUR",    "1",       "\"E R\""};
    char text[200];
    (void)state;

    for (size_t i = 0; i < COUNT_OF(currencies); i++) {
        (void)snprintf(
            text, sizeof text,
            "{\"key\":\"c:a\",\"carts\":[{\"id\":\"c\",\"round\":1,\"lines\":[[\"p\",1,5,%s,1,1]]}]}",
            currencies[i]);
        if (is_text_taken(text)) {
            fail_msg("%s", text);
        }
    }
}

static void a_list_has_no_more_than_is_kept(void **state)
{
    char text[ROOM];
    (void)state;

    for (int count = CONSENTS_MAX; count <= CONSENTS_MAX + 1; count++) {
        size_t len = (size_t)snprintf(text, sizeof text, "{\"key\":\"c:anna\",\"consents\":[");
        for (int i = 0; i < count; i++) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s[\"k%d\",true,1]",
                                    i == 0 ? "" : ",", i);
        }
        (void)snprintf(text + len, sizeof text - len, "]}");
        assert_int_equal(is_text_taken(text), count == CONSENTS_MAX);
    }
    assert_true(is_text_taken(
        "{\"key\":\"c:a\",\"carts\":[{\"id\":\"c\",\"round\":1,\"released\":[1,2,3]}]}"));
    assert_false(is_text_taken(
        "{\"key\":\"c:a\",\"carts\":[{\"id\":\"c\",\"round\":1,\"released\":[1,2,3,4,5,6,7,8,9]}]}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_itself_is_taken),
        cmocka_unit_test(no_beginning_of_a_state_is_one),
        cmocka_unit_test(every_text_is_that_of_one_state),
        cmocka_unit_test(what_is_listed_has_a_name),
        cmocka_unit_test(a_price_has_its_currency_and_a_recent_event_its_type),
        cmocka_unit_test(a_key_says_who_it_is_and_a_format_is_one_that_is_known),
        cmocka_unit_test(numbers_end_where_differences_of_two_could_overflow),
        cmocka_unit_test(quantities_end_likewise_and_have_three_decimals_at_most),
        cmocka_unit_test(a_currency_is_one_as_money_has_it),
        cmocka_unit_test(a_list_has_no_more_than_is_kept),
    };
    return cmocka_run_group_tests(tests, build_wall, remove_wall);
}
