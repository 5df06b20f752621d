#ifndef DOMAIN_AN_EVENT_H
#define DOMAIN_AN_EVENT_H

/* Builders for tests of the fold: an_event(EVENT_SEARCHED, .at = MINUTES(3)) is an event of customer
 * "anna" three minutes after the test's time began, received as it occurred, with an id of its own. */
#include "base/arena.h"
#include "base/clock.h"
#include "domain/shop/event.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "domain/shopper/shopper.h"

#include <string.h>

#define TEST_DAY_US INT64_C(1569888000000000) /* 2019-10-01T00:00:00Z */

struct event_plan {
    enum event_type type;
    int64_t at;                 /* after TEST_DAY_US */
    int64_t late_by;            /* received so long after it occurred */
    const char *id;             /* NULL: "e" and a number that grows */
    const char *sku;            /* first item; NULL none */
    int64_t quantity;           /* of it; 1 */
    int64_t milli;              /* of it, in thousandths, in place of quantity */
    int64_t price;              /* of it, in EUR; MONEY_UNKNOWN where 0 */
    const char *variant, *line; /* of it */
    const char *sku2;           /* a second item, one piece */
    int64_t price2;
    int64_t off; /* an adjustment, the gift card "gift", takes so much off; none where 0 */
    const char *cart, *order, *subject, *agent, *locale;
    bool opt_out;
    bool lines_left_out;
    int64_t amount; /* MONEY_UNKNOWN where 0 */
    enum event_origin origin;
    const char *anonymous; /* identify, alias */
    const char *via;       /* forwarded; shopper_bound, binding_set */
    const char *customer;  /* "anna" */
    bool guessed, taken_back;
    int64_t version;
    struct event_interval interval; /* binding_set: one; none where {0, 0} */
    int64_t step;                   /* outreach_released: 1 */
};

#define an_event(type_, ...) event_planned(&(struct event_plan){.type = (type_), __VA_ARGS__})

struct event event_planned(const struct event_plan *plan);
void forget_events(void); /* frees what the events hold; the next id is e1 again */

#endif
