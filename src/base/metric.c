#include "base/metric.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum metric_type { TYPE_counter, TYPE_gauge, TYPE_real, TYPE_seconds, TYPE_histogram };

static const char *const type_names[] = {"counter", "gauge", "gauge", "gauge", "histogram"};

static const struct metric_row {
    enum metric_type type;
    const char *name; /* family, then labels in braces if any */
    const char *help;
} rows[METRIC_COUNT] = {
#define METRIC(id, type, name, help) {TYPE_##type, name, help},
#include "base/metric_table.inc"
#undef METRIC
};

static const struct {
    int64_t us;
    const char *seconds;
} bounds[] = {
    {100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},  {1000, "0.001"},
    {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"},
    {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
    {1000000, "1"},   {2500000, "2.5"}, {5000000, "5"},   {10000000, "10"},
};

enum { BOUND_COUNT = sizeof bounds / sizeof bounds[0] };

static struct {
    /* of a gauge: its int64_t; of seconds: microseconds; of a histogram: their sum; of a real: its bits */
    atomic_uint_fast64_t value;
    atomic_uint_fast64_t
        bucket[BOUND_COUNT + 1]; /* histograms: not cumulative, the last is above all bounds */
} cells[METRIC_COUNT];

void metric_add(enum metric_id id, uint64_t n)
{
    assert(rows[id].type != TYPE_histogram);
    /* relaxed, here and below: a number counts for itself, no other memory is read by it */
    atomic_fetch_add_explicit(&cells[id].value, n, memory_order_relaxed);
}

void metric_sub(enum metric_id id, uint64_t n)
{
    assert(rows[id].type == TYPE_gauge);
    atomic_fetch_sub_explicit(&cells[id].value, n, memory_order_relaxed);
}

void metric_set(enum metric_id id, int64_t value)
{
    assert(rows[id].type == TYPE_gauge || rows[id].type == TYPE_seconds);
    atomic_store_explicit(&cells[id].value, (uint64_t)value, memory_order_relaxed);
}

void metric_set_real(enum metric_id id, double value)
{
    uint64_t bits;

    assert(rows[id].type == TYPE_real);
    memcpy(&bits, &value, sizeof bits);
    atomic_store_explicit(&cells[id].value, bits, memory_order_relaxed);
}

void metric_observe_us(enum metric_id id, int64_t us)
{
    size_t i = 0;

    assert(rows[id].type == TYPE_histogram);
    us = us < 0 ? 0 : us;
    /* Prometheus: le means less or equal, so what lies on a bound belongs to its bucket */
    while (i < BOUND_COUNT && us > bounds[i].us) {
        i++;
    }
    atomic_fetch_add_explicit(&cells[id].bucket[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&cells[id].value, (uint64_t)us, memory_order_relaxed);
}

static uint64_t load(const atomic_uint_fast64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

uint64_t metric_value(enum metric_id id)
{
    if (rows[id].type != TYPE_histogram) {
        return load(&cells[id].value);
    }
    uint64_t count = 0;
    for (size_t i = 0; i <= BOUND_COUNT; i++) {
        count += load(&cells[id].bucket[i]);
    }
    return count;
}

static size_t family_length(const char *name)
{
    return strcspn(name, "{");
}

static bool same_family(const char *a, const char *b)
{
    size_t len = family_length(a);

    return len == family_length(b) && strncmp(a, b, len) == 0;
}

/* As seconds. Negative where a clock was set back. */
static void write_us(struct buf *out, int64_t us)
{
    uint64_t size = us < 0 ? -(uint64_t)us : (uint64_t)us;

    buf_printf(out, "%s%" PRIu64 ".%06" PRIu64 "\n", us < 0 ? "-" : "", size / 1000000,
               size % 1000000);
}

/* The format's words for what printf spells otherwise. */
static void write_real(struct buf *out, double value)
{
    if (isnan(value)) {
        buf_add_str(out, "NaN\n");
    } else if (isinf(value)) {
        buf_add_str(out, value > 0 ? "+Inf\n" : "-Inf\n");
    } else {
        buf_printf(out, "%.15g\n", value); /* 15 digits give back what was meant: 0.3 */
    }
}

static void render_histogram(enum metric_id id, struct buf *out)
{
    const char *name = rows[id].name;
    uint64_t count = 0;

    assert(name[family_length(name)] == '\0'); /* `le` would have to join its labels */
    /* Summed up here, and _count from the same sum: read from a counter of its own it could differ
     * from the +Inf bucket while others observe. */
    for (size_t i = 0; i <= BOUND_COUNT; i++) {
        count += load(&cells[id].bucket[i]);
        buf_printf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
                   i < BOUND_COUNT ? bounds[i].seconds : "+Inf", count);
    }
    buf_printf(out, "%s_sum ", name);
    write_us(out, (int64_t)load(&cells[id].value));
    buf_printf(out, "%s_count %" PRIu64 "\n", name, count);
}

static void render_row(enum metric_id id, struct buf *out)
{
    const struct metric_row *row = &rows[id];
    uint64_t value = load(&cells[id].value);
    double real;

    if (row->type == TYPE_histogram) {
        render_histogram(id, out);
        return;
    }
    buf_printf(out, "%s ", row->name);
    if (row->type == TYPE_counter) {
        buf_printf(out, "%" PRIu64 "\n", value);
    } else if (row->type == TYPE_gauge) {
        buf_printf(out, "%" PRId64 "\n", (int64_t)value);
    } else if (row->type == TYPE_seconds) {
        write_us(out, (int64_t)value);
    } else {
        memcpy(&real, &value, sizeof real);
        write_real(out, real);
    }
}

void metric_render(struct buf *out)
{
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric_row *row = &rows[id];
        /* The format wants HELP and TYPE once a family, before its rows: these stand together in
         * the table. */
        if (id == 0 || !same_family(row->name, rows[id - 1].name)) {
            int len = (int)family_length(row->name);
            buf_printf(out, "# HELP %.*s %s\n", len, row->name, row->help);
            buf_printf(out, "# TYPE %.*s %s\n", len, row->name, type_names[row->type]);
        }
        render_row((enum metric_id)id, out);
    }
}

/* ---- labels of run time ---- */

void metric_write_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_label(struct buf *out, const struct metric_label *label)
{
    buf_printf(out, "%s=\"", label->name);
    for (const char *p = label->value; *p; p++) {
        if (*p == '\n') {
            buf_add_str(out, "\\n");
        } else {
            buf_printf(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
        }
    }
    buf_add_char(out, '"');
}

void metric_write_row(struct buf *out, const char *name, const struct metric_label *labels,
                      size_t count, double value)
{
    buf_add_str(out, name);
    for (size_t i = 0; i < count; i++) {
        buf_add_char(out, i == 0 ? '{' : ',');
        write_label(out, &labels[i]);
    }
    buf_add_str(out, count > 0 ? "} " : " ");
    write_real(out, value);
}
