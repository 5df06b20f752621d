#ifndef BASE_JVAL_H
#define BASE_JVAL_H

#include "base/arena.h"
#include "base/json/jmarks.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value of a document, whichever way that was read: in one pass (mark), or to jansson's tree (tree). Borrowed from
 * the document. {0} is no value at all; asked for anything, it answers as a value of another type does. */
struct jval {
    struct jmark *mark;
    json_t *tree;
};

static inline struct jval jval_of_tree(json_t *tree)
{
    return (struct jval){.tree = tree};
}

static inline bool jval_exists(struct jval v)
{
    return v.mark != NULL || v.tree != NULL;
}

/* Of a value that exists. */
static inline json_type jval_type(struct jval v)
{
    return v.mark != NULL ? (json_type)v.mark->type : json_typeof(v.tree);
}

static inline bool jval_is(struct jval v, json_type type)
{
    return jval_exists(v) && jval_type(v) == type;
}

struct jval jval_get(struct jval object, const char *name); /* {0} where there is no such member */
size_t jval_count(struct jval array);                       /* elements; 0 of what is no array */

/* Texts are those of jansson, without NUL. */
size_t jval_len(struct jval string); /* bytes; 0 of what is no string */
bool jval_says(struct jval string, const char *text);
/* NULL of what is no string. Ended by a NUL: a tree has that by itself, of others it is made in the arena. */
const char *jval_text(struct jval string, struct arena *a);

int64_t jval_integer(struct jval integer); /* 0 of what is no integer */
double jval_real(struct jval real);        /* 0 of what was written without fraction and exponent */
double jval_number(struct jval number);    /* of either; 0 of what is no number */

/* Goes through the members or elements of a value in their order, through nothing where it has none:
 * `struct jwalk w = jwalk_begin(v); while (jwalk_next(&w)) { ... w.value ... }` */
struct jwalk {
    struct jval of;
    struct jval value;
    size_t at;    /* of value; the first is 1 */
    void *member; /* of a tree's object */
};
struct jwalk jwalk_begin(struct jval of);
bool jwalk_next(struct jwalk *w);
/* The name of the member; ended by a NUL as jval_text is. */
const char *jwalk_name(const struct jwalk *w, struct arena *a);

#endif
