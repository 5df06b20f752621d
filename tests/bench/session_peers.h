#ifndef BENCH_SESSION_PEERS_H
#define BENCH_SESSION_PEERS_H

#include "bench/session_eval.h"

/* Two rankings that need no model, beside which ours must show what it is worth. rank (cases->count): of each line's target, from 1; 0: not ranked. */

/* The items of the prefix itself, those that stand there most often first, equal ones by who came last. On data in which people come back to what they
 * looked at this is hard to beat. Items that TRAIN does not know take no place. */
void session_own_items_rank(const struct session_cases *cases, int32_t *rank);

/* A Markov chain of first order: what came directly after the prefix's last item in the log, by how often. An equal count stands before the target. */
void session_markov_rank(const struct session_log *log, const struct session_cases *cases,
                         int32_t *rank);

#endif
