#ifndef BASE_SPELL_H
#define BASE_SPELL_H

#include <stdbool.h>
#include <stddef.h>

/* The same letters and digits, whatever the case and whatever parts them: "customerId" is
 * "customer_id". */
bool spell_same(const char *x, const char *y);

/* The name that word was probably meant to be: spelt the same, else by few slips (one in names of 4 to
 * 7 bytes, two in longer ones). NULL where there is none, or two are as near. */
const char *spell_nearest(const char *word, const char *const *names, size_t count);

#endif
