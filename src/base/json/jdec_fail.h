#ifndef BASE_JDEC_FAIL_H
#define BASE_JDEC_FAIL_H

#include "base/json/jdec.h"

#define JDEC_EXACT_BELOW 9007199254740992.0 /* 2^53: every integer up to here is a double */

/* What a value that exists is, in words. For jdec.c only, as the next. */
const char *jdec_type_name(struct jval value);

/* jdec_refuse for element index of the array member key. */
void jdec_refuse_element(struct jdec *d, const char *key, size_t index, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
