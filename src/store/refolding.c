/* Queries over shoppers that are folded again a page at a time. What a page does is for fold/ to say. */
#include "store/refolding.h"

#include "base/cleanup.h"

static struct params key_params(struct history_key key, struct arena *a)
{
    struct params p = params_make(a);

    param_i32(&p, key.lane);
    param_text(&p, key.key);
    return p;
}

/* ---- how far it is ---- */

bool store_refolding_read(struct db *db, struct history_key key, struct arena *a,
                          struct refolding *out, bool *out_found, struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = key_params(key, a);

    if (!db_query(db, Q_refolding_read, &p, &r, err)) {
        return false;
    }
    *out_found = PQntuples(r) > 0;
    if (*out_found) {
        *out = (struct refolding){.from_off = row_i64(r, 0, 0),
                                  .last_off = row_i64(r, 0, 1),
                                  .phase = (enum refolding_phase)row_i32(r, 0, 2),
                                  .done_off = row_i64(r, 0, 3),
                                  .done_us = row_time(r, 0, 4),
                                  .done_name = row_text_copy(r, 0, 5, a),
                                  .events = row_i64(r, 0, 6),
                                  .folded = row_i64(r, 0, 7),
                                  .says_who = row_bool(r, 0, 8),
                                  .doc = row_text_copy(r, 0, 9, a),
                                  .took_us = row_i64(r, 0, 10),
                                  .since_us = row_time(r, 0, 11)};
    }
    return true;
}

bool store_refolding_put(struct db *db, struct history_key key, const struct refolding *r,
                         struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = key_params(key, &a);

    param_i64(&p, r->from_off);
    param_i64(&p, r->last_off);
    param_i32(&p, (int32_t)r->phase);
    param_i64(&p, r->done_off);
    param_time(&p, r->done_us);
    param_text(&p, r->done_name);
    param_i64(&p, r->events);
    param_i64(&p, r->folded);
    param_bool(&p, r->says_who);
    param_text(&p, r->doc);
    param_i64(&p, r->took_us);
    param_time(&p, r->since_us);
    return db_exec(db, Q_refolding_put, &p, NULL, err);
}

bool store_refolding_end(struct db *db, struct history_key key, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = key_params(key, &a);

    return db_exec(db, Q_refolding_end, &p, NULL, err);
}

/* ---- what pages tell of all ---- */

static bool note_facts(struct db *db, struct history_key key, const struct refolding_page *page,
                       struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = key_params(key, &a);
    int64_t *at_us = arena_array(&a, page->fact_count, sizeof *at_us);
    int64_t *offs = arena_array(&a, page->fact_count, sizeof *offs);

    for (size_t i = 0; i < page->fact_count; i++) {
        at_us[i] = page->facts[i]->occurred_us;
        offs[i] = page->facts[i]->off;
    }
    param_time_array(&p, at_us, page->fact_count);
    param_i64_array(&p, offs, page->fact_count);
    return page->fact_count == 0 || db_exec(db, Q_refolding_facts_add, &p, NULL, err);
}

static bool note_names(struct db *db, struct history_key key, const struct refolding_page *page,
                       struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = key_params(key, &a);
    const size_t count = page->name_count;
    const char **names = arena_array(&a, count, sizeof *names);
    int64_t *said_us = arena_array(&a, count, sizeof *said_us);

    for (size_t i = 0; i < count; i++) {
        names[i] = page->names[i].other;
        /* never said: the statement keeps the earliest, which 0 would be */
        said_us[i] = page->names[i].said_us == 0 ? INT64_MAX : page->names[i].said_us;
    }
    param_text_array(&p, names, count);
    param_times(&p, INT64S(page->names, count, first_us));
    param_times(&p, INT64S(page->names, count, last_us));
    param_time_array(&p, said_us, count);
    param_bools(&p, BOOLS(page->names, count, guessed));
    return count == 0 || db_exec(db, Q_refolding_names_add, &p, NULL, err);
}

static bool note_sets(struct db *db, struct history_key key, const struct refolding_page *page,
                      struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = key_params(key, &a);

    param_texts(&p, TEXTS(page->sets, page->set_count, name));
    param_i64s(&p, INT64S(page->sets, page->set_count, version));
    param_i64s(&p, INT64S(page->sets, page->set_count, off));
    return page->set_count == 0 || db_exec(db, Q_refolding_sets_add, &p, NULL, err);
}

bool store_refolding_note(struct db *db, struct history_key key, const struct refolding_page *page,
                          struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params index = key_params(key, &a);

    param_times(&index, INT64S(page->events, page->event_count, occurred_us));
    param_i64s(&index, INT64S(page->events, page->event_count, off));
    return (page->event_count == 0 || db_exec(db, Q_refolding_index, &index, NULL, err)) &&
           note_facts(db, key, page, err) && note_names(db, key, page, err) &&
           note_sets(db, key, page, err);
}

/* A time that there is not is infinity there, so that the least of them is the first. */
static void read_name(const PGresult *rows, int r, struct arena *a, void *out)
{
    const int64_t said_us = row_time(rows, r, 3);

    *(struct named_via *)out = (struct named_via){.other = arena_strdup(a, row_text(rows, r, 0)),
                                                  .first_us = row_time(rows, r, 1),
                                                  .last_us = row_time(rows, r, 2),
                                                  .said_us = said_us == INT64_MAX ? 0 : said_us,
                                                  .guessed = row_bool(rows, r, 4)};
}

bool store_refolding_names(struct db *db, struct history_key key, int64_t most, struct arena *a,
                           struct named_via **out, size_t *out_count, struct err *err)
{
    struct params p = key_params(key, a);
    struct db_rows rows;

    param_i64(&p, most);
    if (!db_list(db, Q_refolding_names, &p, sizeof **out, read_name, &rows, err)) {
        return false;
    }
    *out = rows.all;
    *out_count = rows.count;
    return true;
}

bool store_refolding_sets(struct db *db, struct history_key key, const char *behind,
                          struct heavy_most most, struct arena *a, struct history *out,
                          struct err *err)
{
    struct params p = key_params(key, a);

    param_text(&p, behind);
    param_i64(&p, most.events + 1);
    return store_history_rows_within(db, Q_refolding_sets, &p, key,
                                     (struct history_most){most.events, most.bytes}, out, err);
}

bool store_refolding_facts(struct db *db, struct history_key key, struct heavy_place behind,
                           struct heavy_most most, struct arena *a, struct history *out,
                           struct err *err)
{
    struct params p = key_params(key, a);

    param_time(&p, behind.at_us);
    param_i64(&p, behind.off);
    param_i64(&p, most.events + 1);
    return store_history_rows_within(db, Q_refolding_facts, &p, key,
                                     (struct history_most){most.events, most.bytes}, out, err);
}
