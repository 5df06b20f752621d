/* Threads over parts: an atomic counter hands out part numbers; who runs a part never matters. */
#include "ml/linear/parallel.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct job {
    parallel_part *run;
    void *ctx;
    int parts;
    atomic_int next;
};

struct worker {
    struct job *job;
    pthread_t thread;
    int number;
    bool started;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    for (;;) {
        /* Handed out one by one, so that nobody waits for a fixed share. Relaxed: parts share
         * nothing, and pthread_join orders their results. */
        int part = atomic_fetch_add_explicit(&w->job->next, 1, memory_order_relaxed);
        if (part >= w->job->parts) {
            return NULL;
        }
        w->job->run(w->job->ctx, part, w->number);
    }
}

void parallel_run(int threads, int parts, parallel_part *run, void *ctx)
{
    assert(threads >= 1 && threads <= PARALLEL_THREADS_MAX && parts >= 0);
    struct job job = {.run = run, .ctx = ctx, .parts = parts};
    struct worker workers[PARALLEL_THREADS_MAX];
    /* a thread without a part would be started for nothing */
    int count = threads < parts ? threads : parts;
    for (int i = 1; i < count; i++) {
        workers[i] = (struct worker){.job = &job, .number = i};
        /* Where it cannot be started, the others take its parts. */
        workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    }
    /* the caller works as well: one thread means no thread is started */
    workers[0] = (struct worker){.job = &job};
    work(&workers[0]);
    for (int i = 1; i < count; i++) {
        if (workers[i].started) {
            pthread_join(workers[i].thread, NULL);
        }
    }
}
