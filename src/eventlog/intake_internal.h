#ifndef EVENTLOG_INTAKE_INTERNAL_H
#define EVENTLOG_INTAKE_INTERNAL_H

#include "base/arena.h"
#include "base/cond.h"
#include "base/latch.h"
#include "base/rng.h"
#include "eventlog/intake.h"

#include <pthread.h>
#include <stdatomic.h>

/* What intake.c (requests), intake_writer.c (commits) and intake_held.c (lanes that are held) share; for them only. */

enum { WRITERS_MAX = 16 };

struct submission;

/* A run of one submission's rows of one lane, committed in one statement, and with it what else waits. */
struct part {
    struct part *next;
    struct submission *owner;
    size_t first;
    size_t count;
    int lane;
    bool held; /* its lane was: the patient writer has it */
};

/* One request, copied. Freed by whoever lets go of it last. */
struct submission {
    struct arena arena; /* holds everything below, and this */
    struct latch
        answered; /* waiting has become 0; its door is shared with what may be committed together */
    struct event_row *rows;     /* by writer, then by lane */
    size_t *origin;             /* rows[i] was the caller's row origin[i] */
    enum append_status *status; /* by position in rows */
    size_t count;
    struct part *parts;
    size_t part_count;
    size_t waiting;         /* parts without an answer */
    _Atomic size_t holders; /* the caller, and the parts */
    bool left;              /* the caller's deadline has passed */
    bool failed;
    struct err err;
};

struct writer {
    struct intake *intake;
    pthread_t thread;
    pthread_cond_t work;
    struct part *head;
    struct part **tail;
    size_t waiting; /* rows in the queue */
    size_t wake_at; /* rows at which the sleeping writer wants to be woken */
    size_t last;    /* rows of the last group, the writer's own */
    unsigned door;  /* behind which those wait who join the next group */
    struct db *db;  /* of the writer's thread */
    struct rng rng;
    struct arena arena;
    bool failing; /* an outage was logged */
    bool running;
};

/* Lanes that another transaction holds, and what waits for them. */
struct held_lanes {
    size_t rows[LANES];      /* that wait for the lane; 0: it is free */
    int64_t since_us[LANES]; /* monotonic */
    size_t total;
    bool told; /* logged; the patient writer's own */
};

struct intake {
    const struct database *database; /* borrowed */
    size_t batch;
    size_t queue_max;
    int64_t deadline_us;
    int64_t gather_us;
    int writer_count;
    int started;
    /* Guards what follows, every queue, and waiting, left, failed, err of submissions. */
    pthread_mutex_t lock;
    pthread_cond_t empty; /* inside became 0 */
    size_t queued;        /* those for held lanes included */
    size_t inside;        /* callers in intake_submit */
    int working;          /* writers that may still hand something to the patient one */
    int64_t progress_us;  /* monotonic: of the last answer, or when something began to wait */
    int64_t closing_us;
    bool closing;
    bool spread; /* commits are so large that the writers share the lanes */
    struct held_lanes held;
    struct writer writers[WRITERS_MAX];
    /* Serves the lanes that another transaction holds, so that the writers wait for nobody. */
    struct writer patient;
};

/* Whoever lets go of it last frees it. */
void submission_let_go(struct submission *s);

void writer_make(struct intake *in, struct writer *w);
void *writer_main(void *writer);

/* Under the lock: puts parts at the end of the writer's queue. */
void queue_add(struct writer *w, struct part *part);
/* Under the lock, an answered part: it is waited for no more. */
void held_forget(struct intake *in, const struct part *part);
/* Under the lock: hands a part to the patient writer. */
void held_add(struct intake *in, struct part *part);
/* Under the lock: the submission touches a held lane, and as much waits for such as may. */
bool held_is_full(const struct intake *in, const struct submission *s);
/* Hands over those of the parts whose lane is held; returns the others. */
struct part *held_set_aside(struct writer *w, struct part *parts, const struct lane_set *lanes,
                            struct part **out_given_up);
/* Of the patient writer, when it got nowhere: a pause, and word to the log. */
void held_pause(struct writer *w);
/* Of the patient writer, when it stored something: word to the log if that was the last. */
void held_progress(struct writer *w);

#endif
