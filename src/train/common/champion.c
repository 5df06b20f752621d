/* The champion that a challenger has to face. */
#include "train/common/champion.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/risk/risk_prior.h"
#include "store/models.h"

#include <stdio.h>
#include <string.h>

static bool is_baseline(const char *algorithm)
{
    return strcmp(algorithm, "popularity") == 0 || strcmp(algorithm, "base_rate") == 0;
}

/* A file that does not load (another feature table, say) is no rival: the champion is then as good
 * as absent. */
static void champion_open(struct champion *c, const char *kind, size_t len)
{
    struct err refused = {0};
    struct model_file file = {0};
    if (!model_file_view(c->bytes, len, &file, &refused)) {
        return;
    }
    if (strcmp(kind, "risk") == 0) {
        if (risk_load(&file, c->version, &c->risk, &refused)) {
            c->as_of_us = risk_as_of_us(c->risk);
        }
    } else if (affinity_load(&file, c->version, &c->affinity, &refused)) {
        c->as_of_us = affinity_as_of_us(c->affinity);
    }
}

/* The built-in one has no file. As an affinity it is the baseline of every training, popularity,
 * made of fewer events: nobody to be judged beside it. */
static void champion_prior(const struct training *t, const char *kind, struct champion *c)
{
    if (strcmp(kind, "risk") == 0) {
        const int64_t asked_us = t->options->horizon_us;
        c->risk = risk_prior_make(asked_us != 0 ? asked_us : t->config->risk_horizon);
    } else {
        c->is_baseline = true;
    }
}

bool champion_load(const struct training *t, const char *kind, struct champion *out,
                   struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct champion c = {0};
    struct model_row row = {0};
    size_t len = 0;
    if (!store_model_champion(t->store, kind, &a, &row, &c.found, err)) {
        return false;
    }
    if (c.found) {
        snprintf(c.version, sizeof c.version, "%s", row.version);
        c.is_baseline = is_baseline(row.algorithm);
        if (row.number == 0) {
            champion_prior(t, kind, &c);
        } else if (!store_model_file(t->store, row.version, &c.bytes, &len, err)) {
            return false;
        } else {
            champion_open(&c, kind, len);
        }
        /* What does not load cannot be judged, and must not keep its place against what does. */
        c.found = c.risk || c.affinity || row.number == 0;
    }
    *out = c;
    return true;
}

void champion_free(struct champion *c)
{
    risk_free(&c->risk);
    affinity_free(&c->affinity);
    /* Last: the models look into them. */
    mem_free(&c->bytes);
}
