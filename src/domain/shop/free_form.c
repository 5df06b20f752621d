/* What may stand in the parts of events and products that are the sender's own. */
#include "domain/shop/free_form.h"

#include "base/swar.h"

#include <math.h>
#include <string.h>

#define NUMBER_LIMIT 9.2e18 /* a little below 2^63 */

/* Keeps what is wrong in *out_text, so that the refusal can say the limit it was given. */
static bool is_fit(struct jval tree, int levels, const char **out_text)
{
    /* Integers need no look: what does not fit 64 bits, is refused as it is read. */
    if (jval_is(tree, JSON_REAL) && fabs(jval_real(tree)) >= NUMBER_LIMIT) {
        *out_text = "must not hold numbers of 9.2e18 or more";
        return false;
    }
    if (!jval_is(tree, JSON_OBJECT) && !jval_is(tree, JSON_ARRAY)) {
        return true;
    }
    if (levels == 0) {
        /* the limit to be told is the caller's, levels was counted down */
        *out_text = NULL;
        return false;
    }
    struct jwalk w = jwalk_begin(tree);
    while (jwalk_next(&w)) {
        if (!is_fit(w.value, levels - 1, out_text)) {
            return false;
        }
    }
    return true;
}

bool free_form_check(struct jdec *d, const char *key, struct jval tree, int levels)
{
    const char *text;

    if (is_fit(tree, levels, &text)) {
        return true;
    }
    if (text != NULL) {
        jdec_refuse(d, key, "%s", text);
    } else {
        jdec_refuse(d, key, "must not be nested deeper than %d levels", levels);
    }
    return false;
}

bool text_has_control(const char *text)
{
    size_t left = strlen(text);

    /* Bytes of a longer UTF-8 sequence are 0x80 or more: none passes for a control character. */
    for (; left >= 8; left -= 8, text += 8) {
        uint64_t eight = swar_load(text);
        if ((swar_some_below(eight, 0x20) | swar_some_is(eight, 0x7f)) != 0) {
            return true;
        }
    }
    for (; left > 0; left--, text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

const char *text_keep(struct jdec *d, const char *key, const char *text, struct arena *a)
{
    if (text == NULL || jdec_stopped(d)) {
        return NULL;
    }
    if (text_has_control(text)) {
        jdec_refuse(d, key, "must not contain control characters");
        return NULL;
    }
    return jdec_keep(d, text, a);
}
