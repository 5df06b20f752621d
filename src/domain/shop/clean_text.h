#ifndef DOMAIN_SHOP_CLEAN_TEXT_H
#define DOMAIN_SHOP_CLEAN_TEXT_H

#include "base/arena.h"

#include <stdbool.h>

/* What a shop's system calls a product, as people should read it: entities of HTML decoded, tags dropped
 * (with what is inside of script and style), white space folded to single blanks and cut off at both
 * ends; controls, soft hyphens, zero-width spaces and whatever turns the direction of the text behind it
 * (U+202A to 202E, U+2066 to 2069) dropped. Joiners and marks that letters and emoji need stay. NULL where
 * nothing is left that can be seen. Never longer than text; cleaned again it stays as it is. In arena, or
 * text itself where there was nothing to clean.
 *
 * Time grows with the square of what is nested ("&amp;amp;amp;..."): the caller bounds the length. */
const char *clean_text(const char *text, struct arena *a);

/* A web address as feeds have it: white space around it cut off, "&amp;" read as "&", "//host/..." taken as
 * https. NULL where it is empty. Whether it is an address, the caller says. */
const char *clean_url(const char *url, struct arena *a);

/* Whether there is anything in it that can be seen. */
bool text_is_visible(const char *text);
/* The text without the blanks, controls and other characters at its ends that cannot be seen; text itself where there are
 * none, or nothing that can be seen. In arena. */
const char *text_bare(const char *text, struct arena *a);

#endif
