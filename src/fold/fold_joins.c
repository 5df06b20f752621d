/* What carts say of who is whom, of a shopper that is folded in pages: there are few such events, and whether one counts all of them say. */
#include "fold/fold_joins.h"

#include "base/cleanup.h"
#include "domain/shopper/shopper_pages.h"
#include "eventlog/shopper_log.h"

#include <string.h>

struct joins {
    struct event *all;
    size_t count, room;
    struct arena *arena;
};

static void add(struct joins *j, const struct event *e)
{
    if (j->count == j->room) {
        j->room = j->room == 0 ? 16 : 2 * j->room;
        struct event *more = arena_array(j->arena, j->room, sizeof *more);
        if (j->count > 0) {
            memcpy(more, j->all, j->count * sizeof *more);
        }
        j->all = more;
    }
    j->all[j->count++] = shopper_page_join(e, j->arena);
}

static void add_page(struct joins *j, const struct history *h, struct arena *a)
{
    struct event *events = arena_array(a, h->count, sizeof *events);
    const size_t count = shopper_log_events(h, a, events);

    for (size_t i = 0; i < count; i++) {
        if (shopper_page_joins(&events[i])) {
            add(j, &events[i]);
        }
    }
}

bool fold_joins_read(struct db *db, struct history_key key, struct heavy_most most, struct arena *a,
                     struct event **out, size_t *out_count, struct err *err)
{
    struct joins j = {.arena = a};
    struct heavy_place behind = {INT64_MIN, INT64_MAX};
    struct history h = {.more = true};

    while (h.more) {
        /* let go with the page: its facts together may be more than memory has, those that
         * join are few */
        CLEANUP(arena_free) struct arena page = {0};
        if (!store_refolding_facts(db, key, behind, most, &page, &h, err)) {
            return false;
        }
        add_page(&j, &h, &page);
        if (h.count > 0) {
            behind =
                (struct heavy_place){h.events[h.count - 1].occurred_us, h.events[h.count - 1].off};
        }
    }
    *out = j.all;
    *out_count = j.count;
    return true;
}
