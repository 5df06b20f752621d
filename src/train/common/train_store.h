#ifndef TRAIN_COMMON_TRAIN_STORE_H
#define TRAIN_COMMON_TRAIN_STORE_H

#include "train/common/train_gate.h"

/* What a training made of one kind: the baseline, and the challenger where there was enough to train one. */
struct trained_pair {
    const char *kind;
    const char *baseline_algorithm;
    const char *challenger_algorithm;
    const struct trained *baseline;
    const struct trained *challenger; /* made false: none */
    const char *baseline_card;
    const char *challenger_card;
};
/* Stores baseline and challenger (card: the row's JSON) and promotes by the verdict; fills the result. */
CAN_FAIL bool train_store(const struct training *t, const struct trained_pair *pair,
                          const struct verdict *v, const struct champion *champion,
                          struct train_result *out, struct err *err);

#endif
