#ifndef DOMAIN_SPEAK_NAMES_H
#define DOMAIN_SPEAK_NAMES_H

#include "domain/shop/product.h"
#include "domain/speak/language.h"

/* Products as one speaks of them. A name is a title: an id is none, nor is "Acme smartphone", which
 * half the catalogue may be called. */

/* Appends the title as one clean line of at most 80 characters, kept from turning the sentence
 * around where it runs from right to left; nothing where there is none. */
void name_add(const struct product *p, struct buf *out);
/* The same for any text that a shop has given. */
void name_add_text(const char *text, struct buf *out);
bool name_has(const struct product *p);

/* Several of them, as they are enumerated: equal names are one with the sum of their quantities, and
 * what has no name is only counted. */
enum { NAMES_SHOWN = 3, NAME_BYTES = 400 };
struct names {
    struct {
        char text[NAME_BYTES];
        int64_t quantity_milli; /* thousandths; 0: not said */
    } shown[NAMES_SHOWN];
    size_t count;  /* of shown */
    size_t more;   /* other names, and those that have none */
    size_t things; /* of what was added: 1 where it is one piece of one product, else more */
};
/* In the order in which they are to be read. */
void names_add(struct names *names, const struct product *p, int64_t quantity_milli);
/* "2 × A, B and 3 more items"; nothing without a name. Returns whether there was one. */
bool names_say(const struct names *names, const struct speech *speech, struct buf *out);
/* 1 or 2: for phrases that only part one from several. */
int64_t names_number(const struct names *names);

#endif
