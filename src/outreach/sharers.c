/* What the customers did that a browser may be. Must not judge any of it. */
#include "outreach/sharers.h"

#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "domain/shop/event.h"
#include "outreach/gather.h"

#include <string.h>

enum { SHARERS_MAX = 64, TOLD_MAX = SHARERS_MAX + 1, KEY_MAX = 4096 };

static void raise_to(int64_t *most, int64_t us)
{
    *most = us > *most ? us : *most;
}

/* By shopper_consent and not by the record: of a channel's and a general consent the newer holds. */
static int64_t withdrawn_at(const struct shopper *s)
{
    int64_t last_us = 0;

    for (size_t i = 0; i < s->consent_count; i++) {
        const struct consent *c = &s->consents[i];
        if (!c->given && shopper_consent(s, c->channel) < 0) {
            raise_to(&last_us, c->at_us);
        }
    }
    return last_us;
}

/* Without the browser that is asked about, which was taken for theirs perhaps: what it did is known. Returns how many. */
static size_t without(const char *browser, const char **ids, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(ids[i], browser) != 0) {
            ids[kept++] = ids[i];
        }
    }
    return kept;
}

/* Everything committed counts: what waits for the fold is read with the customer, what comes from their browsers is waited for. */
static bool add_sharer(struct db *db, const struct outreach_subject *customer, const char *browser,
                       struct arena *a, struct sharers *all, struct err *err)
{
    struct gathered g;
    struct joins_pending pending;

    if (!outreach_gather(db, customer, a, &g, err)) {
        return false;
    }
    if (!g.known) {
        return true;
    }
    g.via_count = without(browser, g.vias, g.via_count);
    g.open_count = without(browser, g.open, g.open_count);
    if (!outreach_pending(db, &g, a, &pending, err)) {
        return false;
    }
    raise_to(&all->ordered_us, g.view.shopper->last_order_us);
    raise_to(&all->withdrawn_us, withdrawn_at(g.view.shopper));
    raise_to(&all->unread_until_us, g.unread_until_us);
    raise_to(&all->unread_until_us, pending.due_us);
    all->wait = all->wait || ((pending.any || pending.moved) && pending.due_us == 0);
    return true;
}

bool outreach_sharers_read(struct db *db, const struct sharers_ask *ask, struct arena *a,
                           struct sharers *out, struct err *err)
{
    CLEANUP(jdec_free) json_t *doc = jdec_parse(ask->told, strlen(ask->told), err);

    *out = (struct sharers){0};
    if (doc == NULL) {
        return false;
    }
    struct jdec d = jdec_root(doc, err);
    const size_t count = jdec_array(&d, "keys", TOLD_MAX);
    out->too_many = count > SHARERS_MAX;
    for (size_t i = 0; i < count && !out->too_many; i++) {
        const struct outreach_subject customer = {
            .key = arena_strdup(a, jdec_element_text(&d, "keys", i, KEY_MAX)),
            .dry_run = true,
            .now_us = ask->now_us};
        if (jdec_failed(&d) || !add_sharer(db, &customer, ask->browser, a, out, err)) {
            return false;
        }
    }
    (void)jdec_array(&d, "offs", TOLD_MAX); /* they only tell whether anything came */
    return jdec_end(&d);
}
