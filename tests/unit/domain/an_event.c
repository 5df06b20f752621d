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
    item->quantity_milli = QUANTITY_ONE;
    item->price_minor = MONEY_UNKNOWN;
    return item;
}

static void set_price(struct event_item *item, int64_t price)
{
    if (price != 0) {
        item->price_minor = price;
        memcpy(item->currency, "EUR", sizeof item->currency);
    }
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
        .opt_out = plan->opt_out,
        .lines_left_out = plan->lines_left_out,
        .amount_minor = plan->amount == 0 ? MONEY_UNKNOWN : plan->amount,
        .via = plan->via,
        .guessed = plan->guessed,
        .taken_back = plan->taken_back,
        .version = plan->version,
        .round = 1,
        .step = plan->step == 0 ? 1 : plan->step,
    };

    e.sort_id = e.event_id;
    if (plan->sku != NULL) {
        struct event_item *item = add_item(&e, plan->sku);
        item->quantity_milli = (plan->quantity == 0 ? 1 : plan->quantity) * QUANTITY_ONE;
        if (plan->milli != 0) {
            item->quantity_milli = plan->milli;
        }
        item->variant_id = plan->variant;
        item->line_id = plan->line;
        set_price(item, plan->price);
    }
    if (plan->sku2 != NULL) {
        set_price(add_item(&e, plan->sku2), plan->price2);
    }
    if (plan->off != 0) {
        e.adjustments = arena_alloc(&held, sizeof *e.adjustments);
        *e.adjustments = (struct event_item){.product_id = "gift", .quantity_milli = QUANTITY_ONE};
        set_price(e.adjustments, plan->off);
        e.adjustment_count = 1;
    }
    if (plan->type == EVENT_DERIVED_BINDING_SET && plan->interval.until_us != 0) {
        struct event_interval *interval = arena_alloc(&held, sizeof *interval);
        *interval = plan->interval;
        e.intervals = interval;
        e.interval_count = 1;
    }
    return e;
}
