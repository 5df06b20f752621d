#ifndef FOREIGN_EVENT_NAMES_H
#define FOREIGN_EVENT_NAMES_H

#include "base/err.h"
#include "domain/shop/event.h"

/* What other vocabularies call our events: one table for all of them. */
enum event_names { NAMES_RETAILROCKET, NAMES_REES46, NAMES_TAOBAO };

/* The event that text stands for. ERR_INVALID, "COLUMN is none of a, b, c: ...". */
CAN_FAIL bool event_names_find(enum event_names names, const char *column, const char *text,
                               enum event_type *out, struct err *err);

#endif
