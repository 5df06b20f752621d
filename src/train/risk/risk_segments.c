/* Segments as ranges of one feature each. Measures nothing. */
#include "train/risk/risk_segments.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A device is an id, so its range holds a single value: that of a row with nothing
 * but the device. */
static struct risk_segment_range device_range(const char *name, const char *device)
{
    struct features x = {0};
    x.ids[FEATURE_DEVICE] = device;
    const struct risk_example row = risk_flatten(&x);
    const double value = risk_value(&row, FEATURE_DEVICE);
    return (struct risk_segment_range){name, FEATURE_DEVICE, value, nextafter(value, HUGE_VAL)};
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void total_thirds(const struct moments *m, double out[2])
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
    /* By position among the totals: terms of equal size whatever their currency, and a few very
     * large carts move no bound. */
    out[0] = count > 0 ? totals[count / 3] : 0;
    out[1] = count > 0 ? totals[(size_t)count * 2 / 3] : 0;
}

void risk_segments_of(const struct moments *before, struct risk_segment_range out[RISK_SEGMENTS])
{
    double third[2];
    total_thirds(before, third);
    /* Visits and orders are counted: 1.5 parts the first visit from all others. A range from
     * RISK_MISSING (-1) to 0 holds what is missing and nothing else. */
    const struct risk_segment_range ranges[RISK_SEGMENTS] = {
        {"first visit", FEATURE_SESSIONS, 0, 1.5},
        {"came back", FEATURE_SESSIONS, 1.5, HUGE_VAL},
        {"bought before", FEATURE_ORDERS, 0.5, HUGE_VAL},
        {"never bought before", FEATURE_ORDERS, 0, 0.5},
        {"known customers", FEATURE_CUSTOMER, 1, 2},
        {"anonymous visitors", FEATURE_CUSTOMER, 0, 1},
        device_range("on a mobile phone", "mobile"),
        device_range("on a desktop", "desktop"),
        device_range("on a tablet", "tablet"),
        {"device not known", FEATURE_DEVICE, RISK_MISSING, 0},
        {"small carts (lowest third)", FEATURE_TOTAL, 0, third[0]},
        {"middle carts", FEATURE_TOTAL, third[0], third[1]},
        {"large carts (highest third)", FEATURE_TOTAL, third[1], HUGE_VAL},
        {"cart value not known", FEATURE_TOTAL, RISK_MISSING, 0},
    };
    memcpy(out, ranges, sizeof ranges);
}

bool risk_segment_has(const struct risk_segment_range *range, const struct risk_example *x)
{
    const double value = risk_value(x, range->feature);
    return value >= range->low && value < range->high;
}
