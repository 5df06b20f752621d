#ifndef INTEGRATION_OUTREACH_OUTREACH_SPEC_H
#define INTEGRATION_OUTREACH_OUTREACH_SPEC_H

/* A shop whose every cart is worth a message as far as the risk goes, what its shoppers did, and what outreach says. */
#include "integration/flow_spec.h"
#include "live/live.h"
#include "outreach/outreach.h"
#include "store/pg/pool.h"

#include <jansson.h>

extern struct flow_bench bench;
extern struct pool *pool;
extern struct live *live;

int outreach_setup(void **state);
int outreach_teardown(void **state);
void ok(bool done, const struct err *err); /* fails the test with the error's text */

/* Something a shopper did so many minutes ago; one of customer and anonymous. */
struct deed {
    const char *customer, *anonymous;
    const char *type;
    int64_t minutes_ago;
    const char *more; /* further members of the body: ",\"order_id\":\"o1\""; NULL: none */
};
void did_with(struct db *db, struct deed deed);
void did(const char *customer, const char *type, int64_t minutes_ago, const char *more);

#define A_SHOE                                                                                     \
    ",\"items\":[{\"product_id\":\"shoe\",\"quantity\":1,\"price_minor\":4990,\"currency\":\"EUR\"}]"

struct answer {
    enum outreach_outcome outcome;
    char *text;   /* in the arena of the bench */
    json_t *json; /* freed by the caller; NULL where the outcome is OUTREACH_UNKNOWN */
};
bool try_ask(struct outreach_request request, struct answer *out, struct err *err);

/* Of a server that gives the fold a tenth of a second, and not two seconds: where nobody folds, what is pending is refused then as it is later.
 * (That it waits as long as it may, release_test says.) */
bool try_ask_briefly(struct outreach_request request, struct answer *out, struct err *err);
struct answer ask_as(struct outreach_request request); /* must not fail */
struct answer ask(const char *customer);
const char *member(const struct answer *a, const char *key); /* "" where it is no text */
/* Takes the answer's JSON. */
void expect(struct answer a, enum outreach_outcome outcome, const char *decision,
            const char *reason);
int64_t released_count(const char *customer); /* outreach_released in the log */

#endif
