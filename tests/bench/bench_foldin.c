/* One new shopper folded in, the request's share of factorization: in the eigenbasis (als_fold_in) beside what BLAS makes of the normal
 * equations (ssyrk + sposv on memory that is already there) and beside conjugate gradients in the given basis to the same five digits (als_plain_cg.h: what
 * somebody who knows that Cholesky does too much for a few entries would write), on the same shoppers, in turns. Factors are trained on Gowalla where it is
 * there, else on a synthetic shop; a shopper's entries are those of a shopper of the data. One thread; prints a table or, with --json,
 * one line a row. */
#include "als_data.h"
#include "als_plain_cg.h"
#include "blas_start.h"

#include "base/mem.h"
#include "cli/options.h"
#include "ml/als/als_serve.h"
#include "ml/linear/blas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OURS, CHOLESKY, PLAIN_CG, WAYS };
enum { CG_STEPS = 50, SHOPPERS = 4000, ENTRIES_MAX = 100, SWEEPS = 6 };

/* Cholesky by BLAS as one would write it for speed: everything allocated before. */
struct cholesky {
    struct mat dense; /* a0 * Gram */
    struct mat system;
    struct mat rows;
};

struct setting {
    struct als_server server;
    struct mat items;
    struct cholesky cholesky;
    const char *data;
};

static void cholesky_solve(struct setting *s, const struct als_entries *done, float *out)
{
    struct cholesky *c = &s->cholesky;
    const struct als_options *o = &s->server.options;
    const int k = s->items.cols;
    struct err err = {0};
    float weight = 0;
    memset(out, 0, (size_t)k * sizeof *out);
    for (int e = 0; e < done->count; e++) {
        const float *restrict h = mat_row(&s->items, done->column[e]);
        float *restrict row = mat_row(&c->rows, e);
        float root = sqrtf(done->weight[e]);
        weight += done->weight[e];
        for (int i = 0; i < k; i++) {
            row[i] = root * h[i];
            out[i] += done->weight[e] * h[i];
        }
    }
    memcpy(c->system.data, c->dense.data, (size_t)k * (size_t)c->dense.ld * sizeof *out);
    float ridge =
        o->reg * powf(weight + o->unobserved_weight * (float)s->items.rows, o->reg_exponent);
    for (int i = 0; i < k; i++) {
        mat_row(&c->system, i)[i] += ridge;
    }
    struct mat rows = mat_view(c->rows.data, done->count, k, c->rows.ld);
    blas_syrk_add(&rows, &c->system);
    if (!blas_solve_spd(&c->system, out, &err)) {
        (void)fprintf(stderr, "bench_foldin: %s\n", err.text);
        exit(1);
    }
}

static struct setting make(const struct csr *log, const char *data, int factors)
{
    struct err err = {0};
    struct als_options o = als_defaults();
    struct mat shoppers = {0};
    struct setting s = {.data = data};
    float spectrum[ALS_FACTORS_MAX];
    o.factors = factors;
    o.sweeps = SWEEPS;
    o.threads = 2;
    o.shopper_exponent = 0;
    o.item_exponent = 0;
    if (!als_train(log, &o, &shoppers, &s.items, &err) ||
        !als_rotate(&s.items, 2, spectrum, &err) ||
        !als_server_open(&s.items, spectrum, NULL, 1, &o, &s.server, &err)) {
        (void)fprintf(stderr, "bench_foldin: %s\n", err.text);
        exit(1);
    }
    mat_free(&shoppers);
    s.cholesky.dense = als_gram(&s.items, 2);
    for (int i = 0; i < factors * s.cholesky.dense.ld; i++) {
        s.cholesky.dense.data[i] *= o.unobserved_weight;
    }
    s.cholesky.system = mat_make(factors, factors);
    s.cholesky.rows = mat_make(ENTRIES_MAX, factors);
    return s;
}

static void drop(struct setting *s)
{
    mat_free(&s->items);
    mat_free(&s->cholesky.dense);
    mat_free(&s->cholesky.system);
    mat_free(&s->cholesky.rows);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

struct row {
    int factors;
    int entries;
    int shoppers;
    double p50_us[WAYS];
    double p99_us[WAYS];
    double
        difference[WAYS]; /* largest from Cholesky's, of factors relative to the largest factor */
};

static double difference_of(const float *a, const float *b, int k)
{
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < k; i++) {
        largest = fmax(largest, fabs((double)b[i]));
        difference = fmax(difference, fabs((double)a[i] - (double)b[i]));
    }
    return difference / largest;
}

static struct row measure(struct setting *s, const struct csr *log, int entries)
{
    struct row row = {.factors = s->items.cols, .entries = entries};
    double *us[WAYS];
    _Alignas(64) float found[WAYS][ALS_FACTORS_MAX];
    struct als_options cg = s->server.options;
    struct err err = {0};
    cg.steps = CG_STEPS;
    for (int i = 0; i < WAYS; i++) {
        us[i] = mem_array(SHOPPERS, sizeof **us);
    }
    for (int u = 0; u < log->rows && row.shoppers < SHOPPERS; u++) {
        const struct als_entries done = {entries, log->column + log->start[u],
                                         log->weight + log->start[u]};
        if (log->start[u + 1] - log->start[u] < entries) {
            continue;
        }
        double t0 = als_data_now_s();
        if (!als_fold_in(&s->server, &done, found[OURS], &err)) {
            exit(1);
        }
        double t1 = als_data_now_s();
        cholesky_solve(s, &done, found[CHOLESKY]);
        double t2 = als_data_now_s();
        als_plain_cg_fold_in(&s->items, &s->cholesky.dense, &cg, &done, found[PLAIN_CG]);
        const double taken[WAYS] = {t1 - t0, t2 - t1, als_data_now_s() - t2};
        for (int i = 0; i < WAYS; i++) {
            us[i][row.shoppers] = taken[i] * 1e6;
            row.difference[i] =
                fmax(row.difference[i], difference_of(found[i], found[CHOLESKY], row.factors));
        }
        row.shoppers++;
    }
    for (int i = 0; i < WAYS && row.shoppers > 0; i++) {
        qsort(us[i], (size_t)row.shoppers, sizeof **us, by_value);
        row.p50_us[i] = us[i][row.shoppers / 2];
        row.p99_us[i] = us[i][row.shoppers * 99 / 100];
    }
    for (int i = 0; i < WAYS; i++) {
        mem_free(&us[i]);
    }
    return row;
}

static void print(const struct row *r, const char *data, bool json)
{
    const double cholesky = r->p50_us[CHOLESKY] / r->p50_us[OURS];
    const double plain = r->p50_us[PLAIN_CG] / r->p50_us[OURS];
    if (json) {
        printf(
            "{\"bench\":\"foldin\",\"blas_core\":\"%s\",\"data\":\"%s\",\"factors\":%d,\"entries\":%d,"
            "\"shoppers\":%d,\"p50_us\":%.2f,\"p99_us\":%.2f,\"cholesky_p50_us\":%.2f,"
            "\"cholesky_p99_us\":%.2f,\"ratio\":%.1f,\"plain_cg_p50_us\":%.2f,\"plain_cg_p99_us\":%.2f,"
            "\"ratio_plain_cg\":%.1f,\"difference\":%.1e,\"plain_cg_difference\":%.1e}\n",
            blas_core(), data, r->factors, r->entries, r->shoppers, r->p50_us[OURS],
            r->p99_us[OURS], r->p50_us[CHOLESKY], r->p99_us[CHOLESKY], cholesky,
            r->p50_us[PLAIN_CG], r->p99_us[PLAIN_CG], plain, r->difference[OURS],
            r->difference[PLAIN_CG]);
    } else {
        printf("%7d %7d | %8.2f %8.2f %8.1e | %8.2f %8.2f %5.1fx | %8.2f %8.2f %8.1e %5.1fx\n",
               r->factors, r->entries, r->p50_us[OURS], r->p99_us[OURS], r->difference[OURS],
               r->p50_us[CHOLESKY], r->p99_us[CHOLESKY], cholesky, r->p50_us[PLAIN_CG],
               r->p99_us[PLAIN_CG], r->difference[PLAIN_CG], plain);
    }
}

int main(int argc, char **argv)
{
    static const int factors[] = {64, 128};
    static const int entries[] = {5, 20, 100};
    bool json = false;
    const struct option_row rows[] = {{.name = "json", .flag = &json}, {0}};
    struct call call = {.program = "./dev bench", .command = "foldin", .usage = "foldin [--json]"};
    const char *data = "gowalla";
    struct csr log = {0};

    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    blas_start("bench_foldin");
    if (!als_data_read("gowalla_train", 0, 0, &log)) {
        data = "synthetic";
        log = als_data_synthetic(30000, 40000, 1000000, 1);
    }
    if (!json) {
        printf("factors trained on %s; microseconds a shopper, in turns\n", data);
        printf(
            "factors entries |    eigen: p50, p99, off  | ssyrk + sposv: p50, p99 | plain cg: p50, p99, off\n");
    }
    for (int f = 0; f < 2; f++) {
        struct setting s = make(&log, data, factors[f]);
        for (int n = 0; n < 3; n++) {
            struct row row = measure(&s, &log, entries[n]);
            print(&row, data, json);
        }
        drop(&s);
    }
    csr_free(&log);
    return 0;
}
