/* A shopper as of now, read through the same fold that stores it. Read only. */
#include "eventlog/view.h"

#include "base/clock.h"
#include "eventlog/past.h"

#include <assert.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The base and the events after it. Retention may replace both between two reads: then again. */
static bool read_past(struct db *db, const char *key, struct arena *a, const char **out_base,
                      struct history *out, struct err *err)
{
    int lane = event_lane(key);
    struct shopper_row before;
    struct shopper_row after;

    if (!store_shopper_read(db, lane, key, a, &after, err)) {
        return false;
    }
    do {
        before = after;
        if (!store_events_of_key(db, lane, key, 0, a, &out->events, &out->count, err) ||
            !store_shopper_read(db, lane, key, a, &after, err)) {
            return false;
        }
    } while (!same_text(before.base, after.base));
    *out_base = after.base;
    return true;
}

/* A base is one lump: what lies inside it cannot be told apart any more. */
static bool reaches_back(const char *key, const char *base, int64_t until_us, struct arena *a,
                         struct err *err)
{
    struct shopper *s;
    char from[CLOCK_TEXT_MAX];

    if (base == NULL || until_us == INT64_MAX) {
        return true;
    }
    if (!past_shopper(key, base, a, &s, err)) {
        return false;
    }
    if (s->at_us > until_us) {
        return FAIL_AT(err, ERR_INVALID, "at",
                       "must not be before %s: retention removed the events up to there",
                       clock_format_rfc3339(s->at_us, from));
    }
    return true;
}

static bool view_fold_all(struct db *db, int64_t until_us, struct arena *a, struct view *v,
                          struct err *err)
{
    struct history h;
    const char *base;

    if (!read_past(db, v->key, a, &base, &h, err) ||
        !reaches_back(v->key, base, until_us, a, err) ||
        !past_fold(v->key, base, &h, until_us, a, &v->shopper, err)) {
        return false;
    }
    v->known = base != NULL || h.count > 0;
    v->last_off = h.count > 0 ? h.events[h.count - 1].off : 0;
    return true;
}

/* Adds what no consumer has folded yet. */
static enum shopper_step apply_news(struct view *v, const struct history *news, struct arena *a)
{
    enum shopper_step step = SHOPPER_FOLDED;

    for (size_t i = 0; i < news->count && step == SHOPPER_FOLDED; i++) {
        struct event e;
        struct err dead;
        if (past_decode(&news->events[i], a, &e, &dead)) {
            step = shopper_apply(v->shopper, &e, a);
        }
        v->last_off = news->events[i].off;
    }
    return step;
}

bool view_read(struct db *db, const char *key, int64_t until_us, struct arena *a, struct view *out,
               struct err *err)
{
    struct view v = {.lane = event_lane(key), .key = arena_strdup(a, key)};
    struct shopper_row row;
    struct history news;
    struct err unreadable = {0};

    if (until_us != INT64_MAX) {
        if (!view_fold_all(db, until_us, a, &v, err)) {
            return false;
        }
        *out = v;
        return true;
    }
    if (!store_shopper_read(db, v.lane, key, a, &row, err) ||
        !store_events_of_key(db, v.lane, key, row.doc == NULL ? 0 : row.folded_off, a, &news.events,
                             &news.count, err)) {
        return false;
    }
    v.known = row.doc != NULL || news.count > 0;
    v.last_off = row.doc == NULL ? 0 : row.folded_off;
    bool readable = past_shopper(key, row.doc, a, &v.shopper, &unreadable);
    if ((!readable || apply_news(&v, &news, a) == SHOPPER_REFOLD) &&
        !view_fold_all(db, until_us, a, &v, err)) {
        return false;
    }
    *out = v;
    return true;
}

/* A bound anonymous shopper is its customer. */
static bool follow(struct db *db, const char *key, struct arena *a, const char **out_key,
                   struct err *err)
{
    struct view v;

    if (key[0] != 'a') {
        *out_key = key;
        return true;
    }
    if (!view_read(db, key, INT64_MAX, a, &v, err)) {
        return false;
    }
    const char *owner = shopper_owner_at(v.shopper, INT64_MAX);
    *out_key = !v.known ? NULL : owner == NULL ? key : arena_printf(a, "c:%s", owner);
    return true;
}

bool view_resolve(struct db *db, const char *customer_id, const char *anonymous_id,
                  const char *cart_id, struct arena *a, const char **out_key, struct err *err)
{
    const char *key = NULL;
    int lane;

    assert((customer_id != NULL) + (anonymous_id != NULL) + (cart_id != NULL) == 1);
    if (customer_id != NULL) {
        key = arena_printf(a, "c:%s", customer_id);
    } else if (anonymous_id != NULL) {
        key = arena_printf(a, "a:%s", anonymous_id);
    } else if (!store_cart_find(db, cart_id, a, &lane, &key, err)) {
        return false;
    }
    if (key == NULL) {
        *out_key = NULL;
        return true;
    }
    return follow(db, key, a, out_key, err);
}
