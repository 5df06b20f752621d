/* --join, as text. The files are read where all files are (import.c). */
#include "import/joins.h"

#include <string.h>

bool joins_parse(const char *text, struct arena *a, struct joins *out, struct err *err)
{
    *out = (struct joins){0};
    while (text != NULL && *text != '\0') {
        size_t key = strcspn(text, "=,");
        size_t file = text[key] == '=' ? strcspn(text + key + 1, ",") : 0;
        if (key == 0 || file == 0) {
            joins_close(out);
            return FAIL_AT(err, ERR_INVALID, "--join", "must be COLUMN=FILE,... : \"%.60s\"", text);
        }
        if (out->count == TABLE_LOOKUPS_MAX) {
            joins_close(out);
            return FAIL_AT(err, ERR_INVALID, "--join", "takes %d files at most", TABLE_LOOKUPS_MAX);
        }
        const char *path = arena_strndup(a, text + key + 1, file);
        out->files[out->count] = path;
        out->lookups[out->count++] = lookup_open(arena_strndup(a, text, key), path);
        text += key + 1 + file;
        text += *text == ',';
    }
    return true;
}

void joins_close(struct joins *j)
{
    for (size_t i = 0; i < j->count; i++) {
        lookup_close(&j->lookups[i]);
    }
    *j = (struct joins){0};
}
