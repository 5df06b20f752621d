/* What is wrong with a document being read, members that nobody knows among it, and the JSON pointers (RFC 6901)
 * to it. */
#include "base/json/jdec_fail.h"

#include "base/spell.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *jdec_type_name(struct jval value)
{
    switch (jval_type(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        /* 1e300 has no fraction, and is no integer that could be told exactly either */
        return fabs(jval_real(value)) >= JDEC_EXACT_BELOW
                   ? "one beyond 2^53 that has a point or an exponent"
                   : "a number with a fraction";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

struct path {
    char *text;
    size_t len, cap;
};

static void path_char(struct path *p, char c)
{
    if (p->len + 1 < p->cap) {
        p->text[p->len++] = c;
        p->text[p->len] = '\0';
    }
}

static void path_key(struct path *p, const char *key)
{
    path_char(p, '/');
    for (; *key != '\0'; key++) {
        /* RFC 6901, section 3: ~ is written ~0, and / is written ~1 */
        if (*key == '~' || *key == '/') {
            path_char(p, '~');
            path_char(p, *key == '~' ? '0' : '1');
        } else {
            path_char(p, *key);
        }
    }
}

static void path_index(struct path *p, ssize_t index)
{
    char digits[24];

    (void)snprintf(digits, sizeof digits, "%zd", index);
    path_key(p, digits);
}

/* Recurses once a level of the caller's decoders, never of the input. */
static void path_of(struct path *p, const struct jdec *d)
{
    if (d->parent != NULL) {
        path_of(p, d->parent);
        path_key(p, d->key);
    }
    if (d->index >= 0) {
        path_index(p, d->index);
    }
}

/* A name too long for the path was cut at a byte: takes a half character off its end. */
static void path_trim(struct path *p)
{
    size_t lead = p->len;

    while (lead > 0 && ((unsigned char)p->text[lead - 1] & 0xc0) == 0x80) {
        lead--;
    }
    if (lead > 0 && (unsigned char)p->text[lead - 1] >= 0xc0) {
        unsigned char c = (unsigned char)p->text[lead - 1];
        size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
        /* a path that happens to end with a whole character keeps it */
        if (p->len - (lead - 1) < need) {
            p->text[lead - 1] = '\0';
        }
    }
}

__attribute__((format(printf, 4, 0))) static void
keep_failure(struct jdec *d, const char *key, ssize_t index, const char *fmt, va_list ap)
{
    char where[ERR_PATH_MAX] = "";
    char text[ERR_TEXT_MAX];

    /* nothing is wrong with the members of what is no object: it has none */
    if (jdec_stopped(d) || (!jval_exists(d->object) && jdec_failed(d))) {
        return;
    }
    struct path p = {.text = where, .cap = sizeof where};
    path_of(&p, d);
    if (key != NULL) {
        path_key(&p, key);
    }
    if (index >= 0) {
        path_index(&p, index);
    }
    path_trim(&p);

    (void)vsnprintf(text, sizeof text, fmt, ap);
    err_add(d->err, ERR_INVALID, where, text);
    /* reads of this object answer zero from now on; those of others see the shared err */
    if (d->err->more == NULL) {
        d->object = (struct jval){0};
    }
}

void jdec_refuse(struct jdec *d, const char *key, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    keep_failure(d, key, -1, fmt, ap);
    va_end(ap);
}

void jdec_refuse_element(struct jdec *d, const char *key, size_t index, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    keep_failure(d, key, (ssize_t)index, fmt, ap);
    va_end(ap);
}

bool jdec_failed(const struct jdec *d)
{
    return d->err->kind != ERR_NONE;
}

bool jdec_stopped(const struct jdec *d)
{
    return err_is_final(d->err);
}

/* ---- members that nobody asked for ---- */

static bool was_asked(const struct jdec *d, const char *key)
{
    for (size_t i = 0; i < d->asked_count; i++) {
        if (strcmp(d->asked[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* A hint "properties.text" is one where properties were asked for. */
static bool hint_fits(const struct jdec *d, const char *hint)
{
    const size_t len = strcspn(hint, ".");

    for (size_t i = 0; i < d->asked_count; i++) {
        if (strlen(d->asked[i]) == len && strncmp(d->asked[i], hint, len) == 0) {
            return true;
        }
    }
    return false;
}

/* What the unknown member was probably meant to be: a name that was asked for and is not there. */
static const char *meant(const struct jdec *d, const char *unknown)
{
    const char *name = d->hint != NULL ? d->hint(unknown) : NULL;

    /* the hint is of the document as a whole: this object may have no such member */
    if (name == NULL || !hint_fits(d, name)) {
        name = spell_nearest(unknown, d->asked, d->asked_count);
    }
    return name != NULL && !jval_exists(jval_get(d->object, name)) ? name : NULL;
}

static void refuse_unknown(struct jdec *d, const char *key)
{
    const char *name = meant(d, key);

    if (name != NULL) {
        jdec_refuse(d, key, "is not a known member; did you mean %s?", name);
    } else {
        jdec_refuse(d, key, "is not a known member");
    }
}

static bool is_known(const struct jdec *d, const struct jwalk *w)
{
    return w->value.mark != NULL ? w->value.mark->asked : was_asked(d, jwalk_name(w, d->arena));
}

bool jdec_end(struct jdec *d)
{
    struct jwalk w = jwalk_begin(d->object);

    /* A misspelt name is refused rather than ignored: the sender believes it was heard. */
    while (jval_exists(d->object) && !jdec_stopped(d) && jwalk_next(&w)) {
        if (!is_known(d, &w)) {
            refuse_unknown(d, jwalk_name(&w, d->arena));
        }
    }
    return !jdec_failed(d);
}
