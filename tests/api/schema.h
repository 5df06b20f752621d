#ifndef API_SCHEMA_H
#define API_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

enum { WHY_MAX = 600 };

/* Whether a value is as a schema of openapi.json says; else where it is not, and how. */
bool schema_fits(json_t *openapi, json_t *schema, json_t *value, char why[WHY_MAX]);

/* Follows {"$ref": "#/components/schemas/X"}. */
json_t *schema_resolve(json_t *openapi, json_t *node);

#endif
