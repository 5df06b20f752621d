/* Group commit of the event log, the lanes that another transaction holds: somebody's open SQL transaction, a replica that stands
 * still. Their events go to the patient writer, which tries again and again over a connection of its own; the
 * other writers never wait for such a lane twice. */
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "eventlog/intake_internal.h"

enum { FULL_SHARE = 4 }; /* of the queue, for held lanes: the rest is for those that move */

#define PAUSE_US        INT64_C(20000)
#define TELL_AFTER_US   SECONDS(5)
#define CLOSING_WAIT_US SECONDS(1)

void held_add(struct intake *in, struct part *part)
{
    struct held_lanes *h = &in->held;

    if (!part->held) {
        part->held = true;
        h->since_us[part->lane] =
            h->rows[part->lane] == 0 ? clock_monotonic_us() : h->since_us[part->lane];
        h->rows[part->lane] += part->count;
        h->total += part->count;
        metric_add(METRIC_intake_held, part->count);
    }
    queue_add(&in->patient, part);
}

void held_forget(struct intake *in, const struct part *part)
{
    if (part->held) {
        in->held.rows[part->lane] -= part->count;
        in->held.total -= part->count;
        metric_sub(METRIC_intake_held, part->count);
    }
}

bool held_is_full(const struct intake *in, const struct submission *s)
{
    bool touches = false;

    for (size_t i = 0; i < s->part_count && in->held.total > 0 && !touches; i++) {
        touches = in->held.rows[s->parts[i].lane] > 0;
    }
    return touches && in->held.total + s->count > in->queue_max / FULL_SHARE;
}

struct part *held_set_aside(struct writer *w, struct part *parts, const struct lane_set *lanes,
                            struct part **out_given_up)
{
    struct intake *in = w->intake;
    struct part *rest = NULL;
    struct part **end = &rest;

    (void)pthread_mutex_lock(&in->lock);
    /* Whoever holds a lane when we close may be about to commit; for ever we do not wait. */
    bool give_up = in->closing && clock_monotonic_us() > in->closing_us + CLOSING_WAIT_US;
    for (struct part *p = parts, *next; p != NULL; p = next) {
        next = p->next;
        p->next = NULL;
        if (!lanes->has[p->lane]) {
            *end = p;
            end = &p->next;
        } else if (give_up) {
            p->next = *out_given_up;
            *out_given_up = p;
        } else {
            held_add(in, p);
        }
    }
    (void)pthread_mutex_unlock(&in->lock);
    return rest;
}

/* Under the lock: the lane that is held longest, and how long; -1 and 0 for none. */
static int oldest_held(const struct intake *in, int64_t *out_held_us)
{
    int64_t now_us = clock_monotonic_us();
    int oldest = -1;

    *out_held_us = 0;
    for (int lane = 0; lane < LANES; lane++) {
        int64_t held_us = now_us - in->held.since_us[lane];
        if (in->held.rows[lane] > 0 && (oldest < 0 || held_us > *out_held_us)) {
            oldest = lane;
            *out_held_us = held_us;
        }
    }
    return oldest;
}

/* Once an episode: a program that keeps its transaction open is somebody's to mend. */
static void tell(struct held_lanes *h, int lane, int64_t held_us)
{
    if (held_us > TELL_AFTER_US && !h->told) {
        log_line(LOG_WARN, "lane_held",
                 "another transaction holds lane %d for %lld s; its events wait, the others do not",
                 lane, (long long)(held_us / SECONDS(1)));
        h->told = true;
    }
}

void held_pause(struct writer *w)
{
    struct intake *in = w->intake;
    int64_t until_us = clock_monotonic_us() + PAUSE_US;
    int64_t held_us;

    (void)pthread_mutex_lock(&in->lock);
    while (!in->closing && clock_monotonic_us() < until_us) {
        (void)cond_wait_until(&w->work, &in->lock, until_us);
    }
    int lane = oldest_held(in, &held_us);
    (void)pthread_mutex_unlock(&in->lock);
    /* outside of the lock, as everything that writes; told is this thread's own */
    tell(&in->held, lane, held_us);
}

void held_progress(struct writer *w)
{
    struct intake *in = w->intake;

    (void)pthread_mutex_lock(&in->lock);
    bool free = in->held.total == 0;
    (void)pthread_mutex_unlock(&in->lock);
    if (free && in->held.told) {
        log_line(LOG_INFO, "lanes_free", "no lane is held any more");
        in->held.told = false;
    }
}

void intake_look(struct intake *in, struct intake_state *out)
{
    *out = (struct intake_state){0};
    (void)pthread_mutex_lock(&in->lock);
    out->queued = in->queued;
    out->held_events = in->held.total;
    for (int lane = 0; lane < LANES; lane++) {
        out->held_lanes += in->held.rows[lane] > 0 ? 1 : 0;
    }
    out->held_lane = oldest_held(in, &out->held_us);
    /* what waits for a held lane is somebody else's doing, and no stall of ours */
    out->stalled_us = in->queued > in->held.total ? clock_monotonic_us() - in->progress_us : 0;
    (void)pthread_mutex_unlock(&in->lock);
}
