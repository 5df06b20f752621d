#ifndef DOMAIN_SHOP_FREE_FORM_H
#define DOMAIN_SHOP_FREE_FORM_H

#include "base/arena.h"
#include "base/json/jdec.h"

#include <stdbool.h>

/* True if a free-form tree (member key of d) can be kept as jsonb and read back: nested at most levels
 * deep, itself included, and no number that PostgreSQL would write with more digits than an integer of
 * ours has (1e300 comes back as 301 digits). Else refuses it and answers false. */
bool free_form_check(struct jdec *d, const char *key, struct jval tree, int levels);

/* True if the text has characters below U+0020, or U+007F. */
bool text_has_control(const char *text);

/* The text of member key, in arena; one with control characters is refused. NULL where there is none,
 * or nothing that is read can be of use any more. */
const char *text_keep(struct jdec *d, const char *key, const char *text, struct arena *a);

#endif
