#ifndef DOMAIN_AFFINITY_AFFINITY_VISIT_H
#define DOMAIN_AFFINITY_AFFINITY_VISIT_H

#include "domain/affinity/affinity_file.h"
#include "ml/session/session_rank.h"

/* Visits in an affinity model: what other shoppers did next, in this visit's place. A model file may hold the rows and the ranker of
 * ml/session/session_rank.h and the latest visits of its log; once loaded, the index of visits is kept fresh event by event. */

enum { AFFINITY_VISIT_SECTIONS = 12, VISITS_KEPT_MAX = 200000 };

/* The sections of a model whose item numbers are the affinity model's, for affinity_parts.more. `recent` (the latest VISITS_KEPT_MAX of it) fills the
 * index when the file is loaded; weight is that of the visits in the blend, >= 0. In arena, or borrowed. */
void affinity_visit_sections(const struct session_model *model, const struct session_log *recent,
                             float weight, struct arena *a,
                             struct affinity_section out[AFFINITY_VISIT_SECTIONS]);

/* Tells the model's index what a shopper (any stable key) has just done; what is no product of the model or says nothing about taste is ignored, and
 * so is everything where the model has no visits. From any thread. */
void affinity_visit_event(const struct affinity *m, const char *shopper, enum event_type type,
                          const char *product_id, int64_t at_us);

/* For training: another weight in the blend. A chance of 1 then counts `weight` times the most that the score beside it can be: 1 of factors, the root of
 * the number of trained products of a model with item-item weights. False: the model has no visits. */
bool affinity_visit_weigh(struct affinity *m, float weight);

#endif
