/* Products, models, decisions and API keys: the tables that people write. */
#include "integration/store/store_spec.h"

#include "domain/shop/money.h"
#include "store/keys.h"
#include "store/models.h"
#include "store/outreach.h"
#include "store/products.h"

#include <stdlib.h>

/* ---- products ---- */

#define a_product(...)                                                                             \
    ((struct product){.product_id = "p1",                                                          \
                      .title = "Mug",                                                              \
                      .price_minor = 1250,                                                         \
                      .currency = "EUR",                                                           \
                      .stock = -1,                                                                 \
                      .updated_us = NOW_US,                                                        \
                      __VA_ARGS__})

static struct product read_product(const char *id)
{
    struct product p;
    assert_ok(store_products_read(spec.db, &id, 1, &spec.arena, &p, &spec.err));
    return p;
}

static void learn(struct product p)
{
    assert_ok(store_products_learn(spec.db, &p, 1, &spec.err));
}

static void put(struct product p)
{
    assert_ok(store_products_put(spec.db, &p, 1, NOW_US, NULL, &spec.err));
}

static void a_product_reads_back_as_it_was_put(void **state)
{
    (void)state;
    put(a_product(.url = "https://s/1", .image_url = "https://s/1.png", .category = "Home > Mugs",
                  .brand = "Acme", .stock = 7, .attributes = "{\"size\": \"L\"}"));
    struct product p = read_product("p1");
    assert_string_equal(p.title, "Mug");
    assert_string_equal(p.url, "https://s/1");
    assert_string_equal(p.image_url, "https://s/1.png");
    assert_int_equal(p.price_minor, 1250);
    assert_string_equal(p.currency, "EUR");
    assert_string_equal(p.category, "Home > Mugs");
    assert_string_equal(p.brand, "Acme");
    assert_int_equal(p.stock, 7);
    assert_string_equal(p.attributes, "{\"size\": \"L\"}");
    assert_int_equal(p.updated_us, NOW_US);
}

static void putting_again_replaces_everything(void **state)
{
    (void)state;
    put(a_product(.brand = "Acme", .stock = 7));
    put(a_product(.title = NULL, .price_minor = MONEY_UNKNOWN, .currency = ""));
    struct product p = read_product("p1");
    assert_null(p.title);
    assert_null(p.brand);
    assert_int_equal(p.price_minor, MONEY_UNKNOWN);
    assert_string_equal(p.currency, "");
    assert_int_equal(p.stock, -1);
}

static void put_at(struct product p, int64_t at_us)
{
    assert_ok(store_products_put(spec.db, &p, 1, at_us, NULL, &spec.err));
}

static void when_a_price_changed_and_from_what_is_known(void **state)
{
    (void)state;
    put_at(a_product(), NOW_US);
    struct product p = read_product("p1");
    assert_int_equal(p.priced_us, NOW_US);
    assert_int_equal(p.price_before, MONEY_UNKNOWN);
    put_at(a_product(.stock = 3, .title = "Cup"), NOW_US + 1); /* the same price */
    assert_int_equal(read_product("p1").priced_us, NOW_US);
    put_at(a_product(.price_minor = 1500), NOW_US + 2);
    put_at(a_product(.price_minor = 1500, .stock = 2), NOW_US + 3);
    p = read_product("p1");
    assert_int_equal(p.priced_us, NOW_US + 2);
    assert_int_equal(p.price_before, 1250);
    assert_int_equal(p.priced_before_us, NOW_US);
    put_at(a_product(.price_minor = 1500, .currency = "USD"), NOW_US + 4);
    p = read_product("p1");
    assert_int_equal(p.priced_us, NOW_US + 4);
    assert_int_equal(p.price_before, MONEY_UNKNOWN); /* of another currency */
}

static void what_an_import_learns_of_prices_is_dated_too(void **state)
{
    (void)state;
    learn(a_product());
    learn(a_product(.updated_us = NOW_US + 5));
    assert_int_equal(read_product("p1").priced_us, NOW_US);
    learn(a_product(.price_minor = 990, .updated_us = NOW_US + 6));
    struct product p = read_product("p1");
    assert_int_equal(p.priced_us, NOW_US + 6);
    assert_int_equal(p.price_before, 1250);
    assert_int_equal(p.priced_before_us, NOW_US);
    learn(a_product(.price_minor = 500, .updated_us = NOW_US + 1)); /* older news */
    assert_int_equal(read_product("p1").priced_us, NOW_US + 6);
}

static void a_batch_says_which_products_are_new_and_its_last_word_counts(void **state)
{
    (void)state;
    bool created[3];
    const struct product batch[] = {a_product(.product_id = "p2"), a_product(),
                                    a_product(.product_id = "p2", .title = "Last")};
    put(a_product());
    assert_ok(store_products_put(spec.db, batch, 3, NOW_US, created, &spec.err));
    assert_true(created[0] && !created[1] && created[2]);
    assert_string_equal(read_product("p2").title, "Last");
}

static void products_come_back_in_the_order_asked_for(void **state)
{
    (void)state;
    const char *const ids[] = {"p2", "nobody", "p1"};
    struct product got[3];
    put(a_product());
    put(a_product(.product_id = "p2"));
    assert_ok(store_products_read(spec.db, ids, 3, &spec.arena, got, &spec.err));
    assert_string_equal(got[0].product_id, "p2");
    assert_string_equal(got[1].product_id, "nobody");
    assert_null(got[1].title);
    assert_int_equal(got[1].updated_us, 0);
    assert_int_equal(got[1].price_minor, MONEY_UNKNOWN);
    assert_string_equal(got[2].product_id, "p1");
}

static struct product_found search(const struct product_search *s)
{
    struct product_found found;

    assert_ok(store_products_search(spec.db, s, &spec.arena, &found, &spec.err));
    return found;
}

static const char *ids_of(struct product_found found)
{
    const char *ids = "";

    for (size_t i = 0; i < found.count; i++) {
        ids = arena_printf(&spec.arena, "%s%s%s", ids, i > 0 ? " " : "",
                           found.products[i].product_id);
    }
    return ids;
}

static void a_product_is_found_by_beginnings_of_its_words(void **state)
{
    static const struct {
        const char *words;
        const char *ids;
    } cases[] = {
        {"mug", "p1 p2"},
        {"BLUE mu", "p1"},
        {"home", "p1 p2"},
        {"sku/17", "sku-17"},
        {"o'neill", "p3"},
        {"blue red", ""},
        {"ug", ""},
        {"...", ""},
        {"'mug' | \\ :* !", "p1 p2"},
        {"caf\xc3\xa9", "p3"},
        {"acme home blue", "p1"},
    };
    (void)state;
    put(a_product(.product_id = "p1", .title = "Blue mug", .category = "Home > Mugs",
                  .brand = "Acme"));
    put(a_product(.product_id = "p2", .title = "Mug, red", .category = "Home > Mugs"));
    put(a_product(.product_id = "p3", .title = "O'Neill Caf\xc3\xa9", .category = "Clothes"));
    put(a_product(.product_id = "sku-17", .title = NULL));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *ids =
            ids_of(search(&(struct product_search){.words = cases[i].words, .limit = 10}));
        if (strcmp(ids, cases[i].ids) != 0) {
            fail_msg("%s: %s", cases[i].words, ids);
        }
    }
    assert_string_equal(
        ids_of(search(&(struct product_search){.words = "mug", .after_id = "p1", .limit = 1})),
        "p2");
}

/* Page by page, from the first to the one that says that there are no more; the ids of all. */
static const char *ids_of_pages(struct product_search s, int *out_pages)
{
    const char *ids = "";

    *out_pages = 0;
    do {
        struct product_found page = search(&s);
        assert_true(page.count <= (size_t)s.limit);
        ids = arena_printf(&spec.arena, "%s%s ", ids, ids_of(page));
        s.after_id = page.next;
        assert_true(++*out_pages < 100);
    } while (s.after_id != NULL);
    return ids;
}

/* Mugs lie together, behind many others; how they are found must not show. */
static void a_search_for_many_is_answered_in_parts_and_none_is_left_out(void **state)
{
    int pages;
    struct product_search s = {.words = "mug", .limit = 3};
    (void)state;

    for (int i = 0; i < 60; i++) {
        put(a_product(.product_id = arena_printf(&spec.arena, "p%02d", i),
                      .title = i >= 40 && i < 47 ? "A mug" : "A pot"));
    }
    assert_string_equal(ids_of_pages(s, &pages), "p40 p41 p42 p43 p44 p45 p46 ");
    assert_int_equal(pages, 3);
    s.few = 7; /* all of them, read at once */
    assert_string_equal(ids_of_pages(s, &pages), "p40 p41 p42 p43 p44 p45 p46 ");
    assert_int_equal(pages, 3);
    s.few = 6;
    s.walk = 10; /* four looks before the first of them and one behind the last find none */
    assert_string_equal(ids_of_pages(s, &pages), "    p40 p41 p42 p43 p44 p45 p46  ");
    assert_int_equal(pages, 8);
    s.walk = 60; /* and the last look ends at the end of the catalogue */
    assert_string_equal(ids_of_pages(s, &pages), "p40 p41 p42 p43 p44 p45 p46 ");
    s.words = "kettle";
    assert_string_equal(ids_of_pages(s, &pages), " ");
    assert_int_equal(pages, 1);
}

/* So that of two patches at once none is lost. */
static void who_merges_into_a_product_has_it_alone_until_commit(void **state)
{
    const char *id = "p1";
    struct product *known;
    size_t count;
    struct db *other = spec_connect();
    (void)state;

    put(a_product(.stock = 1));
    assert_ok(db_begin(spec.db, &spec.err));
    assert_ok(store_products_lock(spec.db, &id, 1, &spec.arena, &known, &count, &spec.err));
    assert_int_equal(count, 1);
    assert_ok(db_begin(other, &spec.err));
    PQclear(PQexec(db_conn(other), "SET LOCAL lock_timeout = '50ms'"));
    assert_fails(store_products_lock(other, &id, 1, &spec.arena, &known, &count, &spec.err),
                 ERR_BUSY);
    db_rollback(other);
    put(a_product(.stock = 2));
    assert_ok(db_commit(spec.db, &spec.err));
    assert_ok(db_begin(other, &spec.err));
    assert_ok(store_products_lock(other, &id, 1, &spec.arena, &known, &count, &spec.err));
    assert_int_equal(known[0].stock, 2);
    db_close(&other);
}

static bool seen_sold_out(void *ctx, const struct product *p, struct err *err)
{
    (void)err;
    *(bool *)ctx = p->stock == 0;
    return true;
}

/* Neither listed, nor found, nor locked. */
static void assert_is_nowhere(const char *id)
{
    struct product *page;
    size_t count;

    assert_ok(store_products_page(spec.db, NULL, 9, &spec.arena, &page, &count, &spec.err));
    assert_int_equal(count, 0);
    assert_int_equal(search(&(struct product_search){.words = "mug", .limit = 9}).count, 0);
    assert_ok(store_products_lock(spec.db, &id, 1, &spec.arena, &page, &count, &spec.err));
    assert_int_equal(count, 0);
}

static void a_removed_product_is_sold_out_until_it_is_described_again(void **state)
{
    bool found = false, created = false, sold_out = false;
    struct product p = a_product(.title = "Mug", .stock = 5);
    (void)state;

    put(p);
    assert_ok(store_products_delete(spec.db, "p1", NOW_US + 1, &found, &spec.err));
    assert_true(found);
    assert_null(read_product("p1").title);
    assert_int_equal(read_product("p1").updated_us, 0);
    assert_int_equal(read_product("p1").stock, 0);
    assert_is_nowhere("p1");
    /* whoever serves looks for what was updated */
    assert_ok(store_products_changed(spec.db, NOW_US + 1, seen_sold_out, &sold_out, &spec.err));
    assert_true(sold_out);
    assert_ok(store_products_delete(spec.db, "p1", NOW_US + 2, &found, &spec.err));
    assert_false(found);
    learn(a_product(.updated_us = NOW_US + 3));
    assert_null(read_product("p1").title);
    assert_ok(store_products_put(spec.db, &p, 1, NOW_US + 4, &created, &spec.err));
    assert_true(created);
    assert_string_equal(read_product("p1").title, "Mug");
    assert_int_equal(read_product("p1").stock, 5);
}

static void pages_of_products_go_by_id(void **state)
{
    (void)state;
    struct product *page;
    size_t count;
    put(a_product(.product_id = "b"));
    put(a_product(.product_id = "B"));
    put(a_product(.product_id = "a"));
    assert_ok(store_products_page(spec.db, NULL, 2, &spec.arena, &page, &count, &spec.err));
    assert_int_equal(count, 2);
    assert_string_equal(page[0].product_id, "B");
    assert_ok(
        store_products_page(spec.db, page[1].product_id, 2, &spec.arena, &page, &count, &spec.err));
    assert_int_equal(count, 1);
    assert_string_equal(page[0].product_id, "b");
}

static void an_import_keeps_the_newest_known_value_of_each_column(void **state)
{
    (void)state;
    const struct product rows[] = {
        a_product(.title = "Old", .brand = "Acme", .price_minor = 100, .updated_us = NOW_US - 9),
        a_product(.title = "New", .price_minor = 200, .updated_us = NOW_US - 1),
        a_product(.title = NULL, .price_minor = MONEY_UNKNOWN, .currency = "",
                  .updated_us = NOW_US),
        a_product(.title = "Middle", .price_minor = 150, .updated_us = NOW_US - 5),
    };
    assert_ok(store_products_learn(spec.db, rows, COUNT_OF(rows), &spec.err));
    struct product p = read_product("p1");
    assert_string_equal(p.title, "New");
    assert_string_equal(p.brand, "Acme");
    assert_int_equal(p.price_minor, 200);
    assert_int_equal(p.updated_us, NOW_US);
}

static void an_older_import_corrects_nothing_but_fills_what_is_missing(void **state)
{
    (void)state;
    learn(a_product(.title = "New", .price_minor = 200));
    learn(a_product(.title = "Old", .brand = "Acme", .price_minor = 100, .updated_us = NOW_US - 9));
    struct product p = read_product("p1");
    assert_string_equal(p.title, "New");
    assert_string_equal(p.brand, "Acme");
    assert_int_equal(p.price_minor, 200);
    learn(a_product(.title = "Newest", .price_minor = 300, .updated_us = NOW_US + 1));
    p = read_product("p1");
    assert_string_equal(p.title, "Newest");
    assert_int_equal(p.price_minor, 300);
}

static void an_import_completes_what_the_api_wrote_and_changes_none_of_it(void **state)
{
    (void)state;
    put(a_product(.title = "Shop's", .brand = NULL));
    learn(a_product(.title = "Import's", .brand = "Acme", .price_minor = 1,
                    .updated_us = NOW_US + 9));
    struct product p = read_product("p1");
    assert_string_equal(p.title, "Shop's");
    assert_string_equal(p.brand, "Acme");
    assert_int_equal(p.price_minor, 1250);
    assert_int_equal(p.updated_us, NOW_US);
}

static bool note_product(void *ctx, const struct product *p, struct err *err)
{
    (void)err;
    const char **text = ctx;
    *text = arena_printf(&spec.arena, "%s%s ", *text, p->product_id);
    return true;
}

static void all_products_stream_by_id(void **state)
{
    (void)state;
    const char *text = "";
    put(a_product(.product_id = "b"));
    put(a_product(.product_id = "a"));
    put(a_product(.product_id = "gone"));
    bool found = false;
    assert_ok(store_products_delete(spec.db, "gone", NOW_US + 1, &found, &spec.err));
    assert_ok(store_products_stream(spec.db, note_product, &text, &spec.err));
    assert_string_equal(text, "a b ");
}

/* ---- models ---- */

static const char *put_model(const char *kind, const char *algorithm)
{
    const char *version = NULL;
    const struct model_row m = {.kind = kind,
                                .algorithm = algorithm,
                                .card = "{\"auc\": 0.7}",
                                .verdict = "passed",
                                .reason = "better",
                                .created_us = NOW_US,
                                .sha256 = {1, 2, 3}};
    assert_ok(store_model_put(spec.db, &m, "file", 4, &spec.arena, &version, &spec.err));
    return version;
}

static void promote(const char *version, const char *action)
{
    assert_ok(store_model_promote(spec.db, "risk", version, action, false, NOW_US, &spec.err));
}

static const char *champion(void)
{
    struct model_row m;
    bool found;
    assert_ok(store_model_champion(spec.db, "risk", &spec.arena, &m, &found, &spec.err));
    return found ? m.version : "";
}

static const char *previous(void)
{
    const char *version;
    assert_ok(store_model_previous(spec.db, "risk", &spec.arena, &version, &spec.err));
    return version == NULL ? "" : version;
}

static void models_are_numbered_within_their_kind(void **state)
{
    (void)state;
    assert_string_equal(put_model("risk", "base_rate"), "risk-base_rate-1");
    assert_string_equal(put_model("affinity", "als"), "affinity-als-1");
    assert_string_equal(put_model("risk", "fm"), "risk-fm-2");
}

static void a_model_and_its_file_read_back_byte_for_byte(void **state)
{
    (void)state;
    size_t len = (3 << 20) + 17; /* several chunks, the last one short */
    unsigned char *file = malloc(len);
    assert_non_null(file);
    for (size_t i = 0; i < len; i++) {
        file[i] = (unsigned char)(i * 31 + i / 4096);
    }
    struct model_row m = {.kind = "risk",
                          .algorithm = "fm",
                          .card = "{}",
                          .verdict = "refused",
                          .reason = "worse",
                          .created_us = NOW_US,
                          .sha256 = {9, 8, 7}};
    const char *version;
    void *bytes;
    size_t got;
    bool found;
    assert_ok(store_model_put(spec.db, &m, file, len, &spec.arena, &version, &spec.err));
    assert_ok(store_model_file(spec.db, version, &bytes, &got, &spec.err));
    assert_int_equal(got, len);
    assert_memory_equal(bytes, file, len);
    assert_ok(store_model_find(spec.db, version, &spec.arena, &m, &found, &spec.err));
    assert_true(found && !m.champion);
    assert_int_equal(m.bytes, len);
    assert_int_equal(m.sha256[2], 7);
    assert_string_equal(m.verdict, "refused");
    assert_int_equal(m.promoted_us, 0);
    free(bytes);
    free(file);
}

static void a_model_nobody_stored_is_not_found(void **state)
{
    (void)state;
    void *bytes;
    size_t len;
    bool found = true;
    struct model_row m;
    assert_fails(store_model_file(spec.db, "risk-fm-9", &bytes, &len, &spec.err), ERR_NOT_FOUND);
    assert_ok(store_model_find(spec.db, "risk-fm-9", &spec.arena, &m, &found, &spec.err));
    assert_false(found);
    assert_fails(
        store_model_promote(spec.db, "risk", "risk-fm-9", "promote", false, NOW_US, &spec.err),
        ERR_NOT_FOUND);
}

static void the_champion_is_the_last_one_promoted(void **state)
{
    (void)state;
    assert_string_equal(champion(), "");
    promote(put_model("risk", "base_rate"), "promote");
    promote(put_model("risk", "fm"), "promote");
    assert_string_equal(champion(), "risk-fm-2");
    struct model_row *models;
    size_t count;
    assert_ok(store_models_list(spec.db, &spec.arena, &models, &count, &spec.err));
    assert_int_equal(count, 2);
    assert_true(!models[0].champion && models[1].champion);
    assert_int_equal(models[0].promoted_us, NOW_US);
}

static void a_rollback_walks_back_past_rollbacks(void **state)
{
    (void)state;
    promote(put_model("risk", "a"), "promote");
    assert_string_equal(previous(), "");
    promote(put_model("risk", "b"), "promote");
    promote(put_model("risk", "c"), "promote");
    assert_string_equal(previous(), "risk-b-2");
    promote(previous(), "rollback");
    assert_string_equal(champion(), "risk-b-2");
    assert_string_equal(previous(), "risk-a-1");
    promote(previous(), "rollback");
    assert_string_equal(champion(), "risk-a-1");
    assert_string_equal(previous(), "");
    promote("risk-c-3", "promote");
    assert_string_equal(previous(), "risk-a-1");
}

static void promoting_what_serves_already_changes_nothing(void **state)
{
    (void)state;
    promote(put_model("risk", "a"), "promote");
    promote(put_model("risk", "b"), "promote");
    promote("risk-b-2", "promote");
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.model_promotion"), 2);
    assert_string_equal(champion(), "risk-b-2");
    assert_string_equal(previous(), "risk-a-1");
}

/* ---- decisions ---- */

#define a_silence(...)                                                                             \
    ((struct outreach_row){.lane = 3,                                                              \
                           .subject = OUTREACH_OF_CART "k1",                                       \
                           .cart_id = "k1",                                                        \
                           .round = 1,                                                             \
                           .step = 1,                                                              \
                           .outreach_id = "out_1",                                                 \
                           .key = "c:ann",                                                         \
                           .decision = "silence",                                                  \
                           .reason = "too_early",                                                  \
                           .decided_us = NOW_US,                                                   \
                           .summary = "{\"b\": [2]}",                                              \
                           .why = "{\"a\": 1}",                                                    \
                           __VA_ARGS__})
#define a_send(...)                                                                                \
    a_silence(.decision = "send", .reason = "risk", .message = "{\"text\": \"hi\"}", __VA_ARGS__)

static bool decide(struct outreach_row row)
{
    bool stored;
    assert_ok(store_outreach_put(spec.db, &row, NULL, &stored, &spec.err));
    return stored;
}

static void a_silence_is_overwritten_and_a_send_is_final(void **state)
{
    (void)state;
    struct outreach_row got;
    bool found;
    assert_true(decide(a_silence()));
    assert_true(decide(a_silence(.reason = "empty")));
    assert_true(decide(a_send()));
    assert_false(decide(a_send(.message = "{\"text\": \"again\"}")));
    assert_false(decide(a_silence()));
    assert_ok(store_outreach_by_id(spec.db, 3, "out_1", &spec.arena, &got, &found, &spec.err));
    assert_true(found);
    assert_string_equal(got.decision, "send");
    assert_string_equal(got.message, "{\"text\": \"hi\"}");
}

static void a_decision_is_found_by_id_within_its_lane(void **state)
{
    (void)state;
    struct outreach_row got;
    bool found;
    (void)decide(a_silence());
    assert_ok(store_outreach_by_id(spec.db, 3, "out_1", &spec.arena, &got, &found, &spec.err));
    assert_true(found);
    assert_string_equal(got.summary, "{\"b\": [2]}");
    assert_string_equal(got.why, "{\"a\": 1}");
    assert_null(got.message);
    assert_int_equal(got.decided_us, NOW_US);
    assert_ok(store_outreach_by_id(spec.db, 4, "out_1", &spec.arena, &got, &found, &spec.err));
    assert_false(found);
}

static void another_round_or_step_is_another_decision(void **state)
{
    (void)state;
    assert_true(decide(a_send()));
    assert_true(decide(a_send(.round = 2, .outreach_id = "out_2")));
    assert_true(decide(a_send(.step = 2, .outreach_id = "out_3")));
}

/* ---- keys ---- */

static struct key_row find_key(const char *id)
{
    struct key_row key = {0};
    bool found;
    assert_ok(store_key_find(spec.db, id, &spec.arena, &key, &found, &spec.err));
    return key;
}

static void a_key_is_kept_used_and_revoked(void **state)
{
    (void)state;
    bool found;
    const struct key_row key = {.key_id = "k",
                                .secret_hash = {5},
                                .name = "shop",
                                .scopes = SCOPE_INGEST | SCOPE_ADMIN,
                                .created_us = NOW_US};
    assert_ok(store_key_put(spec.db, &key, &spec.err));
    struct key_row got = find_key("k");
    assert_int_equal(got.scopes, SCOPE_INGEST | SCOPE_ADMIN);
    assert_int_equal(got.secret_hash[0], 5);
    assert_true(got.expires_us == 0 && got.revoked_us == 0 && got.last_used_us == 0);

    assert_ok(store_key_used(spec.db, "k", NOW_US, &spec.err));
    assert_ok(store_key_used(spec.db, "k", NOW_US + 59000000,
                             &spec.err)); /* within the minute: not written */
    assert_int_equal(find_key("k").last_used_us, NOW_US);

    assert_ok(store_key_revoke(spec.db, "k", NOW_US + 1, &found, &spec.err));
    assert_true(found);
    assert_ok(store_key_revoke(spec.db, "k", NOW_US + 2, &found, &spec.err));
    assert_int_equal(find_key("k").revoked_us, NOW_US + 1);
    assert_ok(store_key_revoke(spec.db, "nobody", NOW_US, &found, &spec.err));
    assert_false(found);
}

static void keys_are_listed_oldest_first(void **state)
{
    (void)state;
    struct key_row *keys;
    size_t count;
    const struct key_row young = {.key_id = "a",
                                  .name = "young",
                                  .scopes = SCOPE_READ,
                                  .created_us = NOW_US,
                                  .expires_us = NOW_US + 5};
    const struct key_row old = {
        .key_id = "b", .name = "old", .scopes = SCOPE_OUTREACH, .created_us = NOW_US - 1};
    assert_ok(store_key_put(spec.db, &young, &spec.err));
    assert_ok(store_key_put(spec.db, &old, &spec.err));
    assert_ok(store_keys_list(spec.db, &spec.arena, &keys, &count, &spec.err));
    assert_int_equal(count, 2);
    assert_string_equal(keys[0].name, "old");
    assert_int_equal(keys[1].expires_us, NOW_US + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(a_product_reads_back_as_it_was_put),
        SPEC_TEST(putting_again_replaces_everything),
        SPEC_TEST(when_a_price_changed_and_from_what_is_known),
        SPEC_TEST(what_an_import_learns_of_prices_is_dated_too),
        SPEC_TEST(a_batch_says_which_products_are_new_and_its_last_word_counts),
        SPEC_TEST(products_come_back_in_the_order_asked_for),
        SPEC_TEST(a_product_is_found_by_beginnings_of_its_words),
        SPEC_TEST(a_search_for_many_is_answered_in_parts_and_none_is_left_out),
        SPEC_TEST(who_merges_into_a_product_has_it_alone_until_commit),
        SPEC_TEST(a_removed_product_is_sold_out_until_it_is_described_again),
        SPEC_TEST(pages_of_products_go_by_id),
        SPEC_TEST(an_import_keeps_the_newest_known_value_of_each_column),
        SPEC_TEST(an_older_import_corrects_nothing_but_fills_what_is_missing),
        SPEC_TEST(an_import_completes_what_the_api_wrote_and_changes_none_of_it),
        SPEC_TEST(all_products_stream_by_id),
        SPEC_TEST(models_are_numbered_within_their_kind),
        SPEC_TEST(a_model_and_its_file_read_back_byte_for_byte),
        SPEC_TEST(a_model_nobody_stored_is_not_found),
        SPEC_TEST(the_champion_is_the_last_one_promoted),
        SPEC_TEST(a_rollback_walks_back_past_rollbacks),
        SPEC_TEST(promoting_what_serves_already_changes_nothing),
        SPEC_TEST(a_silence_is_overwritten_and_a_send_is_final),
        SPEC_TEST(a_decision_is_found_by_id_within_its_lane),
        SPEC_TEST(another_round_or_step_is_another_decision),
        SPEC_TEST(a_key_is_kept_used_and_revoked),
        SPEC_TEST(keys_are_listed_oldest_first),
    };
    return RUN_BOTH_WAYS(tests);
}
