/* A shopper of very many events as of now, from a state on the way of its fold (domain/shopper/shopper_again.h) instead of from the
 * whole log. Read only. */
#include "eventlog/view_heavy.h"

#include "eventlog/shopper_log.h"
#include "store/heavy.h"

/* NULL: there is none that does. */
static struct shopper *fold_from(const char *key, const struct heavy_view *h, struct arena *a)
{
    struct checkpoint from = {.at_us = h->from.at_us, .events = h->from.events};
    struct err unreadable = {0};
    struct shopper *known;

    if (h->more || h->doc == NULL || h->from.doc == NULL ||
        !shopper_from_doc(key, h->doc, a, &known, &unreadable) ||
        !shopper_from_doc(key, h->from.doc, a, &from.state, &unreadable)) {
        return NULL;
    }
    struct event *events = arena_array(a, h->news.count + h->behind.count, sizeof *events);
    const size_t news = shopper_log_events(&h->news, a, events);
    const size_t behind = shopper_log_events(&h->behind, a, events + news);
    return shopper_fold_again(known, &from, events, news + behind, news, NULL, a);
}

bool view_read_heavy(struct db *db, int64_t until_us, struct arena *a, struct view *v,
                     bool *out_read, struct err *err)
{
    const struct history_key key = {v->lane, v->key};
    const struct heavy_most most = {.events = VIEW_BEHIND_MAX, .bytes = VIEW_BYTES_MAX};
    struct heavy_view h;

    if (!store_heavy_view(db, key, until_us, most, a, &h, err)) {
        return false;
    }
    /* Also where nothing of it can be used: of who is unread it is the newest of all (view.h). */
    v->last_off = h.newest_off;
    v->due_us = h.due_us;
    struct shopper *s = fold_from(v->key, &h, a);
    *out_read = s != NULL;
    if (s != NULL) {
        v->shopper = s;
        v->known = true;
    }
    return true;
}
