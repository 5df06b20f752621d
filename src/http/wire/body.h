#ifndef HTTP_WIRE_BODY_H
#define HTTP_WIRE_BODY_H

#include "base/buf.h"
#include "base/err.h"
#include "http/wire/budget.h"

/* A request body while it arrives. What it holds, and what decoding it may cost, is charged to the
 * budget of the server until body_free. */
struct body {
    struct buf bytes;
    struct budget *budget; /* borrowed */
    size_t charged;
    bool too_large; /* tells 413 from 503 after a failure */
};

struct body body_make(struct budget *budget, size_t max);
void body_free(struct body *b); /* accepts {0} */

CAN_FAIL bool body_add(struct body *b, const char *bytes, size_t len, struct err *err);

/* Replaces gzip bytes by what they hold, at most the same maximum: a bomb is refused early. */
CAN_FAIL bool body_gunzip(struct body *b, struct err *err);

/* Charges what a parsed tree may take beyond the text; call before decoding. */
CAN_FAIL bool body_charge_decoding(struct body *b, struct err *err);

#endif
