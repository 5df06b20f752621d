/* Both readers of JSON on made-up events, and on what is left of them when bytes are changed: the one pass and jansson's
 * tree say the same of every one. */
#include "base/buf.h"
#include "base/rng.h"
#include "support/at_length.h"
#include "support/event_twice.h"
#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { CASES = 20000, CASES_LONG = 200000 };
#else
enum { CASES = 200000, CASES_LONG = 10000000 };
#endif

#define NOW_US INT64_C(1569902400000000)

struct maker {
    struct rng rng;
    struct buf out;
};

static size_t below(struct maker *m, size_t bound)
{
    return (size_t)rng_below(&m->rng, bound);
}

static bool one_in(struct maker *m, size_t n)
{
    return below(m, n) == 0;
}

static void put(struct maker *m, const char *text)
{
    buf_add_str(&m->out, text);
}

static void put_one(struct maker *m, const char *const *list, size_t count)
{
    put(m, list[below(m, count)]);
}
#define PUT_ONE(m, list) put_one((m), (list), COUNT_OF(list))

/* Now and then, wherever JSON allows it. */
static void put_space(struct maker *m)
{
    static const char *const spaces[] = {" ", "\n", "\t", "\r\n", "  "};

    if (one_in(m, 6)) {
        PUT_ONE(m, spaces);
    }
}

/* ---- values ---- */

static const char *const strings[] = {
    "\"anna\"",       "\"b-17\"",           "\"\"",
    "\"undefined\"",  "\"null\"",           "\"guest\"",
    "\"a\\tb\"",      "\"caf\xc3\xa9\"",    "\"caf\\u00e9\"",
    "\"\\u0061nna\"", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"",
    "\"x\\\\\"",      "\"\\\"\\/\\b\"",     "\"\x7f\"",
    "\"renewal\"",    "\"STOP\"",           "\"EUR\"",
    "\"eur\"",        "\"{{ id }}\"",       "\"cartwright:x\"",
};

static const char *const numbers[] = {
    "0",
    "-0",
    "1",
    "7",
    "-3",
    "2.0",
    "0.35",
    "0.0004",
    "1e2",
    "1E+2",
    "123e-2",
    "9.2e18",
    "-9.2e18",
    "1e300",
    "1e-307",
    "9223372036854775807",
    "-9223372036854775808",
    "9007199254740991.0",
    "9007199254740992.0",
    "100000",
    "100000.001",
    "1000000000000",
    "1000000000001",
    "0.30000000000000004",
    "99999999999999999999999999999999.5",
};

static const char *const others[] = {"true", "false", "null", "[]", "{}", "[1,2]"};

/* No JSON, or none that is taken. */
static const char *const broken[] = {
    "\"\\ud83d\"",
    "\"\\ude00\"",
    "\"\\ud83d\\u0041\"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "\"\xed\xa0\x80\"",
    "\"\xc0\xaf\"",
    "\"a\nb\"",
    "\"\\x41\"",
    "1e-308",
    "1e308",
    "9223372036854775808",
    "-9223372036854775809",
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "+1",
    "True",
    "nul",
    "[1,]",
    "{,}",
    "{\"a\":1,\"\\u0061\":2}",
};

static const char *const times[] = {
    "\"2019-10-01T03:00:00Z\"",       "\"2019-09-30T23:59:59.123456+02:00\"",
    "\"2019-10-02T03:00:00Z\"",       "\"2019-10-03T03:00:00Z\"",
    "\"1999-12-31T23:59:59Z\"",       "\"2019-10-01\"",
    "\"2019-10-01T03:5\\u0039:00Z\"", "1569902400",
};

static void put_string_of(struct maker *m, size_t len)
{
    put(m, "\"");
    for (size_t i = 0; i < len; i++) {
        put(m, "x");
    }
    put(m, "\"");
}

static void put_scalar(struct maker *m)
{
    if (one_in(m, 40)) {
        PUT_ONE(m, broken);
        return;
    }
    switch (below(m, 8)) {
    case 0:
    case 1:
    case 2:
        PUT_ONE(m, numbers);
        break;
    case 3:
        PUT_ONE(m, others);
        break;
    case 4:
        put_string_of(m, below(m, 310));
        break;
    default:
        PUT_ONE(m, strings);
    }
}

static const char *const own_names[] = {"x",    "page", "query",   "step", "code",
                                        "text", "kind", "\\u0078", ""};

/* Any value: a scalar, or some of it in arrays and objects, down to and past the levels that are allowed. */
static void put_any(struct maker *m)
{
    size_t levels = one_in(m, 12) ? below(m, 19) : below(m, 4);
    uint64_t arrays = rng_u64(&m->rng);

    for (size_t i = 0; i < levels; i++) {
        if ((arrays >> i & 1) != 0) {
            put(m, "[");
        } else {
            put(m, "{\"");
            PUT_ONE(m, own_names);
            put(m, "\":");
        }
    }
    put_scalar(m);
    for (size_t i = levels; i-- > 0;) {
        put(m, (arrays >> i & 1) != 0 ? "]" : "}");
    }
}

/* ---- members ---- */

struct member {
    const char *name;
    void (*put)(struct maker *m);
    size_t one_in; /* is there */
};

static void put_members(struct maker *m, const struct member *members, size_t count)
{
    static const char *const foreign[] = {"userId", "timestamp", "sku",        "qty",
                                          "event",  "a/b~c",     "custmer_id", "x"};
    size_t first = below(m, count); /* the order differs */
    bool some = false;

    put(m, "{");
    for (size_t i = 0; i <= count; i++) {
        bool odd = i == count;
        const struct member *is = &members[(first + i) % count];
        if (!one_in(m, odd ? 25 : is->one_in)) {
            continue;
        }
        put(m, some ? "," : "");
        some = true;
        put_space(m);
        put(m, "\"");
        put(m, odd ? foreign[below(m, COUNT_OF(foreign))] : is->name);
        put(m, "\"");
        put_space(m);
        put(m, ":");
        put_space(m);
        if (odd || one_in(m, 40)) {
            put_any(m);
        } else {
            is->put(m);
        }
        put_space(m);
    }
    put(m, "}");
}

static void put_id(struct maker *m)
{
    static const char *const ids[] = {"\"e-1\"", "\"anna\"", "\"7f3a\"", "\"caf\xc3\xa9\"",
                                      "\"\\u0065\""};

    if (one_in(m, 30)) {
        put_string_of(m, 198 + below(m, 5));
    } else if (one_in(m, 30)) {
        put_scalar(m);
    } else {
        PUT_ONE(m, ids);
    }
}

static void put_type_between(struct maker *m, enum event_type first, enum event_type behind)
{
    size_t one = (size_t)first + below(m, (size_t)behind - (size_t)first);
    size_t any = 1 + below(m, EVENT_TYPE_COUNT - 1);

    put(m, "\"");
    put(m, one_in(m, 20) ? "game_played"
                         : event_type_name((enum event_type)(one_in(m, 10) ? any : one)));
    put(m, "\"");
}

static void put_type(struct maker *m)
{
    put_type_between(m, EVENT_UNKNOWN + 1, EVENT_DERIVED_SHOPPER_BOUND);
}

static void put_derived_type(struct maker *m)
{
    put_type_between(m, EVENT_DERIVED_SHOPPER_BOUND, EVENT_TYPE_COUNT);
}

static void put_time(struct maker *m)
{
    put(m, one_in(m, 12) ? times[below(m, COUNT_OF(times))] : times[0]);
}

static void put_context(struct maker *m)
{
    static const struct member members[] = {{"locale", put_id, 2},  {"timezone", put_id, 3},
                                            {"device", put_id, 3},  {"user_agent", put_id, 4},
                                            {"channel", put_id, 9}, {"own", put_any, 4}};

    put_members(m, members, COUNT_OF(members));
}

static void put_amount(struct maker *m)
{
    put(m, numbers[below(m, 8)]);
}

static void put_properties(struct maker *m)
{
    static const struct member members[] = {
        {"page", put_scalar, 3},        {"query", put_scalar, 3}, {"step", put_scalar, 3},
        {"code", put_scalar, 3},        {"text", put_scalar, 3},  {"kind", put_scalar, 5},
        {"channel", put_id, 5},         {"reason", put_id, 5},    {"cost_minor", put_amount, 4},
        {"total_minor", put_amount, 4}, {"own", put_any, 2}};

    put_members(m, members, COUNT_OF(members));
}

static void put_currency(struct maker *m)
{
    put(m, one_in(m, 20) ? "\"eur\"" : "\"EUR\"");
}

static void put_quantity(struct maker *m)
{
    static const char *const quantities[] = {"1", "2", "0.35", "3.0", "0", "100000", "0.3335"};

    PUT_ONE(m, quantities);
}

static void put_price(struct maker *m)
{
    static const char *const prices[] = {"4999", "100.0", "1", "1000000000000", "-500", "9.99"};

    put(m, prices[one_in(m, 5) ? below(m, COUNT_OF(prices)) : 0]);
}

static void put_items(struct maker *m)
{
    static const struct member members[] = {
        {"product_id", put_id, 1},     {"quantity", put_quantity, 2}, {"price_minor", put_price, 2},
        {"currency", put_currency, 1}, {"variant_id", put_id, 4},     {"line_id", put_id, 5}};
    size_t count = one_in(m, 50) ? 40 : below(m, 4);

    put(m, "[");
    for (size_t i = 0; i < count; i++) {
        put(m, i > 0 ? "," : "");
        if (one_in(m, 60)) {
            put_scalar(m);
        } else {
            put_members(m, members, COUNT_OF(members));
        }
    }
    put(m, "]");
}

static void put_intervals(struct maker *m)
{
    static const struct member members[] = {{"from", put_time, 2}, {"until", put_time, 2}};
    size_t count = below(m, 4);

    put(m, "[");
    for (size_t i = 0; i < count; i++) {
        put(m, i > 0 ? "," : "");
        put_members(m, members, COUNT_OF(members));
    }
    put(m, "]");
}

static void put_bool(struct maker *m)
{
    put(m, one_in(m, 2) ? "true" : "false");
}

static void put_origin(struct maker *m)
{
    static const char *const origins[] = {"\"api\"", "\"sql\"", "\"import\"", "\"derived\"",
                                          "\"x\""};

    PUT_ONE(m, origins);
}

static void put_event(struct maker *m);

static const struct member of_a_shop[] = {
    {"event_id", put_id, 1},           {"type", put_type, 1},
    {"occurred_at", put_time, 1},      {"customer_id", put_id, 1},
    {"anonymous_id", put_id, 2},       {"cart_id", put_id, 3},
    {"order_id", put_id, 4},           {"session_id", put_id, 3},
    {"sent_at", put_time, 8},          {"context", put_context, 3},
    {"properties", put_properties, 2}, {"items", put_items, 1},
    {"opt_out", put_bool, 12},
};
static const struct member of_ours[] = {
    {"event_id", put_id, 1},      {"type", put_derived_type, 1},
    {"occurred_at", put_time, 1}, {"customer_id", put_id, 1},
    {"via", put_id, 1},           {"guessed", put_bool, 3},
    {"version", put_amount, 2},   {"intervals", put_intervals, 2},
    {"origin", put_origin, 2},    {"received_at", put_time, 2},
    {"event", put_event, 2},      {"cart_id", put_id, 3},
    {"round", put_amount, 3},     {"step", put_amount, 3},
    {"anonymous_id", put_id, 4},
};

static void put_event(struct maker *m)
{
    put_members(m, of_a_shop, COUNT_OF(of_a_shop));
}

/* ---- bytes that change ---- */

static void change(struct maker *m, char *text, size_t *len, size_t room)
{
    static const char bytes[] = "{}[]\",:\\ue0-.\n\x80\xed\xff\x7f tfn";
    size_t at = below(m, *len);
    size_t some = 1 + below(m, *len - at < 20 ? *len - at : 20);

    switch (below(m, 5)) {
    case 0:
        text[at] = bytes[below(m, sizeof bytes)]; /* the NUL, too */
        break;
    case 1:
        text[at] = (char)(text[at] ^ (1 << below(m, 8)));
        break;
    case 2: /* some bytes vanish */
        memmove(text + at, text + at + some, *len - at - some);
        *len -= some;
        break;
    case 3: /* or come twice */
        if (*len + some <= room) {
            memmove(text + at + some, text + at, *len - at);
            *len += some;
        }
        break;
    default: /* or the end is missing */
        *len = one_in(m, 6) ? at : *len;
    }
}

static struct event_road a_road(struct maker *m, bool ours)
{
    bool derived = one_in(m, 20) ? !ours : ours;

    return (struct event_road){.origin = derived ? ORIGIN_DERIVED : (enum event_origin)below(m, 3),
                               .stored = one_in(m, 3),
                               .times = {NOW_US - 7, NOW_US},
                               .sent = {one_in(m, 2) ? 0 : NOW_US - 100000000, NOW_US},
                               .ids_asked = one_in(m, 2),
                               .ids_allowed = one_in(m, 2) ? NULL : "guest, null"};
}

/* One case; true if it was taken. text has exactly the bytes, so that a sanitizer sees a step behind them. */
static bool said_the_same(struct maker *m, bool ours, struct arena *a, const char *bytes,
                          size_t len)
{
    struct err_more more = {.count = 0};
    struct err err = {.more = one_in(m, 2) ? &more : NULL};
    struct event_road road = a_road(m, ours);
    struct event event;
    bool taken;
    char *text = malloc(len + (len == 0));

    assert_non_null(text);
    memcpy(text, bytes, len);
    const char *difference = event_decode_twice(text, len, &road, a, &taken, &event, &err);
    if (difference != NULL) {
        (void)fwrite(text, 1, len, stderr);
        fail_msg("\n%s", difference);
    }
    free(text);
    return taken;
}

static void both_readers_say_the_same_of_every_event(void **state)
{
    enum { ROOM = 1 << 16 };
    const size_t cases = at_length() ? CASES_LONG : CASES;
    struct maker m = {.rng = rng_seed(20191001), .out = buf_make(ROOM)};
    struct arena arena = {0};
    char *text = malloc(ROOM);
    size_t taken = 0;
    (void)state;

    assert_non_null(text);
    for (size_t i = 0; i < cases; i++) {
        buf_reset(&m.out);
        bool ours = one_in(&m, 3);
        if (ours) {
            put_members(&m, of_ours, COUNT_OF(of_ours));
        } else {
            put_event(&m);
        }
        size_t len = m.out.len;
        memcpy(text, buf_text(&m.out), len);
        for (size_t k = one_in(&m, 2) ? 0 : 1 + below(&m, 2); k > 0 && len > 0; k--) {
            change(&m, text, &len, ROOM);
        }
        taken += said_the_same(&m, ours, &arena, text, len);
        arena_reset(&arena);
    }
    print_message("%zu events, %zu taken\n", cases, taken);
    /* neither all nor hardly any: both ways out are walked */
    assert_in_range(taken, cases / 20, cases / 2);
    free(text);
    buf_free(&m.out);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_readers_say_the_same_of_every_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
