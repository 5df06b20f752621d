/* JSON with holes. */
#include "api/match.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool fits_hole(const char *hole, json_t *got, bool *out_is_hole)
{
    const char *text = json_string_value(got);

    *out_is_hole = true;
    if (strcmp(hole, "<any>") == 0) {
        return true;
    }
    if (strcmp(hole, "<number>") == 0) {
        return json_is_number(got);
    }
    if (strcmp(hole, "<text>") == 0) {
        return text != NULL && text[0] != '\0';
    }
    if (strcmp(hole, "<time>") == 0) {
        return text != NULL && strlen(text) >= 20 && text[4] == '-' && text[10] == 'T' &&
               text[strlen(text) - 1] == 'Z';
    }
    *out_is_hole = false;
    return false;
}

static bool objects_match(json_t *wanted, json_t *got, char path[MATCH_PATH_MAX])
{
    const char *key;
    json_t *value;
    size_t named = 0;
    size_t len = strlen(path);

    json_object_foreach (wanted, key, value) {
        if (strcmp(key, "<more>") == 0) {
            named = SIZE_MAX;
            continue;
        }
        (void)snprintf(path + len, MATCH_PATH_MAX - len, "/%s", key);
        json_t *other = json_object_get(got, key);
        if (other == NULL || !json_matches(value, other, path)) {
            return false;
        }
        named += named == SIZE_MAX ? 0 : 1;
    }
    path[len] = '\0';
    return named == SIZE_MAX || named == json_object_size(got);
}

bool json_matches(json_t *wanted, json_t *got, char path[MATCH_PATH_MAX])
{
    size_t len = strlen(path);

    if (json_is_string(wanted)) {
        bool is_hole;
        bool fits = fits_hole(json_string_value(wanted), got, &is_hole);
        if (is_hole) {
            return fits;
        }
    }
    if (json_is_object(wanted) && json_is_object(got)) {
        return objects_match(wanted, got, path);
    }
    if (json_is_array(wanted) && json_is_array(got)) {
        for (size_t i = 0; i < json_array_size(wanted) && i < json_array_size(got); i++) {
            (void)snprintf(path + len, MATCH_PATH_MAX - len, "/%zu", i);
            if (!json_matches(json_array_get(wanted, i), json_array_get(got, i), path)) {
                return false;
            }
        }
        path[len] = '\0';
        return json_array_size(wanted) == json_array_size(got);
    }
    return json_equal(wanted, got);
}
