/* Compares JSON with what is wanted, which may have holes. */
#ifndef API_MATCH_H
#define API_MATCH_H

#include <jansson.h>
#include <stdbool.h>

enum { MATCH_PATH_MAX = 400 };

/* "<any>" takes any value, "<number>", "<text>", "<time>" any of that kind; an object with the member
 * "<more>": true may have members that are not named. On a difference its pointer is in path. */
bool json_matches(json_t *wanted, json_t *got, char path[MATCH_PATH_MAX]);

#endif
