/* From rows of the log to a shopper, and from a shopper to the rows that are stored of it. */
#include "eventlog/shopper_log.h"

#include "base/cleanup.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Carts, lines and names are bounded by domain/shopper/shopper.h: CARTS_MAX carts of as many lines and adjustments as there may be, each
 * with ids as long as they may be, are a quarter of this. */
enum { DOC_MAX_BYTES = 128 << 20 };

bool log_event_decode(const struct log_event *e, struct arena *a, struct event *out,
                      struct err *err)
{
    const struct event_kept kept = log_event_kept(e, a);

    *err = (struct err){0};
    return event_decode_kept(&kept, a, out, err);
}

bool shopper_from_doc(const char *key, const char *doc, struct arena *a, struct shopper **out,
                      struct err *err)
{
    if (doc == NULL) {
        *out = shopper_new(key, a);
        return true;
    }
    if (!shopper_decode(doc, strlen(doc), a, out, err)) {
        return false;
    }
    return ((*out)->format == SHOPPER_FORMAT && (*out)->rules == shopper_rules_stamp()) ||
           FAIL(err, ERR_INVALID,
                "%s is of format %lld, or of other rules, and has to be folded again", key,
                (long long)(*out)->format);
}

bool shopper_from_base(const char *base, struct arena *a, struct shopper **out, struct err *err)
{
    if (!shopper_decode(base, strlen(base), a, out, err)) {
        return false;
    }
    (*out)->format = SHOPPER_FORMAT; /* what an older one cannot tell, nobody can any more */
    (*out)->rules = shopper_rules_stamp();
    (*out)->bought_us = 0;
    return true;
}

size_t shopper_log_events(const struct history *h, struct arena *a, struct event *out)
{
    struct err dead;
    size_t n = 0;

    for (size_t i = 0; i < h->count; i++) {
        n += log_event_decode(&h->events[i], a, &out[n], &dead) ? 1 : 0;
    }
    return n;
}

/* NULL where there is none. */
static bool start_of(const char *base, struct arena *a, struct shopper **out, struct err *err)
{
    *out = NULL;
    return base == NULL || shopper_from_base(base, a, out, err);
}

bool shopper_log_fold(const char *key, const char *base, const struct history *h, int64_t until_us,
                      struct arena *a, struct shopper **out, struct err *err)
{
    struct event *events = arena_array(a, h->count, sizeof *events);
    struct shopper *start;

    if (!start_of(base, a, &start, err)) {
        return false;
    }
    *out = shopper_fold_all(start, key, events, shopper_log_events(h, a, events), until_us, a);
    return true;
}

bool shopper_log_fold_noting(const char *key, const char *base, const struct history *h,
                             struct checkpoints *notes, struct arena *a, struct shopper **out,
                             struct err *err)
{
    struct event *events = arena_array(a, h->count, sizeof *events);
    struct shopper *start;

    if (!start_of(base, a, &start, err)) {
        return false;
    }
    *out = shopper_fold_noting(start, key, events, shopper_log_events(h, a, events), notes, a);
    return true;
}

const char *shopper_to_doc(const struct shopper *s, struct arena *a)
{
    CLEANUP(buf_free) struct buf text = buf_make(DOC_MAX_BYTES);

    shopper_encode(s, &text);
    assert(buf_ok(&text));
    return arena_strndup(a, buf_text(&text), text.len);
}

static int32_t releases(const struct cart *c)
{
    int32_t n = 0;

    for (int i = 0; i < STEPS_MAX; i++) {
        n += c->released[i] != 0 ? 1 : 0;
    }
    return n;
}

static struct cart_row row_of(const struct shopper *s, const struct cart *c, int lane)
{
    int64_t total_minor;
    char currency[4];
    bool known = cart_total(c, &total_minor, currency);

    /* not scored: whoever writes it does that, where it is worth it */
    return (struct cart_row){.lane = lane,
                             .cart_id = c->id,
                             .key = s->key,
                             .round = (int32_t)c->round,
                             .status = cart_status_name(c->status),
                             .lines = (int32_t)c->line_count,
                             .units = cart_units(c),
                             .total_minor = known ? total_minor : INT64_MIN,
                             .currency = known ? c->lines[0].currency : NULL,
                             .opened_us = c->opened_us,
                             .changed_us = c->changed_us,
                             .seen_us = s->last_us,
                             .contacted = releases(c),
                             .bot = s->bot,
                             .imported = c->imported,
                             .risk = (double)NAN};
}

size_t shopper_cart_rows(const struct shopper *s, int lane, struct cart_row out[CARTS_MAX])
{
    for (size_t i = 0; i < s->cart_count; i++) {
        out[i] = row_of(s, &s->carts[i], lane);
    }
    return s->cart_count;
}

int64_t shopper_row_until(const struct shopper_row *row, int64_t cursor_off)
{
    return row->stale ? row->folded_off : cursor_off;
}

struct stored_rows stored_rows_make(size_t shoppers_max, struct arena *a)
{
    return (struct stored_rows){
        .arena = a,
        .shoppers = arena_array(a, shoppers_max, sizeof(struct shopper_row)),
        .carts = arena_array(a, shoppers_max * CARTS_MAX, sizeof(struct cart_row)),
        .swept_lanes = arena_array(a, shoppers_max, sizeof(int32_t)),
        .swept_keys = arena_array(a, shoppers_max, sizeof(const char *)),
    };
}

void stored_rows_add(struct stored_rows *rows, const struct shopper *s, int lane,
                     int64_t folded_off, size_t *out_carts)
{
    rows->shoppers[rows->count++] = (struct shopper_row){.lane = lane,
                                                         .key = s->key,
                                                         .folded_off = folded_off,
                                                         .doc = shopper_to_doc(s, rows->arena)};
    *out_carts = shopper_cart_rows(s, lane, rows->carts + rows->cart_count);
    rows->cart_count += *out_carts;
}

void stored_rows_sweep(struct stored_rows *rows, int lane, const char *key)
{
    rows->swept_lanes[rows->swept_count] = lane;
    rows->swept_keys[rows->swept_count++] = key;
}

bool stored_rows_write(const struct stored_rows *rows, struct db *db, struct err *err)
{
    return store_shoppers_write(db, rows->shoppers, rows->count, err) &&
           store_carts_write(db, rows->swept_lanes, rows->swept_keys, rows->swept_count,
                             rows->carts, rows->cart_count, err);
}
