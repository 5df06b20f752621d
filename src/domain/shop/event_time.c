#include "domain/shop/event_time.h"

#include "base/clock.h"

bool event_time_lasts(enum event_type type)
{
    return type == EVENT_PURCHASE || type == EVENT_ORDER_CANCELLED || type == EVENT_REFUND ||
           type == EVENT_CHAT_MESSAGE || type == EVENT_CONSENT_WITHDRAWN;
}

bool event_time_ends_what_was(const struct event *e)
{
    return e->type == EVENT_PURCHASE || e->type == EVENT_CHAT_MESSAGE || event_withdraws(e);
}

int64_t event_time_lasts_us(const struct event *e, const char *text)
{
    return text != NULL && (event_time_lasts(e->type) || event_withdraws(e)) ? clock_told_us(text)
                                                                             : 1;
}

int64_t event_time_began_us(const struct event *e, const char *text)
{
    const int64_t occurred_us = e->occurred_us;
    const int64_t lasts_us = event_time_lasts_us(e, text);
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
