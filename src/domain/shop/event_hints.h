#ifndef DOMAIN_SHOP_EVENT_HINTS_H
#define DOMAIN_SHOP_EVENT_HINTS_H

#include <stdbool.h>

/* What another tracker's name of a member of events or products is called here ("userId" is customer_id);
 * NULL for a name that is none of theirs. Only for words to people: nothing is read by it. */
const char *event_member_hint(const char *unknown);

/* The type that an unknown one was probably meant to be ("add_to_cart" is cart_item_added); NULL where
 * nobody can say. */
const char *event_type_hint(const char *unknown);

/* Whether another tracker's property is what is read here under that name ("coupon_code" is code). */
bool event_property_is_meant(const char *name, const char *read);

#endif
