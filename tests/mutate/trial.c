#include "trial.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "child.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each mutant against the tests that reach it, the shortest first, until one fails. */

enum { WORKERS_MAX = 64, NAMES_BYTES_MAX = 1 << 20 };

/* A mutant may make a test slower without being wrong; one that hangs takes longer than any of these. */
static const double slower_than_usual = 5;

struct court {
    const struct trial_means *m;
    struct trials *all;
    size_t *by_seconds; /* usable tests */
    size_t test_count;
    pthread_mutex_t lock; /* over the below, and `busy` of the tests */
    pthread_cond_t test_ended;
    int next;
    int done;
};

/* ---- which test next ---- */

static const struct suite *sorting; /* qsort has no context; set before any thread runs */

static int by_seconds(const void *left, const void *right)
{
    const struct test *a = &sorting->tests[*(const size_t *)left];
    const struct test *b = &sorting->tests[*(const size_t *)right];
    return a->seconds < b->seconds ? -1 : a->seconds > b->seconds ? 1 : 0;
}

static void sort_tests(struct arena *a, struct court *c)
{
    const struct suite *s = c->m->suite;
    c->by_seconds = arena_array(a, s->count + 1, sizeof *c->by_seconds);
    for (size_t i = 0; i < s->count; i++) {
        if (s->tests[i].usable && s->tests[i].reached != NULL) {
            c->by_seconds[c->test_count++] = i;
        }
    }
    sorting = s;
    qsort(c->by_seconds, c->test_count, sizeof *c->by_seconds, by_seconds);
}

/* The shortest that was not asked yet and does not run for another mutant. *out_left: there are some that were not asked. */
static struct test *idle_test(const struct court *c, bool *asked, int number, bool *out_left)
{
    *out_left = false;
    for (size_t i = 0; i < c->test_count; i++) {
        struct test *t = &c->m->suite->tests[c->by_seconds[i]];
        if (asked[i] || t->reached[number] == 0) {
            continue;
        }
        *out_left = true;
        if (!t->busy) {
            t->busy = asked[i] = true;
            return t;
        }
    }
    return NULL;
}

/* Waits where all that are left run for another mutant. NULL: none is left. */
static struct test *take_test(struct court *c, bool *asked, int number)
{
    bool left;
    (void)pthread_mutex_lock(&c->lock);
    struct test *taken = idle_test(c, asked, number, &left);
    while (taken == NULL && left) {
        (void)pthread_cond_wait(&c->test_ended, &c->lock);
        taken = idle_test(c, asked, number, &left);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return taken;
}

static void give_back(struct court *c, struct test *t)
{
    (void)pthread_mutex_lock(&c->lock);
    t->busy = false;
    (void)pthread_cond_broadcast(&c->test_ended);
    (void)pthread_mutex_unlock(&c->lock);
}

/* ---- one mutant ---- */

static struct child_end run_test(struct arena *a, const struct court *c, const struct test *t,
                                 const struct mutant *m)
{
    const char *const more[] = {
        arena_printf(a, "MUTANT=%d", m->number),
        m->sql == NULL ? NULL : arena_printf(a, "MUTANT_SQL=%s/sql/%d", c->m->plan, m->number),
        NULL};
    struct child child = {.argv = t->argv,
                          .env = suite_env(a, t, more),
                          .folder = t->folder,
                          .output = arena_printf(a, "%s/%d.log", c->m->output, m->number),
                          .seconds_max = slower_than_usual * t->seconds + c->m->patience_seconds};
    return child_run(&child);
}

static void add_name(struct buf *list, const char *name)
{
    buf_printf(list, "%s%s", list->len > 0 ? " " : "", name);
}

/* Reached by a test that takes too long is not the same as reached by none. */
static void add_too_long(const struct court *c, struct trial *trial, struct buf *unasked)
{
    for (size_t i = 0; i < c->m->suite->count; i++) {
        const struct test *t = &c->m->suite->tests[i];
        if (t->too_long && t->reached[trial->mutant.number] != 0) {
            add_name(unasked, t->name);
            trial->verdict = trial->verdict == NOT_REACHED ? SURVIVED : trial->verdict;
        }
    }
}

static void try_one(struct arena *a, struct court *c, struct trial *trial)
{
    CLEANUP(buf_free) struct buf green = buf_make(NAMES_BYTES_MAX);
    CLEANUP(buf_free) struct buf unasked = buf_make(NAMES_BYTES_MAX);
    bool *asked = calloc(c->test_count + 1, sizeof *asked);
    double planned = 0;
    double begun = now_seconds();

    for (struct test *t; (t = take_test(c, asked, trial->mutant.number)) != NULL;) {
        if (planned > 0 && planned + t->seconds > c->m->cap_seconds) {
            add_name(&unasked, t->name);
            give_back(c, t);
            continue;
        }
        planned += t->seconds;
        struct child_end end = run_test(a, c, t, &trial->mutant);
        give_back(c, t);
        trial->cpu_seconds += end.cpu_seconds;
        trial->verdict = SURVIVED;
        if (end.timed_out || (end.code != 0 && end.code != t->skip_code)) {
            trial->verdict = end.timed_out ? TIMED_OUT : KILLED;
            trial->killer = t->name;
            break;
        }
        add_name(&green, t->name);
    }
    add_too_long(c, trial, &unasked);
    trial->seconds = now_seconds() - begun;
    trial->green = arena_strdup(a, buf_text(&green));
    trial->unasked = arena_strdup(a, buf_text(&unasked));
    free(asked);
}

static void *court_worker(void *ctx)
{
    struct court *c = ctx;
    struct arena *a = calloc(1, sizeof *a); /* what it finds is kept */
    for (;;) {
        (void)pthread_mutex_lock(&c->lock);
        int i = c->next++;
        (void)pthread_mutex_unlock(&c->lock);
        if (i >= c->all->count) {
            return a;
        }
        struct trial *t = &c->all->rows[i];
        if (t->verdict != INVALID) {
            try_one(a, c, t);
        }
        (void)pthread_mutex_lock(&c->lock);
        c->done++;
        (void)fprintf(stderr, "%d/%d  %s  %s:%d %s: %.60s -> %.60s  %s\n", c->done, c->all->count,
                      verdict_name(t->verdict), t->mutant.file, t->mutant.line, t->mutant.function,
                      t->mutant.before, t->mutant.after, t->killer);
        (void)pthread_mutex_unlock(&c->lock);
    }
}

void trials_run(const struct trial_means *m, struct trials *all)
{
    struct arena a = {0};
    pthread_t threads[WORKERS_MAX];
    struct court c = {.m = m,
                      .all = all,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .test_ended = PTHREAD_COND_INITIALIZER};
    int workers = m->workers < WORKERS_MAX ? m->workers : WORKERS_MAX;
    sort_tests(&a, &c);
    for (int i = 0; i < workers; i++) {
        if (pthread_create(&threads[i], NULL, court_worker, &c) != 0) {
            die("no thread");
        }
    }
    for (int i = 0; i < workers; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    arena_free(&a);
}
