#ifndef HTTP_WIRE_CODEC_H
#define HTTP_WIRE_CODEC_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

/* The byte that the percent code at p ("%2f") stands for; -1 if there is none. */
int codec_percent_byte(const char *p);

/* Percent codes to bytes, in arena; NULL if one is malformed, stands for NUL, or the result is not
 * UTF-8. plus_is_space: as in a query. */
char *codec_percent_decode(const char *text, size_t len, bool plus_is_space, struct arena *a);

/* URL-safe base64 without padding. Decoding gives NULL for anything else, and for text that holds a
 * NUL. */
bool codec_base64_clean(const char *text); /* no other characters; may be empty */
char *codec_base64(const void *bytes, size_t len, struct arena *a);
char *codec_base64_text(const char *encoded, struct arena *a);

#endif
