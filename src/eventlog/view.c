/* A shopper as of now, read through the same fold that stores it. Read only. */
#include "eventlog/view.h"

#include "base/clock.h"
#include "eventlog/shopper_log.h"
#include "eventlog/view_heavy.h"

#include <string.h>

/* A base is one lump: what lies inside it cannot be told apart any more. */
static bool reaches_back(const struct shopper_rows *rows, int64_t until_us, struct arena *a,
                         struct err *err)
{
    struct shopper *s;
    char from[CLOCK_TEXT_MAX];

    if (rows->base == NULL || until_us == INT64_MAX) {
        return true;
    }
    if (!shopper_from_base(rows->base, a, &s, err)) {
        return false;
    }
    if (s->at_us > until_us) {
        return FAIL_AT(err, ERR_INVALID, "at",
                       "must not be before %s: retention removed the events up to there",
                       clock_format_rfc3339(s->at_us, from));
    }
    return true;
}

/* Base and events are of one snapshot, so no event is in both, or in neither because retention came
 * between two reads. */
static bool fold_whole(struct view *v, int64_t until_us, struct arena *a, struct err *err)
{
    const struct history *h = &v->rows.events;

    if (!shopper_log_fold(v->key, v->rows.base, h, until_us, a, &v->shopper, err)) {
        return false;
    }
    v->known = v->rows.base != NULL || h->count > 0;
    v->last_off = h->count > 0 ? h->events[h->count - 1].off : 0;
    return true;
}

/* Adds what no consumer has folded yet. */
static enum shopper_step apply_news(struct view *v, struct arena *a)
{
    const struct history *news = &v->rows.events;
    enum shopper_step step = SHOPPER_FOLDED;

    for (size_t i = 0; i < news->count && step == SHOPPER_FOLDED; i++) {
        struct event e;
        struct err dead;
        /* What does not decode was dead-lettered or will be, and counts for nothing; its offset was
         * seen all the same, or a release would take it for news for ever. */
        if (log_event_decode(&news->events[i], a, &e, &dead)) {
            step = shopper_apply(v->shopper, &e, a);
        }
        v->last_off = news->events[i].off;
    }
    return step;
}

/* False where the document does not do: it is of another version, or the news sort before what it
 * has. */
static bool fold_news(struct view *v, struct arena *a, bool *out_readable)
{
    struct err unreadable = {0};

    /* folded_off is the newest of the key's events in doc, so the first of the news is the next one:
     * doc and news are of one snapshot, and the fold writes doc and offset together. */
    v->known = v->rows.doc != NULL || v->rows.events.count > 0;
    v->last_off = v->rows.doc == NULL ? 0 : v->rows.folded_off;
    *out_readable = shopper_from_doc(v->key, v->rows.doc, a, &v->shopper, &unreadable);
    return *out_readable && apply_news(v, a) == SHOPPER_FOLDED;
}

static bool refuse_past(struct err *err)
{
    return FAIL_AT(
        err, ERR_INVALID, "at",
        "is too far back for a shopper of so many events: what it did is more than can be "
        "read at once (%d events, or %d MiB of them)",
        VIEW_EVENTS_MAX, VIEW_BYTES_MAX >> 20);
}

/* Who has done very much must not take the memory and the time of everybody else's requests. */
static bool is_bounded(const struct view *v, int64_t until_us, struct err *err)
{
    if (!v->rows.cut) {
        return true;
    }
    if (until_us != INT64_MAX) {
        return refuse_past(err);
    }
    return FAIL(
        err, ERR_BUSY,
        "some of this shopper's events are still being folded, and are more than can be read at once "
        "(%d events, or %d MiB of them)",
        VIEW_EVENTS_MAX, VIEW_BYTES_MAX >> 20);
}

static bool read_rows(struct db *db, const struct shopper_ask *ask, int64_t until_us,
                      struct arena *a, struct view *v, struct err *err)
{
    if (!store_gather(db, ask, a, &v->rows, err) || !is_bounded(v, until_us, err)) {
        return false;
    }
    v->lane = v->rows.lane;
    v->key = v->rows.key;
    return true;
}

/* What was folded last is all there is to be had. */
static bool leave_unread(struct view *v, int64_t until_us, struct arena *a, struct err *err)
{
    struct err unreadable = {0};

    if (until_us != INT64_MAX) {
        return refuse_past(err);
    }
    if (!shopper_from_doc(v->key, v->rows.doc, a, &v->shopper, &unreadable)) {
        v->shopper = shopper_new(v->key, a);
    }
    v->known = true;
    v->unread = true;
    return true;
}

/* Everything, if it can be read at once. A document of another version the fold leaves until there are news, and that of few events is
 * read whatever it takes; other news that do not fit it takes soon. */
static bool read_whole(struct db *db, bool for_decision, bool readable, struct arena *a,
                       struct view *v, struct err *err)
{
    const bool many = v->rows.heavy || v->rows.held;
    const struct shopper_ask whole = {.key = v->key,
                                      .whole = true,
                                      .for_decision = for_decision,
                                      .events_most = readable || many ? VIEW_EVENTS_MAX : 0,
                                      .bytes_most = VIEW_BYTES_MAX};

    return read_rows(db, &whole, INT64_MAX, a, v, err);
}

static bool is_rebound(const struct view *v, struct arena *a)
{
    const struct history *h = &v->rows.events;
    bool rebound = false;

    for (size_t i = 0; v->key[0] == 'a' && i < h->count && !rebound; i++) {
        struct event e;
        struct err dead;
        rebound = h->events[i].off > v->rows.folded_off &&
                  log_event_decode(&h->events[i], a, &e, &dead) &&
                  shopper_changes_owner(v->shopper, &e);
    }
    return rebound;
}

/* The present needs only the news, unless they do not fit behind what is stored: then everything is
 * read, or from a state on the way on, which is rare and costs further round trips. A look into the past was read whole. */
static bool fold_all(struct db *db, int64_t until_us, bool for_decision, struct arena *a,
                     struct view *v, struct err *err)
{
    bool readable = true;
    bool read = false;

    if (v->rows.whole && !reaches_back(&v->rows, until_us, a, err)) {
        return false;
    }
    /* A document may be used only with the news behind it, and a whole history only without. */
    if (!v->rows.whole && !v->rows.held && fold_news(v, a, &readable)) {
        return true;
    }
    if ((v->rows.held || (v->rows.heavy && !v->rows.whole)) &&
        !view_read_heavy(db, until_us, a, v, &read, err)) {
        return false;
    }
    if (!read && !v->rows.whole && !read_whole(db, for_decision, readable, a, v, err)) {
        return false;
    }
    if (read) {
        return true;
    }
    return v->rows.held ? leave_unread(v, until_us, a, err) : fold_whole(v, until_us, a, err);
}

static bool fold_rows(struct db *db, int64_t until_us, bool for_decision, struct arena *a,
                      struct view *v, struct err *err)
{
    if (!fold_all(db, until_us, for_decision, a, v, err)) {
        return false;
    }
    v->rebound = is_rebound(v, a);
    return true;
}

static bool read_and_fold(struct db *db, const char *key, const struct view_ask *ask,
                          struct arena *a, struct view *out, struct err *err)
{
    const struct shopper_ask part = {.key = key,
                                     .whole = ask->until_us != INT64_MAX,
                                     .for_decision = ask->for_decision,
                                     .events_most = VIEW_EVENTS_MAX,
                                     .bytes_most = VIEW_BYTES_MAX};
    struct view v = {0};

    if (!read_rows(db, &part, ask->until_us, a, &v, err) ||
        !fold_rows(db, ask->until_us, ask->for_decision, a, &v, err)) {
        return false;
    }
    *out = v;
    return true;
}

bool view_read(struct db *db, const char *key, int64_t until_us, struct arena *a, struct view *out,
               struct err *err)
{
    return read_and_fold(db, key, &(struct view_ask){.until_us = until_us}, a, out, err);
}

/* Whose an anonymous shopper is, is asked of the present, whatever time the request looks at. */
static bool follow(struct db *db, const struct view_ask *ask, struct arena *a, struct view *v,
                   struct err *err)
{
    if (!fold_rows(db, INT64_MAX, ask->for_decision, a, v, err)) {
        return false;
    }
    if (!v->known) {
        v->key = NULL;
        return true;
    }
    if (v->unread) {
        return ask->until_us == INT64_MAX ||
               FAIL(err, ERR_BUSY, "whose this anonymous shopper is, is still being folded");
    }
    const char *owner = shopper_owner_now(v->shopper);
    if (owner != NULL) {
        const struct view by = *v;
        if (!read_and_fold(db, arena_printf(a, "c:%s", owner), ask, a, v, err)) {
            return false;
        }
        v->found_by = by.key;
        v->found_by_off = by.last_off;
        return true;
    }
    return ask->until_us == INT64_MAX || fold_rows(db, ask->until_us, ask->for_decision, a, v, err);
}

static bool find(struct db *db, const struct view_ask *ask, struct arena *a, struct view *out,
                 struct err *err)
{
    const struct shopper_ask part = {.key = ask->key,
                                     .cart_id = ask->cart_id,
                                     .whole = ask->until_us != INT64_MAX,
                                     .for_decision = ask->for_decision,
                                     .events_most = VIEW_EVENTS_MAX,
                                     .bytes_most = VIEW_BYTES_MAX};
    struct view v = {0};

    if (!read_rows(db, &part, ask->until_us, a, &v, err)) {
        return false;
    }
    if (v.rows.found && !v.rows.shared &&
        !(v.key[0] == 'a' ? follow(db, ask, a, &v, err)
                          : fold_rows(db, ask->until_us, ask->for_decision, a, &v, err))) {
        return false;
    }
    *out = v;
    return true;
}

/* Several keys keep a cart of that id. Only where all of them turn out to be one person is it theirs; of more than a few nobody looks. */
static bool find_among(struct db *db, const struct view_ask *ask, struct arena *a, struct view *out,
                       struct err *err)
{
    const char *keys[KEEPERS_MAX + 1];
    size_t count = 0;
    struct view only = {0};

    if (!store_cart_keepers(db, ask->cart_id, a, keys, &count, err)) {
        return false;
    }
    bool shared = count > KEEPERS_MAX;
    for (size_t i = 0; i < count && !shared; i++) {
        const struct view_ask by = {
            .key = keys[i], .until_us = ask->until_us, .for_decision = ask->for_decision};
        struct view v;
        if (!find(db, &by, a, &v, err)) {
            return false;
        }
        /* Who is not known any more keeps nothing; who was not yet, does. */
        if (v.key != NULL && (v.known || ask->until_us != INT64_MAX)) {
            shared = only.key != NULL && strcmp(only.key, v.key) != 0;
            only = v;
        }
    }
    *out = shared ? (struct view){.shared = true} : only;
    return true;
}

bool view_find(struct db *db, const struct view_ask *ask, struct arena *a, struct view *out,
               struct err *err)
{
    struct view v;

    if (!find(db, ask, a, &v, err)) {
        return false;
    }
    if (v.rows.shared) {
        return find_among(db, ask, a, out, err);
    }
    *out = v;
    return true;
}

bool view_has_news(const struct view *v)
{
    return v->unread || v->last_off > v->rows.folded_off;
}
