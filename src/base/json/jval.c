/* One face for both ways of reading a document, so that what a member means is written once. Where the two could
 * differ, jansson's tree is right (tests/fuzz/decode_fuzz.c). */
#include "base/json/jval.h"

#include "base/json/jlex.h"

#include <stdlib.h>
#include <string.h>

/* ---- members and elements ---- */

struct jval jval_get(struct jval object, const char *name)
{
    if (object.mark == NULL) {
        return jval_of_tree(json_object_get(object.tree, name));
    }
    if (object.mark->type != JSON_OBJECT) {
        return (struct jval){0};
    }
    size_t len = strlen(name);
    if ((object.mark->names & jmark_name_bit(name, len)) == 0) {
        return (struct jval){0};
    }
    struct jmark *m = object.mark + 1;
    for (uint32_t i = 0; i < object.mark->len; i++, m += m->span) {
        if (m->name_len == len && memcmp(m->name, name, len) == 0) {
            return (struct jval){.mark = m};
        }
    }
    return (struct jval){0};
}

size_t jval_count(struct jval array)
{
    if (array.mark == NULL) {
        return json_array_size(array.tree);
    }
    return array.mark->type == JSON_ARRAY ? array.mark->len : 0;
}

struct jwalk jwalk_begin(struct jval of)
{
    return (struct jwalk){.of = of};
}

static bool next_in_tree(struct jwalk *w)
{
    json_t *of = w->of.tree;

    if (json_is_array(of)) {
        w->value = jval_of_tree(json_array_get(of, w->at));
    } else {
        w->member = w->at == 0 ? json_object_iter(of) : json_object_iter_next(of, w->member);
        w->value = jval_of_tree(json_object_iter_value(w->member));
    }
    return w->value.tree != NULL;
}

static bool next_mark(struct jwalk *w)
{
    const struct jmark *of = w->of.mark;
    bool has_some = of->type == JSON_OBJECT || of->type == JSON_ARRAY;

    if (!has_some || w->at == of->len) {
        return false;
    }
    w->value.mark = w->at == 0 ? w->of.mark + 1 : w->value.mark + w->value.mark->span;
    return true;
}

bool jwalk_next(struct jwalk *w)
{
    if (!(w->of.mark != NULL ? next_mark(w) : next_in_tree(w))) {
        return false;
    }
    w->at++;
    return true;
}

/* With a NUL behind it. */
static char *ended(const char *text, size_t len, struct arena *a)
{
    /* all that arena_alloc gives is zero */
    return memcpy(arena_alloc(a, len + 1), text, len);
}

const char *jwalk_name(const struct jwalk *w, struct arena *a)
{
    if (w->of.mark == NULL) {
        return json_object_iter_key(w->member);
    }
    return ended(w->value.mark->name, w->value.mark->name_len, a);
}

/* ---- texts ---- */

size_t jval_len(struct jval string)
{
    if (string.mark == NULL) {
        return json_string_length(string.tree);
    }
    return string.mark->type == JSON_STRING ? string.mark->len : 0;
}

bool jval_says(struct jval string, const char *text)
{
    if (string.mark == NULL) {
        const char *own = json_string_value(string.tree);
        return own != NULL && strcmp(own, text) == 0;
    }
    return string.mark->type == JSON_STRING && string.mark->len == strlen(text) &&
           memcmp(string.mark->text, text, string.mark->len) == 0;
}

const char *jval_text(struct jval string, struct arena *a)
{
    struct jmark *m = string.mark;

    if (m == NULL) {
        return json_string_value(string.tree);
    }
    if (m->type != JSON_STRING) {
        return NULL;
    }
    if (!m->kept) {
        m->text = ended(m->text, m->len, a);
        m->kept = true;
    }
    return m->text;
}

/* ---- numbers ---- */

int64_t jval_integer(struct jval integer)
{
    const struct jmark *m = integer.mark;

    if (m == NULL) {
        return json_integer_value(integer.tree);
    }
    return m->type == JSON_INTEGER ? jlex_integer((struct jspan){m->text, m->len}) : 0;
}

double jval_real(struct jval real)
{
    if (real.mark == NULL) {
        return json_real_value(real.tree);
    }
    /* what stands behind it in the text, a comma or a bracket, ends it */
    return real.mark->type == JSON_REAL ? strtod(real.mark->text, NULL) : 0;
}

double jval_number(struct jval number)
{
    return jval_is(number, JSON_INTEGER) ? (double)jval_integer(number) : jval_real(number);
}
