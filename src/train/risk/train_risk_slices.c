/* The gate's figures by segment. Whether they matter is the reader's to say: the gate looks at the
 * whole window only. */
#include "train/risk/train_risk_slices.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/judge/calib.h"

static struct risk_slice slice_of(const struct moments *m, const uint8_t *labels,
                                  const double *const p[RISK_SLICE_MODELS],
                                  const struct risk_segment_range *range)
{
    struct risk_slice s = {.name = range->name};
    CLEANUP(mem_free) double *kept = mem_array((size_t)m->count + 1, sizeof *kept);
    CLEANUP(mem_free) uint8_t *kept_labels = mem_array((size_t)m->count + 1, sizeof *kept_labels);
    /* From the last to the first, so that the rows kept at the end are the challenger's. */
    for (int model = RISK_SLICE_MODELS - 1; model >= 0; model--) {
        if (p[model] == NULL) {
            continue;
        }
        s.rows = 0;
        s.lost_share = 0;
        for (int i = 0; i < m->count; i++) {
            if (risk_segment_has(range, &m->all[i]->x)) {
                kept[s.rows] = p[model][i];
                kept_labels[s.rows++] = labels[i];
                s.lost_share += labels[i];
            }
        }
        s.log_loss[model] = calib_log_loss(kept, kept_labels, s.rows);
    }
    s.auc = calib_auc(kept, kept_labels, s.rows); /* the challenger came last */
    s.lost_share /= s.rows > 0 ? s.rows : 1;
    return s;
}

int risk_slices(const struct moments *before, const struct moments *after, const uint8_t *labels,
                const double *const p[RISK_SLICE_MODELS], struct risk_slice out[RISK_SEGMENTS])
{
    struct risk_segment_range ranges[RISK_SEGMENTS];
    int count = 0;
    risk_segments_of(before, ranges);
    for (int i = 0; i < RISK_SEGMENTS; i++) {
        out[count] = slice_of(after, labels, p, &ranges[i]);
        /* a segment without rows is overwritten by the next: it has nothing to tell */
        count += out[count].rows > 0;
    }
    return count;
}
