#ifndef OUTREACH_CUSTOMER_H
#define OUTREACH_CUSTOMER_H

#include "domain/affinity/affinity.h"
#include "outreach/outreach.h"

/* GET /v1/customers/{id}: cart, risk with reasons, consent; and recommendations. */
CAN_FAIL bool customer_read(const struct outreach_means *m, const char *customer_id,
                            struct arena *a, struct buf *out, bool *out_found, struct err *err);
/* The products wished for: k, category and prices of the wish are read. */
CAN_FAIL bool customer_recommendations(const struct outreach_means *m, const char *customer_id,
                                       const struct pick_wish *wish, struct arena *a,
                                       struct buf *out, bool *out_found, struct err *err);

#endif
