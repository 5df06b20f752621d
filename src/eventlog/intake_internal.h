#ifndef EVENTLOG_INTAKE_INTERNAL_H
#define EVENTLOG_INTAKE_INTERNAL_H

#include "base/arena.h"
#include "base/cond.h"
#include "base/rng.h"
#include "eventlog/intake.h"

#include <pthread.h>
#include <semaphore.h>

/* What intake.c (requests) and intake_writer.c (commits) share; for them only. */

enum { WRITERS_MAX = 16 };

struct submission;

/* A run of one submission's rows that one writer commits in one statement. */
struct part {
    struct part *next;
    struct submission *owner;
    size_t first;
    size_t count;
    int writer;
};

/* One request, copied. Freed by whoever lets go of it last. */
struct submission {
    struct arena arena;         /* holds everything below, and this */
    sem_t answered;             /* posted once, when waiting has become 0 */
    struct event_row *rows;     /* grouped by writer */
    size_t *origin;             /* rows[i] was the caller's row origin[i] */
    enum append_status *status; /* by position in rows */
    size_t count;
    struct part *parts;
    size_t part_count;
    size_t waiting; /* parts without an answer */
    size_t holders; /* the caller, and the parts */
    bool left;      /* the caller's deadline has passed */
    bool failed;
    struct err err;
};

struct writer {
    struct intake *intake;
    pthread_t thread;
    pthread_cond_t work;
    struct part *head;
    struct part **tail;
    struct db *db; /* of the writer's thread */
    struct rng rng;
    struct arena arena;
    bool failing; /* an outage was logged */
};

struct intake {
    const struct database *database; /* borrowed */
    size_t batch;
    size_t queue_max;
    int64_t deadline_us;
    int writer_count;
    int started;
    /* Guards what follows, every queue, and waiting, holders, left, failed, err of submissions. */
    pthread_mutex_t lock;
    pthread_cond_t empty; /* inside became 0 */
    size_t queued;
    size_t inside; /* callers in intake_submit */
    bool closing;
    struct writer writers[WRITERS_MAX];
};

/* Under the lock; true: nobody holds it any more, and the caller has to free it, outside. */
bool submission_let_go(struct submission *s);
void submission_free(struct submission *s);

void writer_make(struct intake *in, struct writer *w);
void *writer_main(void *writer);

#endif
