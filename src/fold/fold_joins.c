/* What only all events together say of a shopper that is folded in pages, and few of them say: what carts tell of who is whom, and what was mended. */
#include "fold/fold_joins.h"

#include "base/cleanup.h"
#include "domain/shopper/shopper_pages.h"
#include "eventlog/shopper_log.h"

#include <string.h>

static void add(struct fold_joins *j, const struct event *e, struct arena *a)
{
    if (j->count == j->room) {
        j->room = j->room == 0 ? 16 : 2 * j->room;
        struct event *more = arena_array(a, j->room, sizeof *more);
        if (j->count > 0) {
            memcpy(more, j->all, j->count * sizeof *more);
        }
        j->all = more;
    }
    j->all[j->count++] = shopper_page_join(e, a);
}

typedef void look_at(struct fold_joins *j, const struct event *e, struct arena *a);

static void look_first(struct fold_joins *j, const struct event *e, struct arena *a)
{
    if (shopper_page_joins(e)) {
        add(j, e, a);
    }
    shopper_page_stand_in(&j->stand_ins, e, a);
}

static void look_again(struct fold_joins *j, const struct event *e, struct arena *a)
{
    shopper_page_mended(&j->stand_ins, e, a);
}

struct joins_source {
    struct db *db;
    struct history_key key;
    struct heavy_most most;
};

CAN_FAIL static bool read_all(const struct joins_source *from, look_at *look, struct fold_joins *j,
                              struct arena *a, struct err *err)
{
    struct heavy_place behind = {INT64_MIN, INT64_MAX};
    struct history h = {.more = true};

    while (h.more) {
        /* let go with the page: its facts together may be more than memory has, those that
         * join are few */
        CLEANUP(arena_free) struct arena page = {0};
        if (!store_refolding_facts(from->db, from->key, behind, from->most, &page, &h, err)) {
            return false;
        }
        struct event *events = arena_array(&page, h.count, sizeof *events);
        const size_t count = shopper_log_events(&h, &page, events);
        for (size_t i = 0; i < count; i++) {
            look(j, &events[i], a);
        }
        if (h.count > 0) {
            behind =
                (struct heavy_place){h.events[h.count - 1].occurred_us, h.events[h.count - 1].off};
        }
    }
    return true;
}

bool fold_joins_read(struct db *db, struct history_key key, struct heavy_most most, struct arena *a,
                     struct fold_joins *out, struct err *err)
{
    const struct joins_source from = {db, key, most};

    *out = (struct fold_joins){0};
    return read_all(&from, look_first, out, a, err) &&
           (out->stand_ins.told.count == 0 || read_all(&from, look_again, out, a, err));
}

struct shopper *fold_joins_begin(const char *key, const struct shopper *base, struct fold_joins *j,
                                 struct arena *a)
{
    struct shopper *who = shopper_pages_begin(key, base, j->all, j->count, a);

    shopper_pages_mend(who, &j->stand_ins, a);
    return who;
}
