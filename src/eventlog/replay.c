/* Rebuilds shoppers from the log and holds them against what is stored, some shoppers at a time, so that memory is
 * bounded by a few histories. Reports read one snapshot; the rebuild takes lane by lane while it
 * holds its cursor. */
#include "eventlog/replay.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "eventlog/lane_lock.h"
#include "eventlog/shopper_log.h"
#include "store/heavy.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_SHOPPERS = 64, TEXT_MAX_BYTES = 32 << 20, SHOWN_BEFORE = 80, SHOWN_BYTES = 600 };

/* Shoppers of one lane, read together. Everything lives in the arena of the page. */
struct page {
    int lane;
    const char *const *names;
    size_t count;
    struct shopper_row docs[PAGE_SHOPPERS];
    struct history histories[PAGE_SHOPPERS];
    struct cart_row *carts; /* stored, in order of the names */
    size_t cart_count;
};

typedef bool page_fn(void *ctx, const struct page *p, struct arena *a, struct err *err);

static bool page_read(struct db *db, int lane, int64_t until_off, struct page *p, struct arena *a,
                      struct err *err)
{
    int32_t lanes[PAGE_SHOPPERS];
    int64_t last_offs[PAGE_SHOPPERS];
    struct history_keys keys = {.lanes = lanes, .keys = p->names, .count = p->count};

    for (size_t i = 0; i < p->count; i++) {
        lanes[i] = lane;
    }
    if (!store_history_docs(db, &keys, a, p->docs, err)) {
        return false;
    }
    for (size_t i = 0; i < p->count; i++) {
        last_offs[i] = shopper_row_until(&p->docs[i], until_off);
    }
    return store_history_events(db, &keys, last_offs, a, p->histories, err) &&
           store_history_carts(db, &keys, a, &p->carts, &p->cart_count, err);
}

/* Every shopper of a lane, some at a time, in C order of the keys. */
static bool lane_pages(struct db *db, int lane, int64_t until_off, page_fn *fn, void *ctx,
                       struct err *err)
{
    CLEANUP(arena_free) struct arena names_arena = {0};
    CLEANUP(arena_free) struct arena a = {0};
    const char **names;
    size_t count;

    if (!store_lane_keys(db, lane, &names_arena, &names, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i += PAGE_SHOPPERS) {
        size_t left = count - i;
        struct page p = {
            .lane = lane, .names = names + i, .count = left < PAGE_SHOPPERS ? left : PAGE_SHOPPERS};
        arena_reset(&a);
        if (!page_read(db, lane, until_off, &p, &a, err) || !fn(ctx, &p, &a, err)) {
            return false;
        }
    }
    return true;
}

/* The whole log as of one moment. */
static bool snapshot_pages(struct db *db, page_fn *fn, void *ctx, int64_t *out_unread,
                           struct err *err)
{
    struct lane_state states[LANES] = {0};
    bool ok = db_begin_snapshot(db, err) && store_lane_states(db, states, err) &&
              store_unread_count(db, out_unread, err);

    /* Up to each lane's cursor, or where a stale shopper's document stands: what is not folded yet is not missing. */
    for (int lane = 0; ok && lane < LANES; lane++) {
        ok = !states[lane].used || lane_pages(db, lane, states[lane].cursor, fn, ctx, err);
    }
    if (!ok) {
        db_rollback(db);
        return false;
    }
    return db_commit(db, err);
}

/* ---- the canonical dump ---- */

static void dump_shopper(struct buf *out, int lane, const char *key, const char *doc)
{
    struct jenc j = jenc_begin(out);

    jenc_object(&j, NULL);
    jenc_i64(&j, "lane", lane);
    jenc_str(&j, "shopper", key);
    jenc_raw(&j, "doc", doc, strlen(doc));
    jenc_object_end(&j);
    buf_add_char(out, '\n');
}

static const char *state_of_row(const struct cart_row *row, const struct cart_clock *clock,
                                int64_t at_us)
{
    /* Rows keep the status's name; an unknown one (there is none) would end as merged, and show as a difference. */
    struct cart c = {.status = CART_OPEN};

    while (strcmp(cart_status_name(c.status), row->status) != 0 && c.status < CART_MERGED) {
        c.status++;
    }
    return cart_state_name(cart_state(&c, row->seen_us, clock, at_us));
}

static void dump_cart(struct buf *out, const struct cart_row *row, const struct cart_clock *clock,
                      int64_t at_us)
{
    struct jenc j = jenc_begin(out);

    jenc_object(&j, NULL);
    jenc_i64(&j, "lane", row->lane);
    jenc_str(&j, "cart", row->cart_id);
    jenc_str(&j, "shopper", row->key);
    jenc_i64(&j, "round", row->round);
    jenc_str(&j, "status", row->status);
    jenc_str(&j, "state", state_of_row(row, clock, at_us));
    jenc_i64(&j, "lines", row->lines);
    jenc_i64(&j, "units", row->units);
    if (row->total_minor != INT64_MIN) {
        jenc_i64(&j, "total_minor", row->total_minor);
        jenc_str(&j, "currency", row->currency);
    }
    jenc_time(&j, "opened_at", row->opened_us);
    jenc_time(&j, "changed_at", row->changed_us);
    jenc_time(&j, "seen_at", row->seen_us);
    jenc_i64(&j, "contacted", row->contacted);
    jenc_bool(&j, "bot", row->bot);
    jenc_bool(&j, "imported", row->imported);
    jenc_object_end(&j);
    buf_add_char(out, '\n');
}

struct dump {
    struct cart_clock clock;
    int64_t at_us;
    bool from_log;
    FILE *file;      /* of replay_dump */
    struct buf text; /* of one shopper */
};

static struct dump dump_make(const struct config *config, int64_t at_us)
{
    return (struct dump){
        .clock = cart_clock_of(config), .at_us = at_us, .text = buf_make(TEXT_MAX_BYTES)};
}

/* One shopper as stored; nothing where nothing is. Returns the carts. *next walks the page's carts. */
static size_t dump_stored(const struct dump *d, const struct page *p, size_t i, size_t *next,
                          struct buf *out)
{
    size_t carts = 0;

    if (p->docs[i].doc != NULL) {
        dump_shopper(out, p->lane, p->names[i], p->docs[i].doc);
    }
    while (*next < p->cart_count && strcmp(p->carts[*next].key, p->names[i]) == 0) {
        dump_cart(out, &p->carts[(*next)++], &d->clock, d->at_us);
        carts++;
    }
    return carts;
}

/* One shopper as the log has it; NULL where the log (as far as it is folded) does not know it. */
static bool rebuild(const struct page *p, size_t i, struct arena *a, struct shopper **out,
                    struct err *err)
{
    const char *base = p->docs[i].base;

    *out = NULL;
    return (base == NULL && p->histories[i].count == 0) ||
           shopper_log_fold(p->names[i], base, &p->histories[i], INT64_MAX, a, out, err);
}

static void dump_rebuilt(const struct dump *d, const struct page *p, const struct shopper *s,
                         struct arena *a, struct buf *out)
{
    struct cart_row rows[CARTS_MAX];
    size_t n = shopper_cart_rows(s, p->lane, rows);

    dump_shopper(out, p->lane, s->key, shopper_to_doc(s, a));
    for (size_t i = 0; i < n; i++) {
        dump_cart(out, &rows[i], &d->clock, d->at_us);
    }
}

static bool dump_page(void *ctx, const struct page *p, struct arena *a, struct err *err)
{
    struct dump *d = ctx;
    size_t next = 0;

    for (size_t i = 0; i < p->count; i++) {
        struct shopper *s = NULL;
        buf_reset(&d->text);
        if (!d->from_log) {
            (void)dump_stored(d, p, i, &next, &d->text);
        } else if (!rebuild(p, i, a, &s, err)) {
            return false;
        } else if (s != NULL) {
            dump_rebuilt(d, p, s, a, &d->text);
        }
        if (fwrite(buf_text(&d->text), 1, d->text.len, d->file) != d->text.len) {
            return FAIL(err, ERR_INTERNAL, "could not write the dump");
        }
    }
    return true;
}

bool replay_dump(const struct database *database, const struct config *config, int64_t at_us,
                 bool from_log, FILE *out, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    struct dump d = dump_make(config, at_us);
    int64_t unread;

    d.from_log = from_log;
    d.file = out;
    bool ok =
        database_connect(database, &db, err) && snapshot_pages(db, dump_page, &d, &unread, err);
    buf_free(&d.text);
    return ok;
}

/* ---- check ---- */

struct check {
    struct dump dump;
    struct buf *stored; /* scratch, borrowed */
    struct buf *rebuilt;
    struct replay_result *result;
};

/* The texts around the first byte in which the first differ. */
static void note_difference(struct check *c, const char *key, bool outdated)
{
    const char *stored = buf_text(c->stored);
    const char *rebuilt = buf_text(c->rebuilt);
    size_t at = 0;

    /* of what says itself that it is to be folded again, the texts say nothing */
    if (c->result->first[0] != '\0' || outdated) {
        return;
    }
    while (stored[at] != '\0' && stored[at] == rebuilt[at]) {
        at++;
    }
    size_t from = at > SHOWN_BEFORE ? at - SHOWN_BEFORE : 0;
    (void)snprintf(c->result->first, sizeof c->result->first,
                   "%s differs at byte %zu\nstored:  %.*s\nrebuilt: %.*s", key, at, SHOWN_BYTES,
                   c->stored->len == 0 ? "(nothing)" : stored + from, SHOWN_BYTES,
                   c->rebuilt->len == 0 ? "(nothing)" : rebuilt + from);
}

/* Nor that: the one who checks was given other settings than the one who folds. */
static void note_settings(struct replay_result *r, const char *doc)
{
    int64_t stamp;

    if (doc != NULL && shopper_rules_of_doc(doc, &stamp) && stamp != shopper_rules_stamp()) {
        r->settings = r->other_settings == 0 ? stamp : r->settings;
        r->other_settings++;
    }
}

/* No fault of the fold: what is stored says itself that it is to be folded again. */
static bool is_outdated(const struct page *p, size_t i, struct arena *a)
{
    struct shopper *s;
    struct err why = {0};

    return p->docs[i].doc != NULL && !shopper_from_doc(p->names[i], p->docs[i].doc, a, &s, &why);
}

static bool check_page(void *ctx, const struct page *p, struct arena *a, struct err *err)
{
    struct check *c = ctx;
    size_t next = 0;

    for (size_t i = 0; i < p->count; i++) {
        struct shopper *s = NULL;
        buf_reset(c->stored);
        buf_reset(c->rebuilt);
        if (!rebuild(p, i, a, &s, err)) {
            return false;
        }
        if (s != NULL) {
            dump_rebuilt(&c->dump, p, s, a, c->rebuilt);
        }
        c->result->carts += (int64_t)dump_stored(&c->dump, p, i, &next, c->stored);
        c->result->events += (int64_t)p->histories[i].count;
        c->result->shoppers += p->docs[i].doc != NULL ? 1 : 0;
        if (!buf_ok(c->stored) || !buf_ok(c->rebuilt)) {
            return FAIL(err, ERR_INTERNAL, "shopper %s is too large to compare", p->names[i]);
        }
        if (strcmp(buf_text(c->stored), buf_text(c->rebuilt)) != 0) {
            const bool outdated = is_outdated(p, i, a);
            c->result->differences++;
            c->result->outdated += outdated ? 1 : 0;
            note_settings(c->result, p->docs[i].doc);
            note_difference(c, p->names[i], outdated);
        }
    }
    return true;
}

bool replay_check(const struct database *database, const struct config *config, int64_t at_us,
                  struct replay_result *out, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    CLEANUP(buf_free) struct buf stored = buf_make(TEXT_MAX_BYTES);
    CLEANUP(buf_free) struct buf rebuilt = buf_make(TEXT_MAX_BYTES);
    struct replay_result result = {0};
    struct check c = {.dump = dump_make(config, at_us),
                      .stored = &stored,
                      .rebuilt = &rebuilt,
                      .result = &result};

    bool ok = database_connect(database, &db, err) &&
              snapshot_pages(db, check_page, &c, &result.unread, err);
    if (ok) {
        *out = result;
    }
    return ok;
}

/* ---- rebuild ---- */

/* One lane, counted anew at every attempt. */
struct rewrite {
    struct db *db;
    struct replay_result lane;
};

/* Writes what the log says of the page's shoppers, and deletes those it does not know. */
static bool rewrite_page(void *ctx, const struct page *p, struct arena *a, struct err *err)
{
    struct rewrite *w = ctx;
    struct stored_rows rows = stored_rows_make(p->count, a);
    const char **gone = arena_array(a, p->count, sizeof *gone);
    size_t gone_count = 0;

    for (size_t i = 0; i < p->count; i++) {
        const struct history *h = &p->histories[i];
        struct shopper *s = NULL;
        size_t carts;
        if (!rebuild(p, i, a, &s, err)) {
            return false;
        }
        if (s != NULL) {
            /* Without events all that it did is in the base, and its offset stands
             * where it stood. */
            stored_rows_add(&rows, s, p->lane,
                            h->count > 0 ? h->events[h->count - 1].off : p->docs[i].folded_off,
                            &carts);
        } else {
            gone[gone_count++] = p->names[i];
        }
        stored_rows_sweep(&rows, p->lane,
                          p->names[i]); /* whatever carts are stored, these are all there are */
        w->lane.events += (int64_t)h->count;
    }
    w->lane.shoppers += (int64_t)rows.count;
    w->lane.carts += (int64_t)rows.cart_count;
    return store_shoppers_delete(w->db, p->lane, gone, gone_count, err) &&
           stored_rows_write(&rows, w->db, err);
}

static bool rewrite_lane(struct db *db, int lane, int64_t cursor_off, void *ctx, struct err *err)
{
    struct rewrite *w = ctx;

    *w = (struct rewrite){.db = db};
    /* Whatever was wrong with what is stored may be wrong with the checkpoints, which the folds to come make anew. */
    return store_heavy_drop(db, lane, err) &&
           lane_pages(db, lane, cursor_off, rewrite_page, w, err);
}

static bool rebuild_lane(struct db *db, int lane, void *ctx, struct err *err)
{
    struct replay_result *result = ctx;
    struct rewrite w;

    if (!lane_lock_run(db, lane, rewrite_lane, &w, err)) {
        return false;
    }
    result->events += w.lane.events;
    result->shoppers += w.lane.shoppers;
    result->carts += w.lane.carts;
    return true;
}

bool replay_rebuild(const struct database *database, const struct config *config,
                    struct replay_result *out, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    struct replay_result result = {0};
    struct lane_set left;

    (void)config;
    if (!database_connect(database, &db, err) ||
        !lane_lock_each(db, rebuild_lane, &result, &left, err)) {
        return false;
    }
    if (left.count > 0) {
        return FAIL(
            err, ERR_BUSY,
            "another transaction holds %d of %d lanes, the others are rebuilt: run it again",
            left.count, LANES);
    }
    if (!store_unread_count(db, &result.unread, err)) {
        return false;
    }
    *out = result;
    return true;
}
