#ifndef TESTS_INTEGRATION_TRAIN_CLAIMS_SPEC_H
#define TESTS_INTEGRATION_TRAIN_CLAIMS_SPEC_H

#include "integration/flow_spec.h"

#include <stdbool.h>

struct live;

/* "Goes with" by the rule written once more, recomputed from the table of events. Products are called by one letter and their number. */
struct claims {
    int products;
    int *kind;      /* (products) of two of one kind nothing is claimed */
    double *carts;  /* (products) shoppers who took it into a cart of two or more */
    double *met;    /* (products, products) */
    double *chance; /* likewise */
    double tokens;
    double meetings;
    double most; /* the largest chance that is claimed; below 0: none */
};
struct claims claims_of(int products); /* owned: claims_free */
void claims_free(struct claims *c);
void claims_read(struct claims *c, struct flow_bench *b);
bool claims_has(const struct claims *c, int a, int b);
/* Products of the log as it is learn what goes with what, and the model serves; live_close. */
struct live *claims_serve(struct flow_bench *b);

#endif
