/* Which refused events are counted apart: those whose loss is a message that nobody should get. */
#include "eventlog/refused.h"

#include "base/metric.h"
#include "domain/shop/event.h"

void refused_count(const char *type)
{
    switch ((int)(type == NULL ? EVENT_UNKNOWN : event_type_of(type))) {
    case EVENT_PURCHASE:
        metric_add(METRIC_events_refused_purchase, 1);
        break;
    case EVENT_CONSENT_WITHDRAWN:
        metric_add(METRIC_events_refused_consent_withdrawn, 1);
        break;
    case EVENT_CHAT_MESSAGE:
        metric_add(METRIC_events_refused_chat_message, 1);
        break;
    default:
        metric_add(METRIC_events_refused_other, 1);
        break;
    }
}
