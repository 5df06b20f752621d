/* Quantities in thousandths, for people and JSON. What a quantity may be is event_decode.c's to say. */
#include "domain/shop/quantity.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *quantity_text(int64_t milli, char out[QUANTITY_TEXT_MAX])
{
    int64_t part = milli % QUANTITY_ONE;
    int digits = 3;

    assert(milli >= 0);
    if (part == 0) {
        (void)snprintf(out, QUANTITY_TEXT_MAX, "%" PRId64, milli / QUANTITY_ONE);
        return out;
    }
    for (; part % 10 == 0; part /= 10) {
        digits--;
    }
    (void)snprintf(out, QUANTITY_TEXT_MAX, "%" PRId64 ".%0*" PRId64, milli / QUANTITY_ONE, digits,
                   part);
    return out;
}

void quantity_put(struct jenc *j, const char *key, int64_t milli)
{
    char text[QUANTITY_TEXT_MAX];

    (void)quantity_text(milli, text);
    jenc_raw(j, key, text, strlen(text));
}

int64_t quantity_units(int64_t milli)
{
    return milli / QUANTITY_ONE + (milli % QUANTITY_ONE > 0);
}
