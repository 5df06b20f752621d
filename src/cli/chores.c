/* The thread of the chores: looks what is due, takes its lease, and sits beside its process until it ends. */
#include "cli/chores.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/cond.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "cli/chore_due.h"
#include "cli/chore_run.h"
#include "cli/cli.h"
#include "store/chores.h"
#include "train/common/train_options.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { READ_MS = 100, OWNER_BYTES = 40, LOOKS = 20 /* in the time between two */ };
#define LEASE_US      SECONDS(60)
#define KEEP_US       SECONDS(15)
#define LOOK_MOST_US  SECONDS(5)
#define LOOK_LEAST_US SECONDS(1)
#define PATIENCE_US   SECONDS(2) /* from SIGTERM to SIGKILL */

struct chores {
    const struct config *config;
    struct pool *pool;
    char owner[OWNER_BYTES];
    pthread_mutex_t lock; /* guards stopping; a leaf lock */
    pthread_cond_t wake;
    bool stopping;
    pthread_t thread;
};

/* What there is to do, by the names of their rows. */
enum outcome { DONE, TOO_LITTLE, FAILED, STOPPED, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {"done", "too_little", "failed", "stopped"};

struct work {
    const char *name;
    struct chore_rule rule;
    const char *words[4]; /* of the command line */
    enum metric_id running;
    enum metric_id ended;    /* when it last ended well, here or elsewhere */
    enum metric_id outcomes; /* the first of four, in the order of the enum */
};

enum { WORKS = 2 };

static void works_of(const struct config *config, struct work out[WORKS])
{
    out[0] = (struct work){.name = "train",
                           .rule = {config->train_every, TRAIN_EVENTS_MIN, true},
                           .words = {"train", "all", "--learnt", NULL},
                           .running = METRIC_train_running,
                           .ended = METRIC_train_ended,
                           .outcomes = METRIC_train_done};
    out[1] = (struct work){.name = "maintain",
                           .rule = {config->maintain_every, 1, false},
                           .words = {"maintain", NULL},
                           .running = METRIC_maintain_running,
                           .ended = METRIC_maintain_ended,
                           .outcomes = METRIC_maintain_done};
}

static bool stopping(struct chores *c)
{
    pthread_mutex_lock(&c->lock);
    const bool now = c->stopping;
    pthread_mutex_unlock(&c->lock);
    return now;
}

/* ---- one ---- */

static void keep_lease(struct chores *c, const struct work *w)
{
    CLEANUP(pool_return) struct lease lease = {.pool = c->pool};
    struct err missed = {0}; /* there is time for three more before the lease ends */
    if (pool_lease(c->pool, &lease, &missed)) {
        (void)!store_chore_keep(lease.db, w->name, c->owner, LEASE_US, &missed);
    }
}

/* Reads what the process prints until it ends; ends it where serve does. True: it was ended. */
static bool attend(struct chores *c, const struct work *w, struct chore_run *run)
{
    int64_t keep_us = clock_monotonic_us() + KEEP_US;
    int64_t kill_us = INT64_MAX;
    while (chore_run_read(run, w->name, READ_MS)) {
        const int64_t now_us = clock_monotonic_us();
        if (kill_us == INT64_MAX && stopping(c)) {
            (void)kill(run->pid, SIGTERM);
            kill_us = now_us + PATIENCE_US;
        } else if (now_us >= kill_us) {
            (void)kill(run->pid, SIGKILL);
        } else if (kill_us == INT64_MAX && now_us >= keep_us) {
            keep_lease(c, w);
            keep_us = now_us + KEEP_US;
        }
    }
    return kill_us != INT64_MAX;
}

static void tell_end(struct chores *c, const struct work *w, enum outcome outcome,
                     const char *detail)
{
    CLEANUP(pool_return) struct lease lease = {.pool = c->pool};
    struct err err = {0};
    metric_add((enum metric_id)((int)w->outcomes + (int)outcome), 1);
    log_line(outcome == FAILED ? LOG_ERROR : LOG_INFO, w->name, "%s: %s", outcome_names[outcome],
             detail);
    if (!pool_lease(c->pool, &lease, &err) ||
        !store_chore_end(lease.db, w->name, c->owner, outcome_names[outcome], detail, &err)) {
        /* The lease runs out, and the chore counts as one whose replica died. */
        log_line(LOG_WARN, w->name, "its end was not written down: %s", err.text);
    }
}

static enum outcome outcome_of(int code)
{
    return code == EXIT_DONE ? DONE : code == EXIT_REFUSED ? TOO_LITTLE : FAILED;
}

static void do_work(struct chores *c, const struct work *w)
{
    struct chore_run run;
    struct err err = {0};
    metric_set(w->running, 1);
    if (!chore_run_start(&run, c->config, w->words, &err)) {
        tell_end(c, w, FAILED, err.text);
    } else {
        const bool ended = attend(c, w, &run);
        const int code = chore_run_end(&run);
        char signalled[64];
        (void)snprintf(signalled, sizeof signalled, "ended by signal %d", code - 128);
        tell_end(c, w, ended ? STOPPED : outcome_of(code),
                 code > 128 && !ended ? signalled : run.line);
    }
    metric_set(w->running, 0);
}

/* ---- looking ---- */

/* False: the database could not be asked. */
static bool take_due(struct chores *c, const struct work *w, bool *out_taken, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = c->pool};
    CLEANUP(arena_free) struct arena a = {0};
    struct chore row;
    *out_taken = false;
    if (!pool_lease(c->pool, &lease, err) || !store_chore_read(lease.db, w->name, &a, &row, err)) {
        return false;
    }
    if (row.outcome != NULL && strcmp(row.outcome, outcome_names[DONE]) == 0) {
        metric_set(w->ended, row.ended_us / SECONDS(1));
    }
    return !chore_due(&w->rule, &row) ||
           store_chore_take(lease.db, w->name, c->owner, &row, LEASE_US, out_taken, err);
}

static void look(struct chores *c, const struct work works[WORKS])
{
    for (int i = 0; i < WORKS && !stopping(c); i++) {
        struct err err = {0};
        bool taken = false;
        if (works[i].rule.every_us != 0 && !take_due(c, &works[i], &taken, &err)) {
            log_line(LOG_DEBUG, works[i].name, "not looked at: %s", err.text);
        }
        if (taken) {
            do_work(c, &works[i]);
        }
    }
}

/* Often enough to begin in time, at most once a second. */
static int64_t pause_between(const struct work works[WORKS])
{
    int64_t us = LOOK_MOST_US;
    for (int i = 0; i < WORKS; i++) {
        const int64_t mine = works[i].rule.every_us / LOOKS;
        us = works[i].rule.every_us != 0 && mine < us ? mine : us;
    }
    return us < LOOK_LEAST_US ? LOOK_LEAST_US : us;
}

/* True: it is to stop. */
static bool wait_for_look(struct chores *c, int64_t us)
{
    const int64_t until_us = clock_monotonic_us() + us;
    pthread_mutex_lock(&c->lock);
    while (!c->stopping && cond_wait_until(&c->wake, &c->lock, until_us)) {
    }
    const bool now = c->stopping;
    pthread_mutex_unlock(&c->lock);
    return now;
}

static void *keep_house(void *arg)
{
    struct chores *c = arg;
    struct work works[WORKS];
    works_of(c->config, works);
    while (!wait_for_look(c, pause_between(works))) {
        look(c, works);
    }
    return NULL;
}

/* ---- start and stop ---- */

bool chores_start(const struct config *config, struct pool *pool, struct chores **out,
                  struct err *err)
{
    struct chores *c = mem_alloc(sizeof *c);
    uint8_t id[8];
    char hex[SHA256_HEX];
    c->config = config;
    c->pool = pool;
    hash_random(id, sizeof id);
    (void)snprintf(c->owner, sizeof c->owner, "serve-%s", hash_hex(id, sizeof id, hex));
    pthread_mutex_init(&c->lock, NULL);
    cond_init(&c->wake);
    if (pthread_create(&c->thread, NULL, keep_house, c) != 0) {
        pthread_cond_destroy(&c->wake);
        pthread_mutex_destroy(&c->lock);
        mem_free(&c);
        return FAIL(err, ERR_BUSY, "cannot start the thread that trains and maintains");
    }
    *out = c;
    return true;
}

void chores_stop(struct chores *c)
{
    if (c == NULL) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

void chores_close(struct chores **chores)
{
    struct chores *c = *chores;
    if (c == NULL) {
        return;
    }
    chores_stop(c);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    mem_free(chores);
}
