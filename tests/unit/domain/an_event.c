#include "unit/domain/an_event.h"

static struct arena held; /* what the events of the running test point to */
static int made;

void forget_events(void)
{
    arena_free(&held);
    made = 0;
}

static struct event_item *add_item(struct event *e, const char *sku)
{
    struct event_item *item = &e->items[e->item_count++];

    item->product_id = sku;
    item->quantity = 1;
    item->price_minor = MONEY_UNKNOWN;
    return item;
}

struct event event_planned(const struct event_plan *plan)
{
    struct event e = {
        .type = plan->type,
        .origin = plan->origin,
        .type_name = event_type_name(plan->type),
        .event_id = plan->id == NULL ? arena_printf(&held, "e%d", ++made) : plan->id,
        .customer_id = plan->customer == NULL ? "anna" : plan->customer,
        .anonymous_id = plan->anonymous,
        .cart_id = plan->cart,
        .order_id = plan->order,
        .occurred_us = TEST_DAY_US + plan->at,
        .received_us = TEST_DAY_US + plan->at + plan->late_by,
        .locale = plan->locale,
        .user_agent = plan->agent,
        .items = arena_array(&held, 2, sizeof(struct event_item)),
        .subject = plan->subject,
        .amount_minor = plan->amount == 0 ? MONEY_UNKNOWN : plan->amount,
        .via = plan->via,
        .version = plan->version,
        .round = 1,
        .step = plan->step == 0 ? 1 : plan->step,
    };

    e.sort_id = e.event_id;
    if (plan->sku != NULL) {
        struct event_item *item = add_item(&e, plan->sku);
        item->quantity = plan->quantity == 0 ? 1 : plan->quantity;
        if (plan->price != 0) {
            item->price_minor = plan->price;
            memcpy(item->currency, "EUR", sizeof item->currency);
        }
    }
    if (plan->sku2 != NULL) {
        (void)add_item(&e, plan->sku2);
    }
    if (plan->type == EVENT_DERIVED_BINDING_SET && plan->interval.until_us != 0) {
        struct event_interval *interval = arena_alloc(&held, sizeof *interval);
        *interval = plan->interval;
        e.intervals = interval;
        e.interval_count = 1;
    }
    return e;
}
