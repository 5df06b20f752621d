#ifndef BASE_JDOC_H
#define BASE_JDOC_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json/jmarks.h"
#include "base/json/jval.h"

/* A document, read for reading: what is hot in one pass, the rest to jansson's tree. Both take the same texts, say
 * the same of others, and are read alike (jval.h, jdec_root_of). */
struct jdoc {
    struct jval root;
    json_t *tree; /* owned; NULL where there are marks */
    struct jmarks marks;
};

/* In one pass. text is borrowed until jdoc_free, the arena holds what texts turn out to be needed, and outlives
 * whatever was made of them. Fails as jdec_parse does. Freed with jdoc_free either way, and not copied. */
CAN_FAIL bool jdoc_read(struct jdoc *doc, const char *text, size_t len, struct arena *a,
                        struct err *err);
/* By jdec_parse: for what wants the tree itself, and for tests. */
CAN_FAIL bool jdoc_parse(struct jdoc *doc, const char *text, size_t len, struct err *err);
void jdoc_free(struct jdoc *doc);

#endif
