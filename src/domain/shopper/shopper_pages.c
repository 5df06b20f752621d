/* Folding page by page. What an event does, and what the whole set says, is decided where the set is folded at once (shopper_fold.c, shopper_bindings.c):
 * here is only how much of it is looked at together. */
#include "domain/shopper/shopper_pages.h"

#include "domain/shopper/shopper_bindings.h"
#include "domain/shopper/shopper_fold_internal.h"
#include "domain/shopper/shopper_grounds.h"
#include "domain/shopper/shopper_identity.h"
#include "domain/shopper/shopper_owners.h"

#include <string.h>

/* ---- what all of them say ---- */

bool shopper_page_keeps(const struct shopper *who, const struct event *e)
{
    return late_is_closer(e) || shopper_changes_owner(who, e) || grounds_are_asked(e) ||
           shopper_page_stands(e);
}

bool shopper_page_joins(const struct event *e)
{
    return grounds_are_asked(e);
}

static const char *kept(const char *text, struct arena *a)
{
    return text == NULL ? NULL : arena_strdup(a, text);
}

struct event shopper_page_join(const struct event *e, struct arena *a)
{
    return (struct event){.type = e->type,
                          .customer_id = kept(e->customer_id, a),
                          .anonymous_id = kept(e->anonymous_id, a),
                          .via = kept(e->via, a),
                          .cart_id = kept(e->cart_id, a),
                          .occurred_us = e->occurred_us,
                          .told_us = e->told_us,
                          .guessed = e->guessed,
                          .taken_back = e->taken_back};
}

static bool is_newer(const struct shopper *base, const struct event *set)
{
    bool newer = true;

    for (size_t i = 0; base != NULL && i < base->binding_count; i++) {
        newer = newer && (strcmp(base->bindings[i].other, set->via) != 0 ||
                          base->bindings[i].version < set->version);
    }
    return newer;
}

bool shopper_page_tells_owner(const struct shopper *base, const struct event *e)
{
    return e->type == EVENT_DERIVED_BINDING_SET && is_newer(base, e);
}

size_t shopper_page_names(const char *key, const struct event *events, size_t count,
                          struct arena *a, struct named_via **out)
{
    struct shopper *page = shopper_new(key, a);

    for (size_t i = 0; i < count; i++) {
        if (!grounds_are_asked(&events[i])) {
            bindings_name(page, &events[i], a);
        }
    }
    *out = page->named;
    return page->named_count;
}

struct shopper *shopper_pages_begin(const char *key, const struct shopper *base,
                                    struct event *joins, size_t count, struct arena *a)
{
    struct shopper *who = base == NULL ? shopper_new(key, a) : shopper_copy(base, a);
    const size_t standing = grounds_settle(joins, count);

    grounds_collect(who, joins, standing, count, a);
    for (size_t i = 0; i < standing; i++) {
        bindings_name(who, &joins[i], a);
    }
    if (identity_is_anonymous(
            who)) { /* what the base knows of its owners belongs between the changes of pages */
        who->bindings = NULL;
        who->binding_count = 0;
    }
    return who;
}

void shopper_pages_name(struct shopper *who, const struct named_via *named, size_t count,
                        struct arena *a)
{
    bindings_set_named(who, named, count, a);
}

void shopper_pages_learn(struct shopper *who, const struct shopper *base, struct learn_page page,
                         const struct event *events, size_t count, struct arena *a)
{
    if (identity_is_anonymous(who)) {
        owners_collect_page(who, base, &(struct owners_page){page.after_us, page.until_us}, events,
                            count, a);
    } else {
        bindings_collect(who, shopper_copy(who, a), events, count, a);
    }
}

struct shopper *shopper_pages_start(struct shopper *who, const struct shopper *base,
                                    struct arena *a)
{
    return base != NULL && identity_handed_until(who) > identity_handed_until(base)
               ? fold_handed_over(who, a)
               : who;
}

/* ---- one page ---- */

struct page_closers {
    struct closers closers;
};

bool shopper_page_is_tardy(const struct event *events, size_t count)
{
    bool tardy = false;

    for (size_t i = 0; i < count && !tardy; i++) {
        tardy = late_is_tardy(&events[i]);
    }
    return tardy;
}

struct page_closers *shopper_page_closers(const struct event *events, size_t count, struct arena *a)
{
    struct page_closers *c = arena_array(a, 1, sizeof *c);

    c->closers = late_closers_room(events, count, a);
    for (size_t i = 0; i < count; i++) { /* those that may be asked for: none closes anything yet */
        if (late_is_closer(&events[i]) && events[i].cart_id != NULL) {
            struct event nothing = events[i];
            nothing.received_us = INT64_MAX;
            late_closers_add(&c->closers, &nothing, false);
        }
    }
    return c;
}

void shopper_page_closers_add(struct page_closers *c, const struct shopper *s, struct event *events,
                              size_t count)
{
    const size_t counted = fold_keep_counted(s, events, fold_put_in_order(events, count));

    c->closers.rules = shopper_rules_of(s);
    for (size_t i = 0; i < counted; i++) {
        if (late_is_closer(&events[i])) {
            late_closers_add(&c->closers, &events[i], true);
        }
    }
}

void shopper_fold_page(struct shopper *s, struct event *events, size_t count,
                       const struct page_closers *later, struct page_place place,
                       struct checkpoints *notes, struct arena *a)
{
    struct fold_onlooker o = {.notes = notes,
                              .before = place.folded,
                              .behind = place.behind,
                              .later = later == NULL ? NULL : &later->closers};

    size_t known = fold_put_in_order(events, count);
    (void)grounds_keep(s, events, &known);
    fold_ordered(s, events, known, &o, a);
}
