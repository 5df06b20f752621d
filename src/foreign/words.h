#ifndef FOREIGN_WORDS_H
#define FOREIGN_WORDS_H

#include "base/arena.h"

/* Words a person can read, from the codes of a shop log. Results in arena; NULL for nothing to say.
 */

/* "samsung" -> "Samsung", "tp-link" -> "TP-Link", "lg" -> "LG". */
const char *words_brand(const char *code, struct arena *a);
/* "appliances.environment.water_heater" -> "appliances > environment > water heater" */
const char *words_category(const char *code, struct arena *a);

#endif
