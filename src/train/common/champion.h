#ifndef TRAIN_COMMON_CHAMPION_H
#define TRAIN_COMMON_CHAMPION_H

#include "domain/affinity/affinity.h"
#include "domain/risk/risk.h"
#include "train/common/training.h"

/* The model that serves now, judged beside the others where that is fair. */
struct champion {
    bool found;
    bool is_baseline;
    char version[64];
    int64_t as_of_us;
    void *bytes; /* owned */
    struct risk *risk;
    struct affinity *
        affinity; /* the one of its kind; NULL if the file does not load any more, and of the built-in one */
};
CAN_FAIL bool champion_load(const struct training *t, const char *kind, struct champion *out,
                            struct err *err);
void champion_free(struct champion *c);

#endif
