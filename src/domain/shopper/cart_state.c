/* What is computed from a cart and never stored: total, units, and its state at a time. */
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "domain/shopper/shopper.h"

#include <assert.h>
#include <string.h>

struct cart_clock cart_clock_of(const struct config *config)
{
    return (struct cart_clock){.idle_after_us = config->idle_after,
                               .abandoned_after_us = config->abandoned_after,
                               .expired_after_us = config->expired_after};
}

/* Sum of the lines; false where it cannot be known. */
static bool sum_lines(const struct cart_line *lines, size_t count, const char *currency,
                      int64_t *out)
{
    int64_t amount;

    *out = 0;
    for (size_t i = 0; i < count; i++) {
        if (lines[i].price_minor == MONEY_UNKNOWN ||
            strcmp(lines[i].currency, currency) != 0 || /* no rate is known, so there is no sum */
            !money_of_quantity(lines[i].price_minor, lines[i].quantity_milli, &amount) ||
            !money_add(*out, amount, out)) {
            return false;
        }
    }
    return true;
}

bool cart_total(const struct cart *c, int64_t *out_minor, char out_currency[4])
{
    int64_t products;
    int64_t taken_off;

    *out_minor = MONEY_UNKNOWN;
    out_currency[0] = '\0';
    if (c->line_count == 0 || c->lines_cut > 0 ||
        !sum_lines(c->lines, c->line_count, c->lines[0].currency, &products) ||
        !sum_lines(c->adjustments, c->adjustment_count, c->lines[0].currency, &taken_off)) {
        return false;
    }
    /* a gift card of more than the cart pays all of it, and no more */
    *out_minor = products > taken_off ? products - taken_off : 0;
    memcpy(out_currency, c->lines[0].currency, sizeof c->lines[0].currency);
    return true;
}

int64_t cart_units(const struct cart *c)
{
    int64_t units = 0;

    for (size_t i = 0; i < c->line_count; i++) {
        /* at most CART_LINES_MAX x CART_UNITS_MAX */
        units += quantity_units(c->lines[i].quantity_milli);
    }
    return units;
}

/* Of lines that found no room it is not known when they came. A cart that has not changed since is that one. */
bool cart_held(const struct cart *c, int64_t at_us)
{
    bool held = at_us >= c->changed_us || (c->lines_cut > 0 && at_us >= c->opened_us);

    for (size_t i = 0; i < c->line_count && !held; i++) {
        held = c->lines[i].added_us <= at_us;
    }
    return held;
}

enum cart_state cart_state(const struct cart *c, int64_t seen_us, const struct cart_clock *clock,
                           int64_t now_us)
{
    /* Any sign of the shopper, not only a change of the cart: who still browses has not left. */
    int64_t idle_us = now_us - (seen_us > c->changed_us ? seen_us : c->changed_us);

    switch (c->status) {
    case CART_BOUGHT:
        return STATE_BOUGHT;
    case CART_EMPTIED:
        return STATE_EMPTIED;
    case CART_MERGED:
        return STATE_MERGED;
    case CART_OPEN:
        break;
    }
    if (idle_us >= clock->expired_after_us) {
        return STATE_EXPIRED;
    }
    if (idle_us >= clock->abandoned_after_us) {
        return STATE_ABANDONED;
    }
    return idle_us >= clock->idle_after_us ? STATE_IDLE : STATE_ACTIVE;
}

const char *cart_state_name(enum cart_state state)
{
    static const char *const names[] = {
        [STATE_ACTIVE] = "active",   [STATE_IDLE] = "idle",     [STATE_ABANDONED] = "abandoned",
        [STATE_EXPIRED] = "expired", [STATE_BOUGHT] = "bought", [STATE_EMPTIED] = "emptied",
        [STATE_MERGED] = "merged",
    };

    assert(state >= STATE_ACTIVE && state <= STATE_MERGED);
    return names[state];
}

const char *cart_status_name(enum cart_status status)
{
    static const char *const names[] = {
        [CART_OPEN] = "open",
        [CART_BOUGHT] = "bought",
        [CART_EMPTIED] = "emptied",
        [CART_MERGED] = "merged",
    };

    assert(status >= CART_OPEN && status <= CART_MERGED);
    return names[status];
}
