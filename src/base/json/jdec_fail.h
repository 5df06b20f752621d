#ifndef BASE_JDEC_FAIL_H
#define BASE_JDEC_FAIL_H

#include "base/json/jdec.h"

/* jdec_refuse for element index of the array member key. For jdec.c only. */
void jdec_refuse_element(struct jdec *d, const char *key, size_t index, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
