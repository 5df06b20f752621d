#ifndef DOMAIN_SHOP_OPT_OUT_H
#define DOMAIN_SHOP_OPT_OUT_H

#include <stdbool.h>

/* Whether a message says, as a whole, that no messages are wanted any more: "STOP", " Unsubscribe! ", "стоп". Capitals,
 * punctuation and white space do not matter, nor what is said
 * out of politeness, what is said twice, full-width letters, or the signature of a telephone: "Stop. Thank you", "STOP\n\nSent from my iPhone". "Stop, which
 * size is this?" says something else. */
bool opt_out_says(const char *text);
/* Whether words of a no are in it, whatever else it says: of a message for which the above is false, that it may be one. */
bool opt_out_may_say(const char *text);

#endif
