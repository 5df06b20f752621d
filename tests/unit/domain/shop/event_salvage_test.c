/* Specification of what is left of an order or a no of which something cannot be taken. */
#include "domain/shop/event_salvage.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json/jdoc.h"
#include "domain/shop/event_kept.h"
#include "domain/shop/event_pack.h"
#include "domain/shop/placeholder.h"
#include "support/spec.h"

#include <string.h>

#define NOW_TEXT "2019-10-01T04:00:00Z"
#define NOW_US   INT64_C(1569902400000000)

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static bool read_it(void *ctx, struct jval doc, struct event *out, struct err *err)
{
    const struct event_sent sent = {.received_us = NOW_US};
    struct arena *a = ctx;

    return placeholders_refuse(doc, NULL, a, err) &&
           event_decode(doc, ORIGIN_API, sent, a, out, err);
}

/* An event of the type with an id and a time, and what else it has. */
static const char *an_event_of(const char *type, const char *members)
{
    return arena_printf(&arena,
                        "{\"event_id\":\"e1\",\"type\":\"%s\",\"occurred_at\":\"" NOW_TEXT "\",%s}",
                        type, members);
}

static bool salvaged_of(const char *text, int64_t received_us, struct salvaged *out)
{
    struct event whole;
    struct err err = {0};
    struct jdoc doc;

    assert_true(jdoc_read(&doc, text, strlen(text), &arena, &err));
    assert_false(read_it(&arena, doc.root, &whole, &err)); /* else there is nothing to do */
    const bool good = event_salvage(doc.root, read_it, &arena, received_us, &arena, out);
    jdoc_free(&doc);
    return good;
}

static bool salvaged(const char *text, struct salvaged *out)
{
    return salvaged_of(text, NOW_US, out);
}

/* Where something was left out: "/items/0/quantity /cart_id". */
static const char *left_out(const struct salvaged *s)
{
    const char *all = "";

    for (size_t i = 0; i < s->warning_count; i++) {
        if (strcmp(s->warnings[i].code, "left_out") == 0) {
            all = arena_printf(&arena, "%s%s%s", all, all[0] == '\0' ? "" : " ",
                               s->warnings[i].pointer);
            assert_text_contains(s->warnings[i].detail, "left out");
        }
    }
    return all;
}

/* The body that is stored says the same, nothing in it is wrong, and it stands for the event that was sent. */
static void assert_body_says(const struct salvaged *s)
{
    struct event again;
    struct err err = {0};

    if (!event_decode_log(s->body, strlen(s->body), ORIGIN_API,
                          (struct event_times){NOW_US, NOW_US}, &arena, &again, &err)) {
        fail_msg("%s: %s %s", s->body, err.path, err.text);
    }
    assert_string_equal(event_key(&again, &arena), event_key(&s->event, &arena));
    assert_int_equal(again.item_count, s->event.item_count);
    assert_int_equal(event_withdraws(&again), event_withdraws(&s->event));
    assert_string_equal(again.event_id, s->row_id);
    assert_string_equal(again.sort_id, s->event.event_id);
    assert_true(again.stands_in);
    assert_int_equal(again.lines_left_out, s->event.lines_left_out);
}

static bool kept_of(const char *key, const char *type, const char *body, struct event *out)
{
    struct event_form sent = {.event_id = "e1",
                              .key = key,
                              .type = type,
                              .occurred_us = NOW_US,
                              .body = body,
                              .body_len = strlen(body)};
    struct event_kept kept = {.columns = sent, .origin = ORIGIN_SQL, .received_us = NOW_US};
    struct err err = {0};

    event_pack(&sent, &arena, &kept.packed);
    return event_decode_kept(&kept, &arena, out, &err);
}

#define ANNA "\"customer_id\":\"anna\","
#define LINE "{\"product_id\":\"p1\",\"quantity\":1,\"price_minor\":1000,\"currency\":\"EUR\"}"

/* What the log says, and what came there by SQL and is read without it. */
static void assert_unread_lines(const char *members, bool unread)
{
    const char *order = an_event_of("purchase", arena_printf(&arena, ANNA "%s", members));
    struct salvaged s;
    struct event kept;

    assert_true(salvaged(order, &s));
    assert_int_equal(s.event.lines_left_out, unread);
    assert_body_says(&s);
    assert_true(kept_of("c:anna", "purchase", order, &kept));
    assert_int_equal(kept.lines_left_out, unread);
}

static void an_order_with_something_wrong_is_an_order_of_the_rest(void **state)
{
    static const struct {
        const char *members;
        const char *gone;
        size_t lines;
    } orders[] = {
        {ANNA "\"items\":[" LINE ",{\"product_id\":null}]", "/items/1", 1},
        {ANNA "\"items\":[{\"product_id\":\"\"},7," LINE ",{\"product_id\":5.5}]",
         "/items/0 /items/1 /items/3", 1},
        {ANNA "\"items\":[{\"product_id\":\"p1\",\"quantity\":-1}]", "/items/0/quantity", 1},
        {ANNA "\"items\":[{\"product_id\":\"p1\",\"quantity\":\"2\",\"variant_id\":5.5}]",
         "/items/0/quantity /items/0/variant_id", 1},
        {ANNA "\"items\":[{\"product_id\":\"p1\",\"price_minor\":5,\"currency\":\"eur\"}]",
         "/items/0/currency", 1},
        {ANNA "\"items\":[{\"product_id\":\"p1\",\"price_minor\":5,\"currency\":\"E\"}]",
         "/items/0/currency", 1},
        {ANNA "\"items\":[{\"product_id\":\"p1\",\"price_minor\":5}]", "/items/0/currency", 1},
        {ANNA "\"items\":[{\"product_id\":\"p1\",\"price_minor\":10.5,\"currency\":\"EUR\"}]",
         "/items/0/price_minor", 1},
        {ANNA "\"items\":[{\"product_id\":\"p1\",\"title\":\"x\"}]", "/items/0/title", 1},
        {ANNA "\"items\":\"p1\"", "/items", 0},
        {ANNA "\"items\":[{\"quantity\":1}]", "/items/0", 0},
        {ANNA "\"order_id\":5.5", "/order_id", 0},
        {ANNA "\"session_id\":[7],\"order_id\":\"o\"", "/session_id", 0},
        {ANNA "\"anonymous_id\":\"undefined\"", "/anonymous_id", 0},
        {ANNA "\"anonymous_id\":\"\",\"cart_id\":\"0\"", "/cart_id /anonymous_id", 0},
        {"\"anonymous_id\":\"x\",\"customer_id\":\"undefined\"", "/customer_id", 0},
        {"\"anonymous_id\":\"x\",\"customer_id\":\"\"", "/customer_id", 0},
        {"\"anonymous_id\":\"x\",\"customer_id\":0", "/customer_id", 0},
        {ANNA "\"anonymous_id\":{\"id\":\"x\"}", "/anonymous_id", 0},
        {ANNA "\"cart_id\":true,\"order_id\":7", "/cart_id", 0},
        {ANNA "\"total_minor\":1000,\"email\":\"a@b.c\"", "/total_minor /email", 0},
        {ANNA "\"context\":{\"locale\":5,\"a\":{\"b\":1}}", "/context/locale", 0},
        {ANNA "\"context\":7,\"properties\":[]", "/context /properties", 0},
        {ANNA "\"sent_at\":\"now\"", "/sent_at", 0},
        {ANNA "\"a/b~c\":1", "/a~1b~0c", 0},
    };
    (void)state;

    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        const char *text = an_event_of("purchase", orders[i].members);
        struct salvaged s;
        if (!salvaged(text, &s)) {
            fail_msg("%s: nothing is left", text);
        }
        assert_int_equal(s.event.type, EVENT_PURCHASE);
        assert_int_equal(s.event.item_count, orders[i].lines);
        assert_string_equal(left_out(&s), orders[i].gone);
        assert_body_says(&s);
    }
}

static void what_is_right_of_it_stays(void **state)
{
    struct salvaged s;
    (void)state;

    assert_true(
        salvaged(an_event_of("purchase", ANNA
                             "\"cart_id\":\"k\",\"order_id\":\"o\",\"nonsense\":1,\"properties\":{"
                             "\"total_minor\":990,\"mine\":[1.5,\"\\u00e4\",null,true]},"
                             "\"items\":[" LINE "]"),
                 &s));
    assert_string_equal(s.event.cart_id, "k");
    assert_string_equal(s.event.order_id, "o");
    assert_int_equal(s.event.amount_minor, 990);
    assert_int_equal(s.event.items[0].price_minor, 1000);
    assert_text_contains(s.body, "\"mine\":[1.5,\"\xc3\xa4\",null,true]");
}

static void without_who_and_which_nothing_is_left(void **state)
{
    static const char *const none[] = {
        ("{\"event_id\":\"e1\",\"type\":\"purchase\",\"occurred_at\":\"" NOW_TEXT "\"}"),
        ("{\"event_id\":7.5,\"type\":\"purchase\",\"customer_id\":\"anna\",\"occurred_at\":\"" NOW_TEXT
         "\"}"),
        ("{\"event_id\":\"e1\",\"type\":\"purchase\",\"customer_id\":\"undefined\",\"occurred_"
         "at\":\"" NOW_TEXT "\"}"),
        ("{\"event_id\":\"e1\",\"type\":[\"purchase\"],\"customer_id\":\"anna\",\"occurred_at\":\"" NOW_TEXT
         "\"}"),
    };
    struct salvaged s;
    (void)state;

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_false(salvaged(none[i], &s));
    }
}

static void of_other_types_nothing_is_left(void **state)
{
    static const char *const types[] = {"cart_item_added", "cart_snapshot", "consent_given",
                                        "identify",        "renewal",       "of_my_own"};
    struct salvaged s;
    (void)state;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_false(salvaged(an_event_of(types[i], ANNA "\"anonymous_id\":\"x\",\"items\":[" LINE
                                                         "],\"cart_id\":false"),
                              &s));
    }
}

static void a_no_with_something_wrong_is_one_for_every_channel_that_cannot_be_read(void **state)
{
    static const char *const noes[] = {
        "\"channel\":\"email\"", "\"properties\":{\"channel\":[\"email\",\"sms\"]}",
        "\"properties\":{\"channel\":\"\"}", "\"cart_id\":false", "\"items\":[{}]"};
    (void)state;

    for (size_t i = 0; i < sizeof noes / sizeof noes[0]; i++) {
        struct salvaged s;
        assert_true(salvaged(
            an_event_of("consent_withdrawn", arena_printf(&arena, ANNA "%s", noes[i])), &s));
        assert_true(event_withdraws(&s.event));
        assert_null(s.event.subject);
        assert_body_says(&s);
    }
}

static void a_chat_message_counts_where_it_says_no_and_else_is_refused(void **state)
{
    static const struct {
        const char *members;
        bool no;
    } chats[] = {
        {"\"properties\":{\"text\":\"STOP\"},\"cart_id\":false", true},
        {"\"text\":\"STOP\"", true},
        {"\"body\":{\"text\":\"Unsubscribe!\"}", true},
        {"\"opt_out\":\"true\"", true},
        {"\"optOut\":1", true},
        {"\"opt_out\":\"false\"", false},
        {"\"text\":\"which size is this?\"", false},
        {"\"properties\":{\"text\":\"hello\"},\"cart_id\":false", false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof chats / sizeof chats[0]; i++) {
        struct salvaged s;
        const char *text =
            an_event_of("chat_message", arena_printf(&arena, ANNA "%s", chats[i].members));
        assert_int_equal(salvaged(text, &s), chats[i].no);
        assert_int_equal(s.event.opt_out, chats[i].no);
        if (chats[i].no) {
            assert_body_says(&s);
        }
    }
}

/* It would fall on whoever was logged in in that browser before. */
static void an_order_of_a_customer_who_cannot_be_read_is_nobody_elses(void **state)
{
    static const char *const customers[] = {"{\"id\":12}", "12.5", "true", "[\"c\"]", "\"a\\nb\""};
    (void)state;

    for (size_t i = 0; i < sizeof customers / sizeof customers[0]; i++) {
        struct salvaged s;
        const char *who =
            arena_printf(&arena, "\"anonymous_id\":\"x\",\"customer_id\":%s", customers[i]);
        assert_false(salvaged(an_event_of("purchase", who), &s));
        /* a no too many costs a message */
        assert_true(salvaged(an_event_of("consent_withdrawn", who), &s));
        assert_string_equal(event_key(&s.event, &arena), "a:x");
        assert_string_equal(left_out(&s), "/customer_id");
        assert_true(salvaged(
            an_event_of("chat_message", arena_printf(&arena, "\"opt_out\":true,%s", who)), &s));
        assert_string_equal(event_key(&s.event, &arena), "a:x");
        assert_true(salvaged(an_event_of("unsub", who), &s)); /* by its name */
        assert_string_equal(event_key(&s.event, &arena), "a:x");
        assert_true(event_withdraws(&s.event));
        assert_body_says(&s);
        assert_false(salvaged(an_event_of("unsubscribed_from_a_list", who), &s));
    }
}

static void a_no_is_salvaged_wherever_it_is_heard(void **state)
{
    static const struct {
        const char *type;
        const char *members;
        bool no;
    } events[] = {
        {"identify", "\"anonymous_id\":\"x\",\"opt_out\":true,\"email\":\"a@b.c\"", true},
        {"identify", "\"anonymous_id\":\"x\",\"opt_out\":\"yes\"", true},
        {"alias", "\"anonymous_id\":\"x\",\"properties\":{\"opt_out\":1},\"cart_id\":{}", true},
        {"of_my_own", "\"properties\":{\"unsubscribed\":true},\"items\":7", true},
        {"of_my_own", "\"unsubscribed\":true", true},
        {"unsub", "\"nonsense\":1", true},
        {"identify", "\"anonymous_id\":\"x\",\"email\":\"a@b.c\"", false},
        {"of_my_own", "\"properties\":{\"unsubscribed\":false},\"items\":7", false},
        {"cart_snapshot", "\"items\":[],\"opt_out\":true", false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct salvaged s;
        const char *text =
            an_event_of(events[i].type, arena_printf(&arena, ANNA "%s", events[i].members));
        if (salvaged(text, &s) != events[i].no) {
            fail_msg("%s", text);
        }
        assert_int_equal(s.event.opt_out && events[i].no, events[i].no);
        if (events[i].no) {
            assert_string_equal(s.event.type_name, events[i].type);
            assert_body_says(&s);
        }
    }
}

/* It must not be left a yes by what is left out of it. */
static void a_consent_that_is_refused_is_salvaged_as_one_that_is_withdrawn(void **state)
{
    static const struct {
        const char *members;
        bool no;
    } events[] = {
        {"\"properties\":{\"channel\":\"email\",\"granted\":false},\"cart_id\":{}", true},
        {"\"granted\":false", true},
        {"\"opt_out\":true", true},
        {"\"properties\":{\"granted\":true},\"cart_id\":{}", false},
        {"\"nonsense\":1", false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct salvaged s;
        const char *text =
            an_event_of("consent_given", arena_printf(&arena, ANNA "%s", events[i].members));
        if (salvaged(text, &s) != events[i].no) {
            fail_msg("%s", text);
        }
        if (events[i].no) {
            assert_int_equal(s.event.type, EVENT_CONSENT_WITHDRAWN);
            assert_body_says(&s);
        }
    }
}

static void a_no_that_is_left_out_by_its_name_is_told_to_be_one(void **state)
{
    struct salvaged s;
    (void)state;

    assert_true(
        salvaged(an_event_of("chat_message", ANNA "\"unsubscribed\":true,\"nonsense\":1"), &s));
    assert_string_equal(left_out(&s), "/unsubscribed /nonsense");
    assert_text_contains(s.warnings[0].detail, "taken for a no");
    assert_null(strstr(s.warnings[1].detail, "taken for a no"));
}

static void a_login_without_one_of_its_two_is_no_more_than_its_no(void **state)
{
    static const struct {
        const char *members;
        const char *key;
    } logins[] = {
        {"\"customer_id\":\"anna\",\"opt_out\":true", "c:anna"},
        {"\"customer_id\":\"anna\",\"anonymous_id\":\"null\",\"opt_out\":true", "c:anna"},
        {"\"anonymous_id\":\"x\",\"properties\":{\"opt_out\":true,\"channel\":\"web\"}", "a:x"},
        {"\"customer_id\":{},\"anonymous_id\":\"x\",\"opt_out\":true", "a:x"},
    };
    struct salvaged s;
    (void)state;

    for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++) {
        assert_true(salvaged(an_event_of("identify", logins[i].members), &s));
        assert_int_equal(s.event.type, EVENT_CHAT_MESSAGE);
        assert_true(s.event.opt_out);
        assert_null(s.event.subject);
        assert_string_equal(event_key(&s.event, &arena), logins[i].key);
        assert_body_says(&s);
    }
    assert_false(salvaged(an_event_of("identify", "\"customer_id\":\"anna\""), &s));
    assert_false(salvaged(an_event_of("alias", "\"opt_out\":true"), &s));
}

/* ---- when ---- */

#define LATER_US (NOW_US + INT64_C(77123456))

static const char *at(const char *type, const char *time, const char *members)
{
    return arena_printf(
        &arena,
        "{\"event_id\":\"e1\",\"type\":\"%s\",\"customer_id\":\"anna\",%s%s\"properties\":{}}",
        type, time, members);
}

static void what_happened_at_a_time_that_is_none_had_happened_when_it_came(void **state)
{
    static const char *const times[] = {
        "",
        "\"occurred_at\":null,",
        "\"occurred_at\":\"2019-10-01 04:00:00Z\",",
        "\"occurred_at\":\"2019-10-01T04:00:00\",",
        "\"occurred_at\":1569902400,",
        "\"occurred_at\":\"2019-10-03T04:00:00Z\",",
        "\"occurred_at\":\"1970-01-01T00:00:00Z\",",
        "\"occurred_at\":\"\",\"sent_at\":\"2019-10-01T04:05:00Z\",",
    };
    static const char *const types[] = {"purchase", "consent_withdrawn", "chat_message",
                                        "identify"};
    (void)state;

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
            struct salvaged s;
            const char *no = t < 2 ? "" : "\"opt_out\":true,\"anonymous_id\":\"x\",";
            assert_true(salvaged(at(types[t], times[i], no), &s));
            assert_int_equal(s.event.occurred_us, NOW_US);
            assert_string_equal(left_out(&s), "/occurred_at");
            assert_text_contains(s.warnings[0].detail, "from when it came in");
        }
    }
}

static void an_order_tells_that_of_its_lines_some_could_not_be_read(void **state)
{
    (void)state;
    assert_unread_lines("\"items\":[" LINE ",{\"product_id\":5.5}]", true);
    assert_unread_lines("\"items\":[{\"product_id\":\"p1\",\"quantity\":\"3\"}]", true);
    assert_unread_lines("\"items\":[{\"product_id\":\"p1\",\"qty\":3}]", true);
    assert_unread_lines("\"items\":[" LINE ",7]", true);
    assert_unread_lines("\"items\":[{\"product_id\":\"p1\",\"price_minor\":5}]", false);
    assert_unread_lines("\"nonsense\":1,\"items\":[" LINE "]", false);
}

static void only_the_log_says_that_something_stands_for_another(void **state)
{
    struct salvaged s;
    struct event e;
    struct err err = {0};
    (void)state;

    assert_true(salvaged(an_event_of("purchase", ANNA "\"nonsense\":1"), &s));
    assert_false(event_decode_text(s.body, strlen(s.body), ORIGIN_API, NOW_US, &arena, &e, &err));
    assert_string_equal(err.path, "/event_id");
    const char *forged = an_event_of("purchase", ANNA "\"stands_for\":\"e0\"");
    assert_true(salvaged(forged, &s));
    assert_string_equal(left_out(&s), "/stands_for");
    assert_true(
        kept_of("c:anna", "purchase", forged, &e)); /* by SQL: nothing but a member too many */
    assert_false(e.stands_in);
    assert_string_equal(e.sort_id, "e1");
}

/* Retried a minute later it is the same event, and in the log it is read as of its row. */
static void its_body_says_no_time_and_the_row_says_it(void **state)
{
    const char *text = at("purchase", "\"occurred_at\":\"yesterday\",", "");
    struct salvaged first;
    struct salvaged again;
    struct event e;
    struct err err = {0};
    (void)state;

    assert_true(salvaged(text, &first));
    assert_true(salvaged_of(text, LATER_US, &again));
    assert_string_equal(first.body, again.body);
    assert_null(strstr(first.body, "occurred_at"));
    assert_true(event_decode_log(first.body, strlen(first.body), ORIGIN_API,
                                 (struct event_times){NOW_US, LATER_US}, &arena, &e, &err));
    assert_int_equal(e.occurred_us, NOW_US);
    assert_int_equal(e.type, EVENT_PURCHASE);
}

static void nothing_else_is_taken_without_its_time(void **state)
{
    static const char time[] = "\"occurred_at\":\"yesterday\",";
    struct salvaged s;
    (void)state;

    assert_false(salvaged(at("cart_snapshot", time, "\"items\":[],"), &s));
    assert_false(salvaged(at("consent_given", time, ""), &s));
    assert_false(salvaged(at("order_cancelled", time, "\"order_id\":\"o\","), &s));
    assert_false(salvaged(at("chat_message", time, ""), &s));
    /* of a file, which tells what was long ago */
    assert_false(salvaged_of(at("purchase", time, ""), 0, &s));
}

static void ids_that_are_numbers_are_texts_of_what_is_left(void **state)
{
    struct salvaged s;
    (void)state;

    assert_true(
        salvaged(an_event_of("purchase", "\"customer_id\":17,\"order_id\":1234,\"nonsense\":4.9,"
                                         "\"items\":[{\"product_id\":5,\"quantity\":0.35}]"),
                 &s));
    assert_string_equal(s.event.customer_id, "17");
    assert_text_contains(s.body, "\"customer_id\":\"17\"");
    assert_text_contains(s.body, "\"order_id\":\"1234\"");
    assert_text_contains(s.body, "\"product_id\":\"5\",\"quantity\":0.35}");
    assert_string_equal(s.warnings[0].code, "left_out");
    assert_string_equal(s.warnings[1].pointer, "/customer_id");
    assert_string_equal(s.warnings[1].code, "id_as_number");
}

static void an_order_of_many_lines_that_are_wrong_is_one_without_any(void **state)
{
    const char *lines = "{}";
    struct salvaged s;
    (void)state;

    for (int i = 0; i < 40; i++) {
        lines = arena_printf(&arena, "%s,{}", lines);
    }
    assert_true(
        salvaged(an_event_of("purchase", arena_printf(&arena, ANNA "\"items\":[%s]", lines)), &s));
    assert_int_equal(s.event.item_count, 0);
    assert_int_equal(s.warning_count, EVENT_WARNINGS_MAX);
}

/* ---- what came by SQL ---- */

static void an_order_of_the_log_is_read_without_what_is_wrong(void **state)
{
    const char *wrong = ANNA "\"cart_id\":\"k\",\"items\":[" LINE ",{\"product_id\":null}]";
    struct event e = {0};
    (void)state;

    assert_true(kept_of("c:anna", "purchase", an_event_of("purchase", wrong), &e));
    assert_int_equal(e.type, EVENT_PURCHASE);
    assert_int_equal(e.item_count, 1);
    assert_string_equal(e.cart_id, "k");
    assert_false(kept_of("c:anna", "cart_snapshot", an_event_of("cart_snapshot", wrong), &e));
    /* a row lies with one shopper, and is nobody else's */
    const char *no = "\"opt_out\":true,\"customer_id\":[12],\"anonymous_id\":\"x\"";
    assert_true(kept_of("a:x", "chat_message", an_event_of("chat_message", no), &e));
    assert_false(kept_of("c:12", "chat_message", an_event_of("chat_message", no), &e));
}

/* append_events has left out what is no id, and takes their time for that of their arrival. */
static void so_is_a_no_by_whatever_name(void **state)
{
    static const struct {
        const char *type, *members;
    } noes[] = {
        {"unsub", "\"sent_at\":\"x\",\"anonymous_id\":\"x\""},
        {"opted_out", "\"occurred_at\":5,\"anonymous_id\":\"x\""},
        {"identify", "\"anonymous_id\":\"x\",\"properties\":{\"optOut\":true}"},
        {"identify", "\"anonymous_id\":\"x\",\"properties\":{\"opt_out\":\"true\"},\"sent_at\":5"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof noes / sizeof noes[0]; i++) {
        struct event e = {0};
        const char *body = arena_printf(&arena, "{\"event_id\":\"e1\",\"type\":\"%s\",%s}",
                                        noes[i].type, noes[i].members);
        assert_true(kept_of("a:x", noes[i].type, body, &e));
        assert_true(event_withdraws(&e));
        assert_int_equal(e.occurred_us, NOW_US);
    }
}

static void so_is_one_that_was_handed_to_whom_its_browser_belongs(void **state)
{
    CLEANUP(buf_free) struct buf body = buf_make(1 << 16);
    const char *order = an_event_of(
        "purchase", "\"anonymous_id\":\"x\",\"items\":[{\"product_id\":\"p1\",\"quantity\":-1}]");
    const struct forwarding f = {.id = "cartwright:fwd:1",
                                 .owner = "anna",
                                 .via = "x",
                                 .body = order,
                                 .body_len = strlen(order),
                                 .origin = ORIGIN_SQL,
                                 .times = {NOW_US, NOW_US}};
    struct event_form sent = {.event_id = f.id, .key = "c:anna", .occurred_us = NOW_US};
    struct event e = {0};
    struct err err = {0};
    (void)state;

    sent.type = event_type_name(EVENT_DERIVED_FORWARDED);
    event_encode_forwarded(&body, &f);
    sent.body = body.data;
    sent.body_len = body.len;
    struct event_kept kept = {.columns = sent, .origin = ORIGIN_DERIVED, .received_us = NOW_US};
    event_pack(&sent, &arena, &kept.packed);
    assert_true(event_decode_kept(&kept, &arena, &e, &err));
    assert_int_equal(e.type, EVENT_PURCHASE);
    assert_int_equal(e.item_count, 1);
    assert_string_equal(e.via, "x");
    assert_string_equal(e.customer_id, "anna");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_with_something_wrong_is_an_order_of_the_rest),
        cmocka_unit_test(what_is_right_of_it_stays),
        cmocka_unit_test(without_who_and_which_nothing_is_left),
        cmocka_unit_test(of_other_types_nothing_is_left),
        cmocka_unit_test(a_no_with_something_wrong_is_one_for_every_channel_that_cannot_be_read),
        cmocka_unit_test(a_chat_message_counts_where_it_says_no_and_else_is_refused),
        cmocka_unit_test(an_order_of_a_customer_who_cannot_be_read_is_nobody_elses),
        cmocka_unit_test(a_no_is_salvaged_wherever_it_is_heard),
        cmocka_unit_test_teardown(a_consent_that_is_refused_is_salvaged_as_one_that_is_withdrawn,
                                  forget),
        cmocka_unit_test(a_no_that_is_left_out_by_its_name_is_told_to_be_one),
        cmocka_unit_test(a_login_without_one_of_its_two_is_no_more_than_its_no),
        cmocka_unit_test(what_happened_at_a_time_that_is_none_had_happened_when_it_came),
        cmocka_unit_test(an_order_tells_that_of_its_lines_some_could_not_be_read),
        cmocka_unit_test(only_the_log_says_that_something_stands_for_another),
        cmocka_unit_test(its_body_says_no_time_and_the_row_says_it),
        cmocka_unit_test(nothing_else_is_taken_without_its_time),
        cmocka_unit_test(ids_that_are_numbers_are_texts_of_what_is_left),
        cmocka_unit_test(an_order_of_many_lines_that_are_wrong_is_one_without_any),
        cmocka_unit_test(an_order_of_the_log_is_read_without_what_is_wrong),
        cmocka_unit_test(so_is_a_no_by_whatever_name),
        cmocka_unit_test(so_is_one_that_was_handed_to_whom_its_browser_belongs),
    };
    return cmocka_run_group_tests_name("event_salvage", tests, NULL, forget);
}
