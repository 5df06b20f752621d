#ifndef TRAIN_RISK_TRAIN_MOMENTS_H
#define TRAIN_RISK_TRAIN_MOMENTS_H

#include "domain/risk/risk_encode.h"
#include "train/log/train_log.h"
#include "train/risk/train_context.h"

/* A moment of an open, non-empty cart: right after each event of its shopper, and at the idle times
 * below when nothing happened before. Each is a row of its own, with all that is known then (how
 * long nothing happened is a feature), and asks the same question: is nothing bought within the
 * horizon of this moment, whatever the shopper does in between? So risk as a function of the time
 * since the last event is one model at different moments, and needs no composing over what may
 * happen on the way; see risk.h. */
enum { IDLE_MOMENTS = 13 };
const int64_t *moment_idle_times(void); /* (IDLE_MOMENTS) log-spaced, 30 s to 14 d */

struct moment {
    int64_t at_us;
    int64_t bought_us; /* next purchase of the shopper after it; INT64_MAX: none in the log */
    uint64_t key_hash;
    int32_t key_number; /* counts shoppers with moments, in order of the log */
    uint8_t lost; /* label, set once the horizon and the end of the log are known: nothing bought
                     within the horizon */
    struct risk_example x;
};

/* Nothing was bought within so much time of it; right only where the log did not end before. */
bool moment_is_lost(const struct moment *m, int64_t within_us);

/* Moments of many shoppers, bounded: see train_moments.c. {0} is empty. */
struct moment_set {
    struct moment *all;
    size_t count;
    size_t cap;
    int32_t keys;
    uint64_t left_out;                   /* moments with a hash below it, of 2^32 */
    uint64_t key_hash;                   /* of the shopper being taken */
    int64_t from_us, until_us;           /* only moments within; until_us 0: all of them */
    const struct train_context *context; /* borrowed; NULL: nothing but the shopper is known */
};
void moment_set_free(struct moment_set *set);
void moment_set_take(struct moment_set *set, const struct train_key *k);
/* Moments at given times, ascending, where the shopper has an open cart then; none is thinned out.
 */
void moment_set_take_at(struct moment_set *set, const struct train_key *k, const int64_t *times_us,
                        size_t count);

#endif
