#ifndef DOMAIN_SHOP_EVENT_TREE_H
#define DOMAIN_SHOP_EVENT_TREE_H

#include "base/arena.h"
#include "base/json/jval.h"

/* An event's document to take apart and to write anew: where what is stored is not what was sent. */

/* A copy, whichever way the document was read. The caller owns it (jdec_free); texts are made in arena. */
json_t *event_tree_of(struct jval v, struct arena *a);
/* One JSON text of the same values, in arena. NULL: it has none. */
const char *event_tree_text(json_t *tree, struct arena *a);
/* Ids of the event and of its items that are integers become their digits, as which the decoder reads them: so the event is a duplicate of the one that
 * says them as texts. */
void event_tree_ids_as_text(json_t *event);
/* Of a document with such ids, the body to store. */
const char *event_body_of_ids(struct jval doc, struct arena *a);

#endif
