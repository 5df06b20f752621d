/* What was known besides the shopper, moment by moment, for the features that training takes. */
#include "train/risk/train_context.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/models.h"
#include "store/shop_days.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool days_open(const struct training *t, struct train_context *c, struct err *err)
{
    int64_t now_us = clock_now_us();
    /* A day is written when it has ended, and stays as it was written. */
    int64_t until_us = t->options->as_of_us < now_us ? t->options->as_of_us : now_us;

    /* Also those that maintenance has not come to yet. */
    return store_shop_days_fill(t->store, until_us / DAYS(1), NULL, err) &&
           store_shop_days_read(t->store, 0, &c->arena, &c->days, err);
}

/* Whether the model at a place belongs behind one promoted at that time: by the end of their log;
 * of equal ones the last promoted counts. */
static bool belongs_behind(const struct train_context *c, int at, const struct affinity *model,
                           int64_t promoted_us)
{
    int64_t mine = affinity_as_of_us(model);
    int64_t theirs = affinity_as_of_us(c->affinities[at]);

    return theirs > mine || (theirs == mine && c->promoted_us[at] > promoted_us);
}

static void keep(struct train_context *c, struct affinity *model, void *bytes, int64_t promoted_us)
{
    int at = c->count++;

    /* Oldest log first: the last one that fits a moment is the newest. */
    for (; at > 0 && belongs_behind(c, at - 1, model, promoted_us); at--) {
        c->affinities[at] = c->affinities[at - 1];
        c->bytes[at] = c->bytes[at - 1];
        c->promoted_us[at] = c->promoted_us[at - 1];
    }
    c->affinities[at] = model;
    c->bytes[at] = bytes;
    c->promoted_us[at] = promoted_us;
}

static bool affinity_open(const struct training *t, const struct model_row *row,
                          struct train_context *c, struct err *err)
{
    struct model_file file = {0};
    struct affinity *model = NULL;
    struct err refused = {0};
    void *bytes = NULL;
    size_t len = 0;

    if (!store_model_file(t->store, row->version, &bytes, &len, err)) {
        return false;
    }
    /* One that does not load any more (of an older build, say) is passed over: its moments are
     * given the model before it. */
    if (!model_file_view(bytes, len, &file, &refused) ||
        !affinity_load(&file, row->version, &model, &refused)) {
        model_file_close(&file);
        mem_free(&bytes);
        return true;
    }
    keep(c, model, bytes, row->promoted_us);
    return true;
}

static bool affinities_open(const struct training *t, struct train_context *c, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct model_row *rows;
    size_t count;

    if (!store_models_list(t->store, &a, &rows, &count, err)) {
        return false;
    }
    for (size_t i = count; i > 0 && c->count < TRAIN_AFFINITIES_MAX; i--) {
        /* What never served was known to no decision, and of the built-in one scores
         * know nothing (live/live.c). */
        bool served = strcmp(rows[i - 1].kind, "affinity") == 0 && rows[i - 1].number > 0 &&
                      rows[i - 1].promoted_us != 0;
        if (served && !affinity_open(t, &rows[i - 1], c, err)) {
            return false;
        }
    }
    return true;
}

bool train_context_open(const struct training *t, struct train_context *out, struct err *err)
{
    struct train_context c = {0};

    if (!days_open(t, &c, err) || !affinities_open(t, &c, err)) {
        train_context_free(&c);
        return false;
    }
    *out = c;
    return true;
}

void train_context_free(struct train_context *c)
{
    for (int i = 0; i < c->count; i++) {
        affinity_free(&c->affinities[i]);
        mem_free(&c->bytes[i]);
    }
    arena_free(&c->arena);
    *c = (struct train_context){0};
}

struct feature_context train_context_at(const struct train_context *c, int64_t at_us)
{
    struct feature_context out = {.days = &c->days};

    /* A model that had seen the moment would tell what the shopper was about to choose: the taste
     * would leak the label. */
    for (int i = 0; i < c->count && affinity_as_of_us(c->affinities[i]) <= at_us; i++) {
        out.affinity = c->affinities[i];
    }
    return out;
}
