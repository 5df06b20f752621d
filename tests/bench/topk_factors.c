#include "bench/topk_factors.h"

#include "base/mem.h"
#include "ml/als/als.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWN_SHOPPERS = 20000, DRAWN_ITEMS = 40000, DRAWN_EVENTS = 800000, SWEEPS = 4 };

struct factor_set factors_random(int items, int factors, int queries)
{
    struct rng rng = rng_seed(1);
    struct factor_set set = {mat_make(items, factors), mat_make(queries, factors), "random"};
    mat_fill_normal(&set.items, 1, &rng);
    mat_fill_normal(&set.queries, 1, &rng);
    return set;
}

struct pairs {
    struct triple *all;
    size_t count;
    size_t room;
    int rows;
    int cols;
};

static void pairs_add(struct pairs *p, int row, int col)
{
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 1 << 16;
        p->all = mem_grow(p->all, p->room, sizeof *p->all);
    }
    p->all[p->count++] = (struct triple){row, col, 1};
    p->rows = row >= p->rows ? row + 1 : p->rows;
    p->cols = col >= p->cols ? col + 1 : p->cols;
}

static struct pairs pairs_read(const char *path)
{
    struct pairs p = {0};
    char *line = NULL;
    size_t room = 0;
    FILE *in = fopen(path, "r");
    if (!in) {
        (void)fprintf(stderr, "bench_topk: cannot read %s\n", path);
        exit(1);
    }
    while (getline(&line, &room, in) > 0) {
        char *at = line;
        const long row = strtol(at, &at, 10);
        for (char *end = NULL; *at && *at != '\n'; at = end) {
            const long col = strtol(at, &end, 10);
            if (end == at) {
                break;
            }
            pairs_add(&p, (int)row, (int)col);
        }
    }
    free(line);
    (void)fclose(in);
    return p;
}

/* Item ranks fall as a power law; a shopper's items lie around a taste, every second one anywhere. */
static struct pairs pairs_draw(void)
{
    struct pairs p = {.rows = DRAWN_SHOPPERS, .cols = DRAWN_ITEMS};
    struct rng rng = rng_seed(2);
    for (int i = 0; i < DRAWN_EVENTS; i++) {
        const int shopper = (int)(DRAWN_SHOPPERS * pow(rng_unit(&rng), 1.5));
        const double popular = pow(rng_unit(&rng), 3);
        const int item = (int)(DRAWN_ITEMS * popular);
        const int taste = (int)((unsigned)shopper * 2654435761U % 64);
        pairs_add(&p, shopper,
                  i % 2                                  ? item
                  : item / 64 * 64 + taste < DRAWN_ITEMS ? item / 64 * 64 + taste
                                                         : item);
    }
    return p;
}

static void grow(const struct mat *trained, struct mat *out, struct rng *rng)
{
    for (int i = 0; i < out->rows; i++) {
        const bool own = i < trained->rows;
        const float *from =
            mat_row(trained, own ? i : (int)rng_below(rng, (uint64_t)trained->rows));
        const double noise =
            own ? 0 : 0.1 * sqrt((double)mat_dot(from, from, trained->cols) / trained->cols);
        for (int j = 0; j < out->cols; j++) {
            mat_row(out, i)[j] = from[j] + (float)(noise * (own ? 0 : rng_normal(rng)));
        }
    }
}

struct factor_set factors_trained(const char *file, int items, int factors, int queries)
{
    struct pairs pairs = file ? pairs_read(file) : pairs_draw();
    struct csr log = {0};
    struct mat shoppers = {0};
    struct mat trained = {0};
    struct err err = {0};
    struct als_options options = als_defaults();
    struct rng rng = rng_seed(3);
    options.factors = factors;
    options.sweeps = SWEEPS;
    options.threads = 2;
    if (!csr_build(pairs.rows, pairs.cols, pairs.all, pairs.count, &log, &err) ||
        !als_train(&log, &options, &shoppers, &trained, &err)) {
        (void)fprintf(stderr, "bench_topk: %s\n", err.text);
        exit(1);
    }
    struct factor_set set = {mat_make(items, factors), mat_make(queries, factors), ""};
    (void)snprintf(set.source, sizeof set.source, "trained on %s: %d items, %s",
                   file ? "the file" : "a drawn power-law log", trained.rows,
                   items > trained.rows ? "the rest drawn from them with 10 % noise" : "no other");
    grow(&trained, &set.items, &rng);
    for (int q = 0; q < queries; q++) {
        const int row = (int)rng_below(&rng, (uint64_t)shoppers.rows);
        memcpy(mat_row(&set.queries, q), mat_row(&shoppers, row), (size_t)factors * sizeof(float));
    }
    mat_free(&trained);
    mat_free(&shoppers);
    csr_free(&log);
    free(pairs.all);
    return set;
}
