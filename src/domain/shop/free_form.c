/* What may stand in the parts of events and products that are the sender's own. */
#include "domain/shop/free_form.h"

#include <math.h>

#define NUMBER_LIMIT 9.2e18 /* a little below 2^63 */

/* Keeps what is wrong in *out_text, so that the refusal can say the limit it was given. */
static bool is_fit(json_t *tree, int levels, const char **out_text)
{
    const char *name;
    json_t *value;
    size_t i;

    /* Integers need no look: what does not fit 64 bits, jansson has refused. */
    if (json_is_real(tree) && fabs(json_real_value(tree)) >= NUMBER_LIMIT) {
        *out_text = "must not hold numbers of 9.2e18 or more";
        return false;
    }
    if (!json_is_object(tree) && !json_is_array(tree)) {
        return true;
    }
    if (levels == 0) {
        /* the limit to be told is the caller's, levels was counted down */
        *out_text = NULL;
        return false;
    }
    json_object_foreach (tree, name, value) {
        if (!is_fit(value, levels - 1, out_text)) {
            return false;
        }
    }
    json_array_foreach (tree, i, value) {
        if (!is_fit(value, levels - 1, out_text)) {
            return false;
        }
    }
    return true;
}

bool free_form_check(struct jdec *d, const char *key, json_t *tree, int levels)
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
    for (; *text != '\0'; text++) {
        /* Bytes of a longer UTF-8 sequence are 0x80 or more: none
         * passes for a control character. */
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
    return arena_strdup(a, text);
}
