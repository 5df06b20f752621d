/* What the tests of outreach share: a database with a base rate of .9, what shoppers did, and one request. */
#include "integration/outreach/outreach_spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "domain/affinity/affinity_file.h"
#include "domain/risk/risk_file.h"
#include "domain/shop/money.h"
#include "store/models.h"
#include "support/folder.h"
#include "support/spec.h"

#include <stdio.h>

struct flow_bench bench;
struct pool *pool;
struct live *live;
static int events_told;

void ok(bool done, const struct err *err)
{
    if (!done) {
        fail_msg("%s: %s", err->path, err->text);
    }
}

static void promote(struct model_row row, struct buf *file)
{
    struct err err = {0};
    const char *version;

    row.bytes = (int64_t)file->len;
    row.card = "{}";
    row.verdict = "baseline";
    row.reason = "a test";
    row.created_us = START_US;
    ok(store_model_put(bench.db, &row, file->data, file->len, &bench.arena, &version, &err), &err);
    ok(store_model_promote(bench.db, row.kind, version, "promote", false, START_US, &err), &err);
    buf_free(file);
}

/* A base rate of .9: every cart is worth a message as far as the risk goes. */
static void promote_base_rate(void)
{
    struct err err = {0};
    struct buf file = {0};
    struct model_row row = {.kind = "risk", .algorithm = "base_rate"};
    const struct risk_window window = {
        .from_us = START_US - DAYS(10), .as_of_us = START_US, .horizon_us = DAYS(1)};

    ok(risk_write_base_rate(0.9, &window, "{}", &file, row.sha256, &err), &err);
    promote(row, &file);
}

/* Everybody is shown the hat, the scarf and the glove. */
static void promote_popularity(void)
{
    struct err err = {0};
    struct buf file = {0};
    struct model_row row = {.kind = "affinity", .algorithm = "popularity"};
    const struct affinity_item items[] = {
        /* all but the last above the mean: beside a cart, what is below it is not shown */
        {.id = "hat", .price_minor = MONEY_UNKNOWN, .popularity = 9},
        {.id = "scarf", .price_minor = MONEY_UNKNOWN, .popularity = 8},
        {.id = "glove", .price_minor = MONEY_UNKNOWN, .popularity = 7.5F},
        {.id = "belt", .price_minor = MONEY_UNKNOWN, .popularity = 7},
        {.id = "sock", .price_minor = MONEY_UNKNOWN, .popularity = 0.5F},
    };
    const struct affinity_parts parts = {.items = items,
                                         .count = COUNT_OF(items),
                                         .trained = COUNT_OF(items),
                                         .from_us = START_US - DAYS(10),
                                         .as_of_us = START_US,
                                         .card = "{}"};

    ok(affinity_write(&parts, &file, row.sha256, &err), &err);
    promote(row, &file);
}

int outreach_setup(void **state)
{
    (void)state;
    struct err err = {0};

    flow_open(&bench, "decide");
    (void)snprintf(bench.config.data_dir, sizeof bench.config.data_dir, "%s", folder_of_run());
    promote_base_rate();
    promote_popularity();
    bench.config.picks = 3;
    ok(pool_open(bench.database.conninfo, bench.database.prepared, 10, SECONDS(10), &pool, &err),
       &err);
    ok(live_open(&bench.database, &bench.config, false, &live, &err), &err);
    return 0;
}

int outreach_teardown(void **state)
{
    (void)state;
    live_close(&live);
    pool_close(&pool);
    flow_close(&bench);
    return 0;
}

void did_with(struct db *db, struct deed deed)
{
    struct err err = {0};
    enum append_status status;
    char at[CLOCK_TEXT_MAX];
    int64_t now_us = clock_now_us();
    const char *id = arena_printf(&bench.arena, "e%d", ++events_told);
    bool customer = deed.customer != NULL;
    const char *who = customer ? deed.customer : deed.anonymous;
    struct event_row row = {
        .event_id = id,
        .key = arena_printf(&bench.arena, "%c:%s", customer ? 'c' : 'a', who),
        .type = deed.type,
        .occurred_us = now_us - MINUTES(deed.minutes_ago),
    };
    row.body =
        arena_printf(&bench.arena,
                     "{\"event_id\":\"%s\",\"type\":\"%s\",\"%s\":\"%s\",\"occurred_at\":\"%s\"%s}",
                     id, deed.type, customer ? "customer_id" : "anonymous_id", who,
                     clock_format_rfc3339(row.occurred_us, at), deed.more != NULL ? deed.more : "");
    ok(store_events_append(db, &row, 1, ORIGIN_API, now_us, &status, &err), &err);
    assert_int_equal(status, APPEND_STORED);
}

void did(const char *customer, const char *type, int64_t minutes_ago, const char *more)
{
    did_with(bench.db,
             (struct deed){
                 .customer = customer, .type = type, .minutes_ago = minutes_ago, .more = more});
}

bool try_ask(struct outreach_request request, struct answer *out, struct err *err)
{
    CLEANUP(arena_free) struct arena arena = {0};
    CLEANUP(buf_free) struct buf text = buf_make(32 << 20);
    const struct outreach_means means = {pool, live, &bench.config};

    if (!outreach_ask(&means, &request, &arena, &text, &out->outcome, err)) {
        return false;
    }
    out->text = arena_strdup(&bench.arena, buf_text(&text));
    out->json = json_loads(out->text, 0, NULL);
    return true;
}

bool try_ask_briefly(struct outreach_request request, struct answer *out, struct err *err)
{
    const struct config kept = bench.config;

    bench.config.database_wait = 50000;
    bench.config.database_timeout = 50000;
    const bool answered = try_ask(request, out, err);
    bench.config = kept;
    return answered;
}

struct answer ask_as(struct outreach_request request)
{
    struct err err = {0};
    struct answer a = {0};

    ok(try_ask(request, &a, &err), &err);
    return a;
}

struct answer ask(const char *customer)
{
    return ask_as((struct outreach_request){.customer_id = customer});
}

const char *member(const struct answer *a, const char *key)
{
    const char *text = json_string_value(json_object_get(a->json, key));
    return text != NULL ? arena_strdup(&bench.arena, text) : "";
}

void expect(struct answer a, enum outreach_outcome outcome, const char *decision,
            const char *reason)
{
    if (a.outcome != outcome || strcmp(member(&a, "decision"), decision) != 0 ||
        strcmp(member(&a, "reason"), reason) != 0) {
        fail_msg("expected %d %s %s, got %d %s", (int)outcome, decision, reason, (int)a.outcome,
                 a.text);
    }
    json_decref(a.json);
}

int64_t released_count(const char *customer)
{
    return count_of(
        &bench,
        arena_printf(
            &bench.arena,
            "SELECT count(*) FROM cartwright.event WHERE key = 'c:%s' AND type = 'outreach_released'",
            customer));
}
