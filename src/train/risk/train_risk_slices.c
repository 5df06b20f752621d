/* The gate's figures by segment. Whether they matter is the reader's to say: the gate looks at the
 * whole window only. */
#include "train/risk/train_risk_slices.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/judge/calib.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* low <= value < high of one feature, as risk_value gives it. */
struct slice_range {
    const char *name;
    enum feature_id feature;
    double low, high;
};

static struct slice_range device(const char *name)
{
    struct features x = {0};
    x.ids[FEATURE_DEVICE] = name;
    const struct risk_example row = risk_flatten(&x);
    double value = risk_value(&row, FEATURE_DEVICE);
    return (struct slice_range){name, FEATURE_DEVICE, value, nextafter(value, HUGE_VAL)};
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void thirds(const struct moments *m, double out[2])
{
    CLEANUP(mem_free) double *totals = mem_array((size_t)m->count + 1, sizeof *totals);
    int count = 0;
    for (int i = 0; i < m->count; i++) {
        double total = risk_value(&m->all[i]->x, FEATURE_TOTAL);
        if (total != RISK_MISSING) {
            totals[count++] = total;
        }
    }
    qsort(totals, (size_t)count, sizeof *totals, ascending);
    out[0] = count > 0 ? totals[count / 3] : 0;
    out[1] = count > 0 ? totals[(size_t)count / 3 * 2] : 0;
}

static struct risk_slice slice_of(const struct moments *m, const uint8_t *labels,
                                  const double *const p[RISK_SLICE_MODELS],
                                  const struct slice_range *range)
{
    struct risk_slice s = {.name = range->name};
    CLEANUP(mem_free) double *kept = mem_array((size_t)m->count + 1, sizeof *kept);
    CLEANUP(mem_free) uint8_t *kept_labels = mem_array((size_t)m->count + 1, sizeof *kept_labels);
    for (int model = RISK_SLICE_MODELS - 1; model >= 0; model--) {
        if (p[model] == NULL) {
            continue;
        }
        s.rows = 0;
        s.lost_share = 0;
        for (int i = 0; i < m->count; i++) {
            double value = risk_value(&m->all[i]->x, range->feature);
            if (value >= range->low && value < range->high) {
                kept[s.rows] = p[model][i];
                kept_labels[s.rows++] = labels[i];
                s.lost_share += labels[i];
            }
        }
        s.log_loss[model] = calib_log_loss(kept, kept_labels, s.rows);
    }
    s.auc = calib_auc(kept, kept_labels, s.rows); /* model 0 came last */
    s.lost_share /= s.rows > 0 ? s.rows : 1;
    return s;
}

int risk_slices(const struct moments *moments, const uint8_t *labels,
                const double *const p[RISK_SLICE_MODELS], struct risk_slice out[RISK_SLICES_MAX])
{
    double third[2];
    int count = 0;
    thirds(moments, third);
    const struct slice_range ranges[] = {
        {"new", FEATURE_SESSIONS, 0, 1.5},
        {"returning", FEATURE_SESSIONS, 1.5, HUGE_VAL},
        device("mobile"),
        device("desktop"),
        device("tablet"),
        {"device unknown", FEATURE_DEVICE, RISK_MISSING, 0},
        {"small cart", FEATURE_TOTAL, 0, third[0]},
        {"middle cart", FEATURE_TOTAL, third[0], third[1]},
        {"large cart", FEATURE_TOTAL, third[1], HUGE_VAL},
        {"cart value unknown", FEATURE_TOTAL, RISK_MISSING, 0},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        out[count] = slice_of(moments, labels, p, &ranges[i]);
        count += out[count].rows > 0;
    }
    return count;
}
