/* Shoppers of very many events: folded again from a checkpoint instead of from the whole log. Pure about that is
 * domain/shopper/shopper_again.h; here is what is kept for it (sql/migrations/0019_heavy_shoppers.sql), and when. */
#include "fold/fold_heavy.h"

#include "base/cleanup.h"
#include "base/metric.h"
#include "domain/shopper/shopper_again.h"
#include "store/stale.h"

enum {
    PAGE_TIMES = 4,  /* heavy_events that a page has */
    ALONE_PAGES = 4, /* that lie behind a checkpoint, where only who is folded waits for them */
    PAGE_OF_NONE = 10000
};

int64_t fold_heavy_page(int64_t heavy_events)
{
    return heavy_events == 0 ? PAGE_OF_NONE : PAGE_TIMES * heavy_events;
}

int64_t fold_heavy_spacing(int64_t heavy_events)
{
    return heavy_events / 8 > 0 ? heavy_events / 8 : 1;
}

/* A refold wants the log as a whole: to see who is told what, or because what was stored is of another version. */
static bool wants_whole(const struct fold_key *k)
{
    return k->sweep || k->before != NULL;
}

/* So many events of one shopper that lie behind a checkpoint are read again; who asks for more in a batch is folded alone (fold_stale.c), who does there a page at a
 * time (fold_refold.c). */
static struct heavy_most at_once(const struct fold_batch *b)
{
    return (struct heavy_most){b->alone ? ALONE_PAGES * fold_heavy_page(b->heavy_events)
                                        : b->heavy_events / 2,
                               b->heavy_bytes};
}

static bool is_heavy(const struct fold_batch *b, const struct fold_key *k)
{
    const int64_t known = k->after->events + k->after->late_events;

    return b->heavy_events > 0 &&
           (known > k->events_before ? known : k->events_before) >= b->heavy_events;
}

/* How often the shopper has been as heavy as it takes. */
static int64_t times_heavy(const struct fold_batch *b, int64_t events)
{
    return b->heavy_events > 0 ? events / b->heavy_events : 0;
}

/* Checkpoints also follow a shopper whose events come in order, or the first that does not would find them far behind. */
static bool grew(const struct fold_batch *b, const struct fold_key *k)
{
    return !k->refold && times_heavy(b, k->after->events) > times_heavy(b, k->events_before);
}

/* A shopper in order is read whole for its first checkpoints. If it is of many more events and there are none (retention has removed them),
 * the first event out of order makes them. */
static bool became_heavy(const struct fold_batch *b, const struct fold_key *k)
{
    return times_heavy(b, k->events_before) == 0 && times_heavy(b, k->after->events) <= 4;
}

/* ---- from a checkpoint ---- */

/* What there is to begin at. */
struct beginning {
    struct shopper *known;
    struct heavy_checkpoint *stored;
    size_t kept; /* of the stored: up to the one to begin at; 0 none does */
    struct history news;
    struct history behind;
    struct checkpoint from;
};

static size_t before_news(const struct beginning *x, size_t count)
{
    int64_t first_us = INT64_MAX;
    size_t n = 0;

    for (size_t i = 0; i < x->news.count; i++) {
        const int64_t at_us = x->news.events[i].occurred_us;
        first_us = at_us < first_us ? at_us : first_us;
    }
    /* Strictly: a checkpoint holds all events of its moment, and one of the news may be of it. */
    while (n < count && x->stored[n].at_us < first_us) {
        n++;
    }
    return n;
}

/* What came in since the last fold that noted checkpoints; none where that is more than a page, and the batch. */
static bool read_news(const struct fold_batch *b, const struct fold_key *k, int64_t known_off,
                      struct db *db, struct history *out, bool *out_all, struct err *err)
{
    const int64_t most = fold_heavy_page(b->heavy_events) + (int64_t)b->count;
    const struct history_range news = {
        .after_off = known_off, .last_off = k->last_off, .since_us = INT64_MIN, .most = most + 1};
    const struct history_key key = {k->lane, k->key};
    int64_t events;
    int64_t bytes;

    *out_all = false;
    /* Counted before they are read: what came in since may be years of events. */
    if (!store_history_size(db, key, &news, &events, &bytes, err)) {
        return false;
    }
    *out_all = events <= most && bytes <= 2 * b->heavy_bytes;
    return !*out_all || store_history_page(db, key, &news, b->arena, out, err);
}

/* Reads no more than it needs, and no more than there is room for: x->kept stays 0 where nothing does. */
static bool find_beginning(const struct fold_batch *b, const struct fold_key *k,
                           const struct heavy_known *h, struct db *db, struct beginning *x,
                           struct err *err)
{
    const struct history_key key = {k->lane, k->key};
    struct arena *a = b->arena;
    struct err unreadable = {0};
    size_t count;
    const char *doc;
    bool all;

    if (h->doc == NULL || !shopper_from_doc(k->key, h->doc, a, &x->known, &unreadable)) {
        return true;
    }
    if (!read_news(b, k, h->known_off, db, &x->news, &all, err) ||
        !store_heavy_checkpoints(db, key, a, &x->stored, &count, err)) {
        return false;
    }
    /* Without all of the news nobody knows where the first of them lies. */
    const size_t kept = all ? before_news(x, count) : 0;
    if (kept == 0) {
        return true;
    }
    x->from = (struct checkpoint){.at_us = x->stored[kept - 1].at_us,
                                  .events = x->stored[kept - 1].events};
    if (!store_heavy_behind(db, key, (struct heavy_place){x->from.at_us, INT64_MAX}, at_once(b), a,
                            &x->behind, err)) {
        return false;
    }
    /* more than may be read at once here: kept stays 0, and no checkpoint does */
    if (x->behind.more) {
        return true;
    }
    if (!store_heavy_checkpoint_doc(db, key, x->from.at_us, a, &doc, err)) {
        return false;
    }
    if (doc != NULL && shopper_from_doc(k->key, doc, a, &x->from.state, &unreadable)) {
        x->kept = kept;
    }
    return true;
}

struct heavy_checkpoint *fold_heavy_rows(const struct checkpoints *notes, struct arena *a)
{
    struct heavy_checkpoint *rows = arena_array(a, notes->count, sizeof *rows);

    for (size_t i = 0; i < notes->count; i++) {
        rows[i] = (struct heavy_checkpoint){.at_us = notes->all[i].at_us,
                                            .events = notes->all[i].events,
                                            .doc = shopper_to_doc(notes->all[i].state, a)};
    }
    return rows;
}

/* The times of those to keep; returns how many. */
static size_t thinned(const struct beginning *x, int64_t total, int64_t *kept_us, struct arena *a)
{
    int64_t *events = arena_array(a, x->kept, sizeof *events);
    bool *keep = arena_array(a, x->kept, sizeof *keep);
    size_t n = 0;

    for (size_t i = 0; i < x->kept; i++) {
        events[i] = x->stored[i].events;
    }
    checkpoints_thin(events, x->kept, total, keep);
    for (size_t i = 0; i < x->kept; i++) {
        if (keep[i]) {
            kept_us[n++] = x->stored[i].at_us;
        }
    }
    return n;
}

static bool write_further(const struct fold_batch *b, const struct fold_key *k,
                          const struct beginning *x, const struct checkpoints *notes, struct db *db,
                          struct err *err)
{
    struct arena *a = b->arena;
    int64_t *kept_us = arena_array(a, x->kept, sizeof *kept_us);
    const int64_t total = x->from.events + (int64_t)(x->news.count + x->behind.count);
    struct heavy_fold fold = {.last_off = k->last_off,
                              .doc = shopper_to_doc(k->after, a),
                              .kept_us = kept_us,
                              .added = fold_heavy_rows(notes, a),
                              .added_count = notes->count};

    fold.kept_count = thinned(x, total, kept_us, a);
    return store_heavy_write(db, (struct history_key){k->lane, k->key}, &fold, err);
}

static bool fold_from(const struct fold_batch *b, struct fold_key *k, const struct heavy_known *h,
                      struct db *db, bool *out_done, struct err *err)
{
    struct arena *a = b->arena;
    struct beginning x = {0};
    struct checkpoints notes = {.spacing = fold_heavy_spacing(b->heavy_events)};

    *out_done = false;
    if (!find_beginning(b, k, h, db, &x, err)) {
        return false;
    }
    if (x.kept == 0) {
        return true;
    }
    struct event *events = arena_array(a, x.news.count + x.behind.count, sizeof *events);
    metric_add(METRIC_fold_read, x.news.count + x.behind.count);
    const size_t news = shopper_log_events(&x.news, a, events);
    const size_t behind = shopper_log_events(&x.behind, a, events + news);
    struct shopper *after =
        shopper_fold_again(x.known, &x.from, events, news + behind, news, &notes, a);
    /* the news say something that the state would have had to know (shopper_again.h) */
    if (after == NULL) {
        return true;
    }
    k->after = after;
    *out_done = true;
    metric_add(METRIC_fold_checkpoints, 1);
    return write_further(b, k, &x, &notes, db, err);
}

/* ---- which ---- */

/* Of one whose document cannot be read nobody knows yet how many events it has. */
static bool may_be_heavy(const struct fold_batch *b, const struct fold_key *k)
{
    return is_heavy(b, k) || (b->heavy_events > 0 && k->sweep);
}

/* The keys to look at, in parallel arrays; in arena. */
static struct history_keys candidates(const struct fold_batch *b, struct fold_key **out_keys)
{
    int32_t *lanes = arena_array(b->arena, b->key_count, sizeof *lanes);
    const char **names = arena_array(b->arena, b->key_count, sizeof *names);
    size_t n = 0;

    for (size_t i = 0; i < b->key_count; i++) {
        struct fold_key *k = &b->keys[i];
        if (!k->waits && may_be_heavy(b, k) && (k->refold || (grew(b, k) && !wants_whole(k)))) {
            lanes[n] = k->lane;
            names[n] = k->key;
            out_keys[n++] = k;
        }
    }
    return (struct history_keys){.lanes = lanes, .keys = names, .count = n};
}

/* Folds it, or says what is to become of it. */
static bool try_one(struct fold_batch *b, struct fold_key *k, const struct heavy_known *known,
                    struct db *db, struct err *err)
{
    bool done = false;

    if (!is_heavy(b, k) && known->doc == NULL) {
        return true; /* an ordinary shopper */
    }
    if (!wants_whole(k) && !fold_from(b, k, known, db, &done, err)) {
        return false;
    }
    if (done) {
        b->refolds += k->refold ? 1 : 0;
        k->refold = false;
    } else if (!k->refold) {
        k->refold = became_heavy(b, k);
    } else if (!b->alone) {
        fold_key_postpone(k, b->arena);
    }
    return true;
}

/* Who is left asks for its history: alone, or if nobody knows how long it is, that has to fit into a page. */
static bool asks_for_length(const struct fold_batch *b, const struct fold_key *k)
{
    return b->heavy_events > 0 && k->refold &&
           (b->alone || (k->sweep && k->doc != NULL && k->events_before == 0));
}

static bool look_at_length(struct fold_batch *b, struct fold_key *k, struct db *db, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const struct history_range all = {.last_off = k->last_off,
                                      .since_us = INT64_MIN,
                                      .most = fold_heavy_page(b->heavy_events) + 1};
    struct history h;

    if (!store_history_page_within(db, (struct history_key){k->lane, k->key}, &all, b->heavy_bytes,
                                   &a, &h, err)) {
        return false;
    }
    /* Either limit may have cut it: by bytes, the last one read is not the newest. */
    const bool fits =
        (int64_t)h.count < all.most && (h.count == 0 || h.events[h.count - 1].off == k->last_off);
    if (!fits && b->alone) {
        b->too_long = true;
        k->refold = false;
    } else if (!fits) {
        fold_key_postpone(k, b->arena);
    }
    return true;
}

static bool look_at_lengths(struct fold_batch *b, struct db *db, struct err *err)
{
    for (size_t i = 0; i < b->key_count; i++) {
        if (asks_for_length(b, &b->keys[i]) && !look_at_length(b, &b->keys[i], db, err)) {
            return false;
        }
    }
    return true;
}

/* Those that wait; most have before this batch. */
static bool mark_stale(struct fold_batch *b, struct db *db, struct err *err)
{
    int32_t *lanes = arena_array(b->arena, b->key_count, sizeof *lanes);
    const char **names = arena_array(b->arena, b->key_count, sizeof *names);
    size_t n = 0;

    for (size_t i = 0; i < b->key_count; i++) {
        if (b->keys[i].waits) {
            lanes[n] = b->keys[i].lane;
            names[n++] = b->keys[i].key;
        }
    }
    b->put_off = n;
    return store_stale_mark(db, &(struct history_keys){.lanes = lanes, .keys = names, .count = n},
                            err);
}

bool fold_heavy_try(struct fold_batch *b, struct db *db, struct err *err)
{
    struct fold_key **keys = arena_array(b->arena, b->key_count, sizeof(struct fold_key *));
    const struct history_keys names = candidates(b, keys);
    struct heavy_known *known = arena_array(b->arena, names.count, sizeof *known);

    if (names.count > 0 && !store_heavy_known(db, &names, b->arena, known, err)) {
        return false;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (!try_one(b, keys[i], &known[i], db, err)) {
            return false;
        }
    }
    return look_at_lengths(b, db, err) && mark_stale(b, db, err);
}

bool fold_heavy_whole(struct fold_batch *b, struct fold_key *k, const char *base, struct arena *a,
                      struct db *db, struct err *err)
{
    struct checkpoints notes = {.spacing = fold_heavy_spacing(b->heavy_events)};

    if (!shopper_log_fold_noting(k->key, base, &k->history, &notes, a, &k->after, err)) {
        return false;
    }
    b->refolds++;
    /* read whole in a moment the next time as well: not worth the rows */
    if (b->heavy_events == 0 || (int64_t)k->history.count < b->heavy_events) {
        return true;
    }
    const struct heavy_fold fold = {.last_off = k->last_off,
                                    .doc = shopper_to_doc(k->after, a),
                                    .added = fold_heavy_rows(&notes, a),
                                    .added_count = notes.count};
    return store_heavy_write(db, (struct history_key){k->lane, k->key}, &fold, err);
}
