/* Next item in a session, by the published protocol: eval_sessions TRAIN TEST [--json] [--ranks FILE] [--threads N]. TRAIN: sessions in order of time,
 * one a line; TEST: the last item of a line is the target of those before it. All settings are chosen on a later part of TRAIN, the file TEST is
 * opened after that. Qualities are in percent. Beside ours stand two rankings without a model (session_peers.h): the prefix's own items by count and
 * recency, and a Markov chain of first order.
 * --ranks writes the rank of each line's target (0: not ranked), one a line. */
#include "session_eval.h"
#include "session_peers.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *train;
    const char *test;
    const char *ranks; /* NULL: not wanted */
    int threads;
    bool json;
};

static bool arguments_read(int argc, char **argv, struct arguments *out, struct err *err)
{
    struct arguments a = {.threads = 2};
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--json") == 0) {
            a.json = true;
        } else if (strcmp(argv[i], "--ranks") == 0 && more) {
            a.ranks = argv[++i];
        } else if (strcmp(argv[i], "--threads") == 0 && more) {
            a.threads = (int)strtol(argv[++i], NULL, 10);
        } else if (argv[i][0] == '-') {
            return FAIL_AT(err, ERR_INVALID, argv[i], "is no option, or lacks its value");
        } else if (!a.train) {
            a.train = argv[i];
        } else if (!a.test) {
            a.test = argv[i];
        } else {
            return FAIL_AT(err, ERR_INVALID, argv[i], "is one argument too many");
        }
    }
    if (!a.test || a.threads < 1 || a.threads > 64) {
        return FAIL_AT(err, ERR_INVALID, "arguments",
                       "must be TRAIN TEST [--json] [--ranks FILE] [--threads 1..64]");
    }
    *out = a;
    return true;
}

static bool open_file(const char *path, const char *mode, FILE **out, struct err *err)
{
    FILE *file = fopen(path, mode);
    if (!file) {
        return FAIL_AT(err, ERR_INVALID, path, "cannot be opened");
    }
    *out = file;
    return true;
}

static void tell(void *ctx, const char *text)
{
    (void)ctx;
    (void)fprintf(stderr, "%s\n", text);
}

static bool ranks_write(const char *path, const int32_t *rank, int64_t count, struct err *err)
{
    CLEANUP(file_close) FILE *file = NULL;
    if (!open_file(path, "w", &file, err)) {
        return false;
    }
    for (int64_t i = 0; i < count; i++) {
        if (fprintf(file, "%" PRId32 "\n", rank[i]) < 0) {
            return FAIL_AT(err, ERR_INVALID, path, "cannot be written");
        }
    }
    return fflush(file) == 0 || FAIL_AT(err, ERR_INVALID, path, "cannot be written");
}

/* Ours and what needs no model. */
struct qualities {
    struct session_quality ours, own_items, markov;
};

static void print_text(const struct qualities *q, double us, double train_s)
{
    const struct {
        const char *name;
        const struct session_quality *q;
    } lines[] = {{"ours", &q->ours}, {"own items", &q->own_items}, {"markov", &q->markov}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        (void)printf("%-10s %d cases: p@20 %.2f %%, mrr@20 %.2f %%", lines[i].name,
                     lines[i].q->cases, 100 * lines[i].q->hit, 100 * lines[i].q->reciprocal_rank);
        if (i == 0) {
            (void)printf(", %.1f us a query, training %.1f s", us, train_s);
        }
        (void)printf("\n");
    }
}

static void quality_members(struct jenc *j, const struct session_quality *q)
{
    jenc_f64(j, "p@20", 100 * q->hit);
    jenc_f64(j, "mrr@20", 100 * q->reciprocal_rank);
}

static void print(const struct arguments *a, const struct qualities *q, double us, double train_s)
{
    if (!a->json) {
        print_text(q, us, train_s);
        return;
    }
    CLEANUP(buf_free) struct buf out = buf_make(1024);
    struct jenc j = jenc_begin(&out);
    jenc_object(&j, NULL);
    jenc_i64(&j, "cases", q->ours.cases);
    quality_members(&j, &q->ours);
    jenc_f64(&j, "us_per_query", us);
    jenc_f64(&j, "train_s", train_s);
    jenc_object(&j, "own_items");
    quality_members(&j, &q->own_items);
    jenc_object_end(&j);
    jenc_object(&j, "markov");
    quality_members(&j, &q->markov);
    jenc_object_end(&j);
    jenc_object_end(&j);
    (void)printf("%s\n", buf_text(&out));
}

static bool run(const struct arguments *a, struct err *err)
{
    CLEANUP(file_close) FILE *train = NULL;
    CLEANUP(file_close) FILE *test = NULL;
    CLEANUP(session_data_free) struct session_data data = {0};
    CLEANUP(session_model_free) struct session_model model = {0};
    CLEANUP(session_cases_free) struct session_cases cases = {0};
    struct session_quality valid;
    if (!open_file(a->train, "r", &train, err) || !session_data_read(train, a->train, &data, err)) {
        return false;
    }
    struct session_train_options options = session_train_defaults();
    options.threads = a->threads;
    options.progress = tell;
    int64_t began = clock_monotonic_us();
    if (!session_train(&data.log, &options, &model, &valid, err)) {
        return false;
    }
    double train_s = (double)(clock_monotonic_us() - began) / 1e6;
    (void)fprintf(stderr, "chosen on the last part of TRAIN: p@20 %.4f, mrr@20 %.4f\n", valid.hit,
                  valid.reciprocal_rank);
    if (!open_file(a->test, "r", &test, err) ||
        !session_cases_read(test, a->test, &data, &cases, err)) {
        return false;
    }
    CLEANUP(mem_free) int32_t *rank = mem_array((size_t)cases.count, sizeof *rank);
    double us = session_cases_rank(&model, &cases, rank);
    if (a->ranks && !ranks_write(a->ranks, rank, cases.count, err)) {
        return false;
    }
    struct qualities q = {.ours = session_ranks_quality(rank, cases.count)};
    session_own_items_rank(&cases, rank);
    q.own_items = session_ranks_quality(rank, cases.count);
    session_markov_rank(&data.log, &cases, rank);
    q.markov = session_ranks_quality(rank, cases.count);
    print(a, &q, us, train_s);
    return true;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct arguments a;
    if (!arguments_read(argc, argv, &a, &err) || !run(&a, &err)) {
        (void)fprintf(stderr, "eval_sessions: %s: %s\n", err.path, err.text);
        return 1;
    }
    return 0;
}
