/* Whether an answer is what openapi.json says it may be: the test that keeps the description true. */
#ifndef API_DESCRIBED_H
#define API_DESCRIBED_H

#include "api/schema.h"

#include <jansson.h>
#include <stdbool.h>

struct seen {
    const char *method;
    const char *target;
    int status;
    const char *content_type; /* NULL: none */
    const char *body;
    bool head; /* so there is no body */
};

/* False, and why, where the path's operation does not list the status, the type, or a member. Paths
 * that are not described at all must have been answered with 400 or 404, methods with 400 or 405. */
bool is_described(json_t *openapi, const struct seen *seen, char why[WHY_MAX]);

#endif
