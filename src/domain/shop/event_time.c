#include "domain/shop/event_time.h"

#include "base/clock.h"

int64_t event_time_lasts_us(enum event_type type, const char *text)
{
    const bool of_order =
        type == EVENT_PURCHASE || type == EVENT_ORDER_CANCELLED || type == EVENT_REFUND;

    return of_order && text != NULL ? clock_told_us(text) : 1;
}

int64_t event_time_began_us(enum event_type type, const char *text, int64_t occurred_us)
{
    const int64_t lasts_us = event_time_lasts_us(type, text);
    struct err unreadable = {0};
    int64_t at_us;

    if (lasts_us == 1 || !clock_parse_rfc3339(text, &at_us, &unreadable)) {
        return 0;
    }
    /* a sender's clock that was behind has moved both */
    if (occurred_us - at_us > lasts_us - 1) {
        at_us = occurred_us - (lasts_us - 1);
    }
    return at_us < occurred_us ? at_us : 0;
}
