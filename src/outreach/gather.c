/* Reads what a decision is made of. Must not judge any of it. */
#include "outreach/gather.h"

#include <string.h>

static bool has(const char *const *ids, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* Bindings say who was joined; the log also says who is about to be, before any fold did it. What
 * either does counts as the customer's. An anonymous shopper joins nobody into itself. */
static void join(struct gathered *g, struct arena *a)
{
    const struct shopper *s = g->view.shopper;
    const struct shopper_rows *rows = &g->view.rows;
    const size_t bindings = g->view.key[0] == 'c' ? s->binding_count : 0;

    g->vias = arena_array(a, bindings + rows->told_count, sizeof *g->vias);
    /* Both lists, because each may lack one: the fold may not have come to an identify yet, and
     * retention may have removed the identify of a binding. */
    for (size_t i = 0; i < bindings + rows->told_count; i++) {
        const char *via = i < bindings ? s->bindings[i].other : rows->told[i - bindings];
        if (!has(g->vias, g->via_count, via)) { /* a customer may have several intervals of one */
            g->vias[g->via_count++] = via;
        }
    }
}

bool outreach_gather(struct db *db, const struct outreach_subject *subject, struct arena *a,
                     struct gathered *out, struct err *err)
{
    const bool past = subject->at_us != 0;
    /* What was sent and who is joining is for the release. To find it, every event of the shopper is
     * passed over; a dry run need not pay for that. */
    const struct view_ask ask = {.key = subject->key,
                                 .cart_id = subject->key == NULL ? subject->cart_id : NULL,
                                 .until_us = past ? subject->at_us : INT64_MAX,
                                 .for_decision = !subject->dry_run};
    struct gathered g = {.subject = *subject, .now_us = past ? subject->at_us : subject->now_us};

    if (!view_find(db, &ask, a, &g.view, err)) {
        return false;
    }
    /* Somebody not seen yet at that time is no stranger. */
    g.known = g.view.key != NULL && (g.view.known || past);
    if (g.known) {
        join(&g, a);
    }
    *out = g;
    return true;
}
