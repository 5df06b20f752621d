/* Folds a shopper of very many events again, page by page. Every event is read three times: by offset for what it says of all others, by time to be folded, and
 * where others may have to be told of it, once more. */
#include "fold/fold_refold.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "domain/shopper/shopper_pages.h"
#include "fold/fold_batch.h"
#include "fold/fold_heavy.h"
#include "fold/fold_joins.h"
#include "store/derived.h"
#include "store/handing.h"

#include <stdlib.h>
#include <string.h>

/* One page, of whatever phase. */
struct page {
    const struct stale_means *m;
    struct history_key key;
    struct refolding *r;
    struct arena *arena;
    struct heavy_most most;
    struct shopper_row stored; /* its document and base */
    struct shopper *base;      /* NULL: none */
    enum refold_end end;
};

static bool is_anonymous(const struct page *p)
{
    return p->key.key[0] == 'a';
}

/* ---- by offset: what every event says of all ---- */

struct facts {
    const struct log_event **of_all;
    struct refolding_set *sets;
    struct refolding_page page;
};

static int by_name_newest_first(const void *left, const void *right)
{
    const struct refolding_set *x = left;
    const struct refolding_set *y = right;
    const int order = strcmp(x->name, y->name);

    return order != 0 ? order : (x->version < y->version) - (x->version > y->version);
}

static void keep_newest_sets(struct facts *f)
{
    size_t kept = 0;

    if (f->page.set_count > 1) {
        qsort(f->sets, f->page.set_count, sizeof *f->sets, by_name_newest_first);
    }
    for (size_t i = 0; i < f->page.set_count; i++) {
        if (kept == 0 || strcmp(f->sets[kept - 1].name, f->sets[i].name) != 0) {
            f->sets[kept++] = f->sets[i];
        }
    }
    f->page.set_count = kept;
}

static void look_at(struct page *p, struct facts *f, const struct shopper *who,
                    const struct log_event *log, const struct event *e)
{
    const bool tells_owner = !is_anonymous(p) && shopper_page_tells_owner(p->base, e);

    if (shopper_page_keeps(who, e)) {
        f->of_all[f->page.fact_count++] = log;
    }
    if (tells_owner) {
        f->sets[f->page.set_count++] = (struct refolding_set){e->via, e->version, log->off};
    }
    if (log->off > p->r->from_off &&
        (shopper_changes_owner(who, e) || e->type == EVENT_DERIVED_BINDING_SET)) {
        p->r->says_who = true;
    }
}

static bool note_page(struct page *p, const struct history *h, struct err *err)
{
    struct arena *a = p->arena;
    const struct shopper *who = shopper_new(p->key.key, a);
    struct event *events = arena_array(a, h->count, sizeof *events);
    struct facts f = {.of_all = arena_array(a, h->count, sizeof(const struct log_event *)),
                      .sets = arena_array(a, h->count, sizeof *f.sets),
                      .page = {.events = h->events, .event_count = h->count}};
    struct named_via *names;
    struct err dead;
    size_t n = 0;

    for (size_t i = 0; i < h->count; i++) {
        if (log_event_decode(&h->events[i], a, &events[n], &dead)) {
            look_at(p, &f, who, &h->events[i], &events[n++]);
        }
    }
    keep_newest_sets(&f);
    f.page.name_count = shopper_page_names(p->key.key, events, n, a, &names);
    f.page.names = names;
    f.page.facts = f.of_all;
    f.page.sets = f.sets;
    return store_refolding_note(p->m->db, p->key, &f.page, err);
}

static bool read_range(struct page *p, int64_t last_off, struct history *out, struct err *err)
{
    const struct history_range range = {.after_off = p->r->done_off,
                                        .last_off = last_off,
                                        .since_us = INT64_MIN,
                                        .most = p->most.events};

    if (!store_history_page_within(p->m->db, p->key, &range, p->most.bytes, p->arena, out, err)) {
        return false;
    }
    metric_add(METRIC_fold_read, out->count);
    return true;
}

/* Whom its events name is known when all were read. */
static bool begin_learning(struct page *p, struct err *err)
{
    struct fold_joins j;
    struct named_via *names;
    size_t count;

    if (!fold_joins_read(p->m->db, p->key, p->most, p->arena, &j, err)) {
        return false;
    }
    struct shopper *who = fold_joins_begin(p->key.key, p->base, &j, p->arena);
    if (!is_anonymous(p)) {
        const struct refolding_page by = {.names = who->named, .name_count = who->named_count};
        if (!store_refolding_note(p->m->db, p->key, &by, err) ||
            !store_refolding_names(p->m->db, p->key, NAMED_MAX, p->arena, &names, &count, err)) {
            return false;
        }
        shopper_pages_name(who, names, count, p->arena);
    }
    p->r->phase = REFOLDING_LEARN;
    p->r->done_us = INT64_MIN;
    p->r->doc = shopper_to_doc(who, p->arena);
    return true;
}

static bool read_page(struct page *p, struct err *err)
{
    struct history h;

    if (!read_range(p, p->r->last_off, &h, err)) {
        return false;
    }
    if (h.count == 0) {
        return begin_learning(p, err);
    }
    p->r->events += (int64_t)h.count;
    p->r->done_off = h.events[h.count - 1].off;
    return note_page(p, &h, err);
}

/* ---- in order of time ---- */

typedef bool read_behind(struct db *db, struct history_key key, struct heavy_place behind,
                         struct heavy_most most, struct arena *a, struct history *out,
                         struct err *err);

/* Leaves those before the last time; false: all are of one. */
static bool cut_at_time(struct history *h)
{
    size_t n = h->count;

    while (n > 0 && h->events[n - 1].occurred_us == h->events[h->count - 1].occurred_us) {
        n--;
    }
    h->count = n > 0 ? n : h->count;
    return n > 0;
}

/* What occurred after a time, with what occurred at one time whole, however much that is. */
static bool read_times(struct page *p, read_behind *read, int64_t after_us, struct heavy_most most,
                       struct arena *a, struct history *out, struct err *err)
{
    const struct heavy_place behind = {after_us, INT64_MAX};

    if (!read(p->m->db, p->key, behind, most, a, out, err)) {
        return false;
    }
    /* Where the next page begins is remembered as a time: of one that is cut in the middle the rest
     * would never be read. */
    while (out->more && !cut_at_time(out)) {
        most.events *= 4;
        most.bytes *= 4;
        if (!read(p->m->db, p->key, behind, most, a, out, err)) {
            return false;
        }
    }
    return true;
}

static int64_t last_us(const struct history *h)
{
    return h->events[h->count - 1].occurred_us;
}

/* Orders may be large, and there are few of them. A page has four events at least (fold_heavy_page). */
static struct heavy_most facts_most(const struct page *p)
{
    return (struct heavy_most){p->most.events / 4, p->most.bytes};
}

/* ---- who is whom ---- */

static void begin_folding(struct page *p, struct shopper *who)
{
    p->r->phase = REFOLDING_FOLD;
    p->r->done_us = INT64_MIN;
    p->r->doc = shopper_to_doc(shopper_pages_start(who, p->base, p->arena), p->arena);
}

static bool learn_page(struct page *p, struct shopper *who, struct err *err)
{
    struct arena *a = p->arena;
    struct history h;
    const bool ok =
        is_anonymous(p)
            ? read_times(p, store_refolding_facts, p->r->done_us, facts_most(p), a, &h, err)
            : store_refolding_sets(p->m->db, p->key, p->r->done_name, p->most, a, &h, err);

    if (!ok) {
        return false;
    }
    struct event *events = arena_array(a, h.count, sizeof *events);
    const size_t count = shopper_log_events(&h, a, events);
    shopper_pages_learn(who, p->base,
                        (struct learn_page){p->r->done_us, h.more ? last_us(&h) : INT64_MAX},
                        events, count, a);
    if (!h.more) {
        begin_folding(p, who);
        return true;
    }
    p->r->done_us = is_anonymous(p) ? last_us(&h) : INT64_MIN;
    p->r->done_name = is_anonymous(p) || count == 0 ? p->r->done_name : events[count - 1].via;
    p->r->doc = shopper_to_doc(who, a);
    return true;
}

/* ---- the fold ---- */

/* Those behind the page, if it has any that came in so late that they matter. */
static bool closers_behind(struct page *p, const struct shopper *s, const struct event *events,
                           size_t count, int64_t after_us, struct page_closers **out,
                           struct err *err)
{
    struct history h = {.more = true};

    *out = NULL;
    if (!shopper_page_is_tardy(events, count)) {
        return true;
    }
    *out = shopper_page_closers(events, count, p->arena);
    while (h.more) {
        CLEANUP(arena_free) struct arena a = {0};
        if (!read_times(p, store_refolding_facts, after_us, facts_most(p), &a, &h, err)) {
            return false;
        }
        struct event *facts = arena_array(&a, h.count, sizeof *facts);
        const size_t n = shopper_log_events(&h, &a, facts);
        shopper_page_closers_add(*out, s, facts, n);
        after_us = h.count > 0 ? last_us(&h) : after_us;
    }
    return true;
}

/* What had been folded before; sweep: of another version, so that nobody knows. */
static struct shopper *before_of(const struct page *p, bool *out_sweep)
{
    struct err unreadable = {0};
    struct shopper *before;

    *out_sweep = !shopper_from_doc(p->key.key, p->stored.doc, p->arena, &before, &unreadable);
    return *out_sweep ? shopper_new(p->key.key, p->arena) : before;
}

/* Where nothing is to be told again of what had been folded before, only the news are read once more. */
static bool tells_all(const struct page *p)
{
    bool sweep;

    (void)before_of(p, &sweep);
    return !is_anonymous(p) && (p->r->says_who || sweep);
}

static bool end_folding(struct page *p, struct err *err)
{
    p->r->phase = REFOLDING_TELL;
    p->r->done_off = tells_all(p) ? 0 : p->r->from_off;
    return store_heavy_know(p->m->db, p->key, p->r->last_off, p->r->doc, err);
}

static bool fold_page(struct page *p, struct shopper *s, struct err *err)
{
    struct arena *a = p->arena;
    struct checkpoints notes = {.spacing = fold_heavy_spacing(p->m->config->heavy_events)};
    struct page_closers *later;
    struct history h;

    if (!read_times(p, store_heavy_behind, p->r->done_us, p->most, a, &h, err)) {
        return false;
    }
    metric_add(METRIC_fold_read, h.count);
    struct event *events = arena_array(a, h.count, sizeof *events);
    const size_t count = shopper_log_events(&h, a, events);
    const int64_t done_us = h.count > 0 ? last_us(&h) : p->r->done_us;
    if (!closers_behind(p, s, events, count, done_us, &later, err)) {
        return false;
    }
    const int64_t behind = p->r->events - p->r->folded - (int64_t)h.count;
    shopper_fold_page(s, events, count, later,
                      (struct page_place){p->r->folded, behind > 0 ? behind : 0}, &notes, a);
    p->r->folded += (int64_t)h.count;
    p->r->done_us = done_us;
    p->r->doc = shopper_to_doc(s, a);
    return store_heavy_checkpoints_add(p->m->db, p->key, fold_heavy_rows(&notes, a), notes.count,
                                       err) &&
           (h.more || end_folding(p, err));
}

/* ---- what others are told ---- */

static bool tell_history(struct page *p, struct shopper *after, const struct history *h,
                         struct err *err)
{
    struct event_row *rows;
    struct fold_told told = {.key = p->key.key, .after = after};
    size_t waiting = 0;

    told.before = before_of(p, &told.sweep);
    const size_t count = fold_identity_logins(&told, h, p->arena, &rows);
    metric_add(METRIC_fold_told, count);
    return count == 0 ||
           store_derived_append(p->m->db, rows, count, clock_now_us(), p->arena, &waiting, err);
}

static bool changes_owner(const struct fold_key *k)
{
    bool found = false;

    for (size_t i = 0; i < k->count && !found; i++) {
        found = !k->events[i].dead && shopper_changes_owner(k->after, &k->events[i].event);
    }
    return found;
}

/* As of a batch of which all news together were a part. */
static bool tell_news(struct page *p, struct shopper *after, const struct history *h,
                      struct err *err)
{
    struct fold_batch b;
    bool sweep;

    fold_batch_make(&b, h->events, h->count, clock_now_us(), p->arena);
    b.heavy_events = p->m->config->heavy_events;
    b.heavy_bytes = p->m->config->fold_batch_bytes;
    b.alone = true;
    b.in_pages = true;
    struct fold_key *k = &b.keys[0];
    k->after = after;
    k->before = changes_owner(k) ? before_of(p, &sweep) : NULL;
    k->handed_over = true;
    k->told_us = after->bound_last_us;
    return fold_batch_derive(&b, p->m->db, err);
}

/* What an anonymous shopper did belongs to others: it is passed on a page at a time as well. */
static bool hand_over(struct page *p, const struct shopper *after, struct err *err)
{
    bool sweep;
    const struct shopper *before = before_of(p, &sweep);
    const int64_t changed_us =
        p->r->says_who ? shopper_owner_changed_from(before, after) : INT64_MAX;
    struct handing h = {
        .done_off = p->r->from_off, .last_off = p->r->last_off, .from_us = INT64_MIN};

    if (!is_anonymous(p) || after->binding_count == 0) {
        return true;
    }
    if (!store_handing_put(p->m->db, p->key, &h, err)) {
        return false;
    }
    /* from where somebody else became the owner all of it once more: it was passed on to who
     * had it before */
    h.done_off = 0;
    h.from_us = changed_us;
    return changed_us == INT64_MAX || store_handing_put(p->m->db, p->key, &h, err);
}

static bool write_shopper(struct page *p, struct shopper *after, struct err *err)
{
    struct fold_key k = {
        .lane = p->key.lane, .key = p->key.key, .last_off = p->r->last_off, .doc = p->stored.doc};
    const struct fold_batch b = {.arena = p->arena,
                                 .keys = &k,
                                 .key_count = 1,
                                 .now_us = clock_now_us(),
                                 .heavy_events = p->m->config->heavy_events};

    fold_key_apply(&k, p->arena); /* what carts are stored of it */
    k.after = after;
    metric_add(METRIC_fold_refolds, 1);
    return fold_batch_write(&b, p->m->db, p->m->config, p->m->live, err) &&
           hand_over(p, after, err) && store_refolding_end(p->m->db, p->key, err);
}

static bool tell_page(struct page *p, struct shopper *after, struct err *err)
{
    const bool news = p->r->done_off >= p->r->from_off;
    struct history h;

    if (!read_range(p, news ? p->r->last_off : p->r->from_off, &h, err)) {
        return false;
    }
    if (h.count > 0) {
        p->r->done_off = h.events[h.count - 1].off;
        return news ? tell_news(p, after, &h, err) : tell_history(p, after, &h, err);
    }
    p->end = news ? REFOLD_DONE : REFOLD_MORE;
    p->r->done_off = p->r->from_off;
    return !news || write_shopper(p, after, err);
}

/* ---- a page ---- */

bool fold_refold_begin(const struct stale_means *m, struct history_key key, int64_t from_off,
                       int64_t last_off, struct err *err)
{
    const struct refolding r = {.from_off = from_off,
                                .last_off = last_off,
                                .done_us = INT64_MIN,
                                .done_name = "",
                                .since_us = clock_now_us()};

    /* its old checkpoints are of a fold that this one does not continue */
    return store_heavy_forget(m->db, key, err) && store_refolding_put(m->db, key, &r, err);
}

static bool read_stored(struct page *p, struct err *err)
{
    const struct history_keys one = {.lanes = &p->key.lane, .keys = &p->key.key, .count = 1};

    return store_history_docs(p->m->db, &one, p->arena, &p->stored, err) &&
           (p->stored.base == NULL || shopper_from_base(p->stored.base, p->arena, &p->base, err));
}

static bool next_page(struct page *p, struct err *err)
{
    struct err unreadable = {0};
    struct shopper *s;

    if (p->r->phase == REFOLDING_READ) {
        return read_page(p, err);
    }
    if (!shopper_from_doc(p->key.key, p->r->doc, p->arena, &s, &unreadable)) {
        log_line(LOG_WARN, "refold_begins_anew", "lane %d: %s", p->key.lane, unreadable.text);
        p->end = REFOLD_BROKEN; /* the shopper is stale still */
        return store_heavy_forget(p->m->db, p->key, err) &&
               store_refolding_end(p->m->db, p->key, err);
    }
    switch (p->r->phase) {
    case REFOLDING_LEARN:
        return learn_page(p, s, err);
    case REFOLDING_FOLD:
        return fold_page(p, s, err);
    case REFOLDING_READ:
    case REFOLDING_TELL:
        break;
    }
    return tell_page(p, s, err);
}

bool fold_refold_page(const struct stale_means *m, struct history_key key, int64_t start_us,
                      struct refolding *r, enum refold_end *out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct page p = {
        .m = m,
        .key = key,
        .r = r,
        .arena = &a,
        .most = {fold_heavy_page(m->config->heavy_events), m->config->fold_batch_bytes}};

    if (!read_stored(&p, err) || !next_page(&p, err)) {
        return false;
    }
    *out = p.end;
    r->took_us += clock_monotonic_us() - start_us;
    return p.end != REFOLD_MORE || store_refolding_put(m->db, key, r, err);
}
