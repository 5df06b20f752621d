/* Interactions for the benchmarks of factorization: Gowalla's published split, and a synthetic shop of any size. */
#include "als_data.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double als_data_now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- files ---- */

struct pairs {
    struct triple *all;
    size_t count;
    size_t cap;
    int rows;
    int cols;
};

static void add_line(struct pairs *p, const char *line)
{
    char *end = NULL;
    long row = strtol(line, &end, 10);
    for (const char *at = end;; at = end) {
        long item = strtol(at, &end, 10);
        if (end == at || item < 0 || item >= INT32_MAX || row < 0 || row >= INT32_MAX) {
            return;
        }
        if (p->count == p->cap) {
            p->cap = p->cap ? p->cap * 2 : 1 << 16;
            p->all = mem_grow(p->all, p->cap, sizeof *p->all);
        }
        p->all[p->count++] = (struct triple){(int32_t)row, (int32_t)item, 1};
        p->rows = row >= p->rows ? (int)row + 1 : p->rows;
        p->cols = item >= p->cols ? (int)item + 1 : p->cols;
    }
}

static bool read_lines(const char *name, struct pairs *p)
{
    const char *data = getenv("CARTWRIGHT_DATA");
    char command[1024];
    char *line = NULL;
    size_t size = 0;
    (void)snprintf(command, sizeof command, "zstd -qdc '%s/%s.txt.zst' 2>/dev/null",
                   data ? data : "../shared/data", name);
    FILE *in = popen(command, "r"); /* NOLINT(cert-env33-c) a benchmark reads its own data */
    while (in && getline(&line, &size, in) > 0) {
        add_line(p, line);
    }
    free(line);
    return in && pclose(in) == 0 && p->count > 0;
}

/* A pair that is there twice counts once. */
static void weights_one(struct csr *m)
{
    for (int64_t e = 0; e < csr_entries(m); e++) {
        m->weight[e] = 1;
    }
}

bool als_data_read(const char *name, int rows, int cols, struct csr *out)
{
    struct pairs p = {.rows = rows, .cols = cols};
    struct err err = {0};
    bool ok = read_lines(name, &p) && csr_build(p.rows, p.cols, p.all, p.count, out, &err);
    if (ok) {
        weights_one(out);
    } else {
        (void)fprintf(stderr, "%s.txt.zst is not there or cannot be read: left out\n", name);
    }
    free(p.all);
    return ok;
}

/* ---- synthetic ---- */

static double *shares(int rows, struct rng *rng)
{
    double *share = mem_array((size_t)rows, sizeof *share);
    double sum = 0;
    for (int r = 0; r < rows; r++) {
        share[r] = fmin(pow(1 - rng_unit(rng), -2.0 / 3), 200);
        sum += share[r];
    }
    for (int r = 0; r < rows; r++) {
        share[r] /= sum;
    }
    return share;
}

/* Running sums of the items' probabilities, in an order that has nothing to do with their numbers. */
struct popularity {
    double *sums;
    int32_t *item;
    int count;
};

static struct popularity popularity_make(int cols, struct rng *rng)
{
    struct popularity p = {.sums = mem_array((size_t)cols, sizeof *p.sums),
                           .item = mem_array((size_t)cols, sizeof *p.item),
                           .count = cols};
    double sum = 0;
    for (int i = 0; i < cols; i++) {
        sum += pow(i + 10, -0.8);
        p.sums[i] = sum;
        p.item[i] = i;
    }
    for (int i = cols - 1; i > 0; i--) {
        int j = (int)(rng_unit(rng) * (i + 1));
        int32_t kept = p.item[i];
        p.item[i] = p.item[j];
        p.item[j] = kept;
    }
    return p;
}

static int32_t popularity_draw(const struct popularity *p, struct rng *rng)
{
    double wanted = rng_unit(rng) * p->sums[p->count - 1];
    int low = 0;
    int high = p->count - 1;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (p->sums[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return p->item[low];
}

static int by_number(const void *a, const void *b)
{
    return *(const int32_t *)a - *(const int32_t *)b;
}

struct csr als_data_synthetic(int rows, int cols, int64_t entries, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    double *share = shares(rows, &rng);
    struct popularity popularity = popularity_make(cols, &rng);
    struct csr m = {.rows = rows,
                    .cols = cols,
                    .start = mem_array((size_t)rows + 1, sizeof *m.start),
                    .column = mem_wide((size_t)(entries + rows), sizeof *m.column),
                    .weight = mem_wide((size_t)(entries + rows), sizeof *m.weight)};
    for (int r = 0; r < rows; r++) {
        int64_t first = m.start[r];
        int64_t at = first;
        int64_t wanted = (int64_t)(share[r] * (double)entries + rng_unit(&rng));
        for (int64_t e = 0; e < wanted; e++) {
            m.column[at++] = popularity_draw(&popularity, &rng);
        }
        qsort(m.column + first, (size_t)(at - first), sizeof *m.column, by_number);
        int64_t kept = first;
        for (int64_t e = first; e < at; e++) {
            if (e == first || m.column[e] != m.column[e - 1]) {
                m.column[kept++] = m.column[e];
            }
        }
        m.start[r + 1] = kept;
    }
    weights_one(&m);
    mem_free(&share);
    mem_free(&popularity.sums);
    mem_free(&popularity.item);
    return m;
}
