/* Features to sparse rows: bins, flags, hashed ids. Nothing here knows the weights but
 * risk_contributions. */
#include "domain/risk_encode.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(FEATURE_COUNT <= UINT8_MAX, "entries name their feature in a byte");

/* Bins at each resolution, coarse to fine. */
static const int bins_of[RISK_RESOLUTIONS] = {4, 12, 40};
/* 1 / sqrt(RISK_RESOLUTIONS): a number weighs as much as a flag. */
static const float BIN_VALUE = 0.577350269F;

static int32_t id_bucket(enum feature_id id, const char *text)
{
    uint64_t h = hash_fnv64(feature_def(id)->name, strlen(feature_def(id)->name));
    h ^= hash_fnv64(text ? text : "", text ? strlen(text) : 0) * UINT64_C(0x9E3779B97F4A7C15);
    h ^= h >> 32; /* FNV mixes its high bits best */
    return (int32_t)(h % RISK_ID_BUCKETS);
}

struct risk_example risk_flatten(const struct features *x)
{
    struct risk_example out;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        double value = x->values[f];
        if (feature_def((enum feature_id)f)->kind == FEATURE_ID) {
            out.values[f] = id_bucket((enum feature_id)f, x->ids[f]);
        } else {
            out.values[f] = isfinite(value) && value >= 0 ? value : RISK_MISSING;
        }
    }
    return out;
}

/* ---- bins ---- */

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* Borders of one group from sorted values; the smallest value is no border, nothing lies below it.
 */
static int quantiles(const double *sorted, int count, int bins, double *out)
{
    int edges = 0;
    for (int i = 1; i < bins && count > 0; i++) {
        double edge = sorted[(int64_t)i * count / bins];
        double before = edges > 0 ? out[edges - 1] : sorted[0];
        if (edge > before) {
            out[edges++] = edge;
        }
    }
    return edges;
}

struct risk_bins risk_bins_learn(const struct risk_example *const *examples, int count,
                                 struct arena *a)
{
    assert(count >= 0);
    int most = 0;
    for (int r = 0; r < RISK_RESOLUTIONS; r++) {
        most += bins_of[r];
    }
    double *edges = arena_array(a, (size_t)most * FEATURE_COUNT, sizeof *edges);
    int32_t *start = arena_array(a, RISK_GROUPS + 1, sizeof *start);
    double *sorted = arena_array(a, (size_t)count + 1, sizeof *sorted);
    int32_t used = 0;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        int known = 0;
        for (int i = 0; i < count && feature_def((enum feature_id)f)->kind == FEATURE_NUMERIC;
             i++) {
            sorted[known] = examples[i]->values[f];
            known += examples[i]->values[f] != RISK_MISSING;
        }
        qsort(sorted, (size_t)known, sizeof *sorted, by_value);
        for (int r = 0; r < RISK_RESOLUTIONS; r++) {
            start[f * RISK_RESOLUTIONS + r] = used;
            used += quantiles(sorted, known, bins_of[r], edges + used);
        }
    }
    start[RISK_GROUPS] = used;
    return (struct risk_bins){.edges = edges, .start = start};
}

/* ---- columns ---- */

static bool bins_check(struct risk_bins bins, uint64_t edge_count, struct err *err)
{
    bool ok = bins.start[0] == 0 && bins.start[RISK_GROUPS] >= 0 &&
              (uint64_t)bins.start[RISK_GROUPS] == edge_count;
    for (int g = 0; g < RISK_GROUPS && ok; g++) {
        ok = bins.start[g] <= bins.start[g + 1];
    }
    if (!ok) {
        return FAIL(err, ERR_INVALID, "the bins' starts do not rise from 0 to %llu",
                    (unsigned long long)edge_count);
    }
    for (int g = 0; g < RISK_GROUPS; g++) {
        for (int32_t e = bins.start[g] + 1; e < bins.start[g + 1]; e++) {
            if (!(bins.edges[e - 1] < bins.edges[e])) {
                return FAIL(err, ERR_INVALID, "bin border %d of group %d does not rise",
                            (int)(e - bins.start[g]), g);
            }
        }
    }
    return true;
}

bool risk_encoder_make(struct risk_bins bins, uint64_t edge_count, struct risk_encoder *out,
                       struct err *err)
{
    if (!bins_check(bins, edge_count, err)) {
        return false;
    }
    struct risk_encoder e = {.bins = bins};
    int32_t next = 0;
    for (int g = 0; g < RISK_GROUPS; g++) {
        enum feature_kind kind = feature_def((enum feature_id)(g / RISK_RESOLUTIONS))->kind;
        e.column[g] = next;
        if (kind == FEATURE_NUMERIC) {
            next += bins.start[g + 1] - bins.start[g] +
                    2; /* one bin more than borders, and the missing one */
        } else if (kind == FEATURE_FLAG && g % RISK_RESOLUTIONS == 0) {
            next += 1;
        }
    }
    e.first_id_column = next;
    e.columns = next + RISK_ID_BUCKETS;
    *out = e;
    return true;
}

static int32_t bin_of(const struct risk_bins *bins, int group, double value)
{
    int32_t low = bins->start[group];
    int32_t high = bins->start[group + 1];
    if (value == RISK_MISSING) {
        return high - low + 1;
    }
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (bins->edges[middle] <= value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low - bins->start[group];
}

static void put(struct risk_row *row, int feature, int32_t index, float value)
{
    row->index[row->count] = index;
    row->value[row->count] = value;
    row->feature[row->count] = (uint8_t)feature;
    row->count++;
}

/* Two ids of one row may share a bucket; the first one keeps it, since columns of a row are
 * distinct. */
static void put_id(struct risk_row *row, int feature, int32_t index)
{
    for (int i = 0; i < row->count; i++) {
        if (row->index[i] == index) {
            return;
        }
    }
    put(row, feature, index, 1);
}

void risk_encode(const struct risk_encoder *e, const struct risk_example *x, struct risk_row *out)
{
    out->count = 0;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        int first = f * RISK_RESOLUTIONS;
        switch (feature_def((enum feature_id)f)->kind) {
        case FEATURE_NUMERIC:
            for (int g = first; g < first + RISK_RESOLUTIONS; g++) {
                put(out, f, e->column[g] + bin_of(&e->bins, g, x->values[f]), BIN_VALUE);
            }
            break;
        case FEATURE_FLAG:
            if (x->values[f] > 0) {
                put(out, f, e->column[first], 1);
            }
            break;
        case FEATURE_ID:
        default:
            put_id(out, f, e->first_id_column + (int32_t)x->values[f]);
        }
    }
}

void risk_contributions(const struct risk_encoder *e, const struct fm *fm,
                        const struct risk_example *x, double out[FEATURE_COUNT])
{
    struct risk_row row;
    double entries[RISK_ENTRIES_MAX];
    risk_encode(e, x, &row);
    struct fm_row view = {row.count, row.index, row.value};
    fm_contributions(fm, &view, entries);
    memset(out, 0, FEATURE_COUNT * sizeof *out);
    for (int i = 0; i < row.count; i++) {
        out[row.feature[i]] += entries[i];
    }
}

void risk_schema(uint8_t out[SHA256_BYTES])
{
    struct hash_state h;
    const int32_t layout[] = {1 /* version of the encoding */,
                              RISK_RESOLUTIONS,
                              RISK_ID_BUCKETS,
                              bins_of[0],
                              bins_of[1],
                              bins_of[2]};
    hash_begin(&h);
    hash_add(&h, layout, sizeof layout);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        const struct feature_def *def = feature_def((enum feature_id)f);
        const uint8_t kind = (uint8_t)def->kind;
        hash_add(&h, def->name, strlen(def->name) + 1);
        hash_add(&h, def->unit, strlen(def->unit) + 1);
        hash_add(&h, &kind, sizeof kind);
    }
    hash_end(&h, out);
}
