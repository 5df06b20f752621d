#ifndef OUTREACH_TELL_H
#define OUTREACH_TELL_H

#include "outreach/decide.h"
#include "store/outreach.h"

/* Last step: the words. JSON is written once, for a decision that stands. */

/* The products the words name: those of the cart's lines, then what the picks ask for. In arena. */
const char **outreach_tell_ids(const struct decided *d, struct arena *a, size_t *out_count);

/* Whether the cart that was spoken about is sold out by now. */
CAN_FAIL bool outreach_gone(struct db *db, const struct decided *d, struct arena *a, bool *out,
                            struct err *err);

/* The row of the decision, in arena: summary, why and, for a send, the message; a silence where the
 * catalogue says that nothing of the cart is left. products: of outreach_tell_ids, in order; NULL:
 * they are read here. */
CAN_FAIL bool outreach_tell(struct db *db, const struct decided *d, const struct product *products,
                            struct arena *a, struct outreach_row *out, struct err *err);

#endif
