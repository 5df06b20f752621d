/* Which stand-ins were mended. Events are compared by marks: 62 bits of a hash of the id that both were sent with. */
#include "domain/shopper/shopper_stand_ins.h"

#include "base/hash.h"
#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_identity.h"

#include <stdlib.h>
#include <string.h>

/* ---- marks ---- */

static const char *side_of(const struct event *e)
{
    return identity_is_forwarded(e) ? e->via : "";
}

/* In the text of a state it is a count, which may not be 0. */
static int64_t mark_of(const char *id, const char *side)
{
    uint8_t sum[SHA256_BYTES];
    struct hash_state h;
    uint64_t bits;

    hash_begin(&h);
    hash_add(&h, id, strlen(id) + 1);
    hash_add(&h, side, strlen(side));
    hash_end(&h, sum);
    memcpy(&bits, sum, sizeof bits);
    return (int64_t)(bits >> 2) | 1;
}

static int compare_marks(const void *left, const void *right)
{
    const int64_t x = ((const struct stand_in *)left)->mark;
    const int64_t y = ((const struct stand_in *)right)->mark;

    return (x > y) - (x < y);
}

static bool has_mark(const struct stand_in *all, size_t count, int64_t mark)
{
    const struct stand_in wanted = {mark};

    return count > 0 && bsearch(&wanted, all, count, sizeof *all, compare_marks) != NULL;
}

/* An order, or a no: nothing else has a stand-in. Mended into something else, it does not take back what was said. */
static bool may_be_mended(const struct event *e)
{
    return !e->stands_in &&
           (e->type == EVENT_PURCHASE || e->type == EVENT_RENEWAL || event_withdraws(e));
}

static void add(struct stand_in_list *list, int64_t mark, struct arena *a)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? 16 : 2 * list->room;
        struct stand_in *more = arena_array(a, list->room, sizeof *more);
        if (list->count > 0) {
            memcpy(more, list->all, list->count * sizeof *more);
        }
        list->all = more;
    }
    list->all[list->count++] = (struct stand_in){mark};
}

/* In order, each once. */
static void settle(struct stand_in_list *list)
{
    size_t kept = 0;

    if (list->count > 1) {
        qsort(list->all, list->count, sizeof *list->all, compare_marks);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (kept == 0 || list->all[kept - 1].mark != list->all[i].mark) {
            list->all[kept++] = list->all[i];
        }
    }
    list->count = kept;
}

/* ---- of a set ---- */

bool shopper_page_stands(const struct event *e)
{
    return e->stands_in || may_be_mended(e);
}

void shopper_page_stand_in(struct page_stand_ins *p, const struct event *e, struct arena *a)
{
    if (e->stands_in) {
        add(&p->told, mark_of(e->sort_id, ""), a);
        if (side_of(e)[0] != '\0') {
            add(&p->told, mark_of(e->sort_id, side_of(e)), a);
        }
    }
}

void shopper_page_mended(struct page_stand_ins *p, const struct event *e, struct arena *a)
{
    if (p->told.count == 0 || !may_be_mended(e)) {
        return;
    }
    if (!p->settled) {
        settle(&p->told);
        p->settled = true;
    }
    const int64_t mark = mark_of(e->sort_id, side_of(e));
    if (has_mark(p->told.all, p->told.count, mark)) {
        add(&p->mended, mark, a);
    }
}

/* The smallest are kept, so that it does not matter in which order they came. */
static bool join(struct stand_in **kept, size_t *count, struct stand_in_list *more, size_t most,
                 struct arena *a)
{
    for (size_t i = 0; i < *count; i++) {
        add(more, (*kept)[i].mark, a);
    }
    settle(more);
    const bool all = more->count <= most;
    *count = all ? more->count : most;
    *kept = arena_array(a, cart_lines_capacity(*count), sizeof **kept);
    memcpy(*kept, more->all, *count * sizeof **kept);
    return all;
}

void shopper_pages_mend(struct shopper *who, struct page_stand_ins *p, struct arena *a)
{
    if (p->told.count > 0) {
        who->stand_ins_more =
            !join(&who->stand_ins, &who->stand_in_count, &p->told, STAND_INS_MAX, a) ||
            who->stand_ins_more;
    }
    if (p->mended.count > 0) {
        (void)join(&who->mended, &who->mended_count, &p->mended, STAND_INS_MAX, a);
    }
}

void stand_ins_collect(struct shopper *s, const struct event *events, size_t count, struct arena *a)
{
    struct page_stand_ins p = {0};

    for (size_t i = 0; i < count; i++) {
        shopper_page_stand_in(&p, &events[i], a);
    }
    for (size_t i = 0; i < count && p.told.count > 0; i++) {
        shopper_page_mended(&p, &events[i], a);
    }
    shopper_pages_mend(s, &p, a);
}

/* ---- of a state ---- */

bool stand_ins_are_asked(const struct shopper *s, const struct event *e)
{
    return e->stands_in || (s->stand_in_count > 0 && may_be_mended(e) &&
                            (s->stand_ins_more || has_mark(s->stand_ins, s->stand_in_count,
                                                           mark_of(e->sort_id, side_of(e)))));
}

bool stand_in_is_mended(const struct shopper *s, const struct event *e)
{
    return e->stands_in && s->mended_count > 0 &&
           (has_mark(s->mended, s->mended_count, mark_of(e->sort_id, "")) ||
            has_mark(s->mended, s->mended_count, mark_of(e->sort_id, side_of(e))));
}

void stand_ins_take(struct shopper *s, const struct shopper *known)
{
    s->stand_ins = known->stand_ins;
    s->stand_in_count = known->stand_in_count;
    s->stand_ins_more = known->stand_ins_more;
    s->mended = known->mended;
    s->mended_count = known->mended_count;
}
