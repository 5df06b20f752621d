/* Events of the log, decoded from where they lie: columns as they are, and what is left of the body. Whatever the bytes are, that is taken which the text of
 * the whole would be taken for, refused with the same fault, and the same event comes out. The first byte says what the rest is: a key, an id, and a body
 * that nobody packed, or a body to be packed, of which the id and the type are; and when and by whom it came. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "support/event_twice.h"

enum { SENT = 1, DERIVED = 2, ODD_TIME = 4, TIMES = 8, CODES = 34 };

static const int64_t times[TIMES] = {INT64_C(1569902400123000),
                                     INT64_C(1569902400000000),
                                     INT64_C(1569902400123456),
                                     0,
                                     INT64_C(-1),
                                     INT64_C(253402300799999999),
                                     INT64_C(253402300800000000),
                                     INT64_MAX};

/* The line at *at, ended where it ends; *at goes behind it. */
static char *take_line(char **at)
{
    char *line = *at;
    char *end = strchr(line, '\n');

    *at = end == NULL ? line + strlen(line) : end + 1;
    if (end != NULL) {
        *end = '\0';
    }
    return line;
}

/* Packs what was sent. False: it is no event that could be. */
static bool pack(struct event_kept *kept, char *body, struct arena *a)
{
    struct err err = {0};
    CLEANUP(jdec_free) json_t *doc = jdec_parse(body, strlen(body), &err);
    const char *id = json_string_value(json_object_get(doc, "event_id"));
    const char *type = json_string_value(json_object_get(doc, "type"));

    if (id == NULL || type == NULL) {
        return false;
    }
    kept->columns.event_id = arena_strdup(a, id);
    kept->columns.type = arena_strdup(a, type);
    kept->columns.body = body;
    kept->columns.body_len = strlen(body);
    event_pack(&kept->columns, a, &kept->packed);
    return true;
}

static void take_as_packed(struct event_kept *kept, const char *id, int32_t code, const char *body,
                           struct arena *a)
{
    size_t id_len;
    char *packed_id = event_pack_id(id, a, &id_len);

    kept->packed = (struct event_packed){
        .id = packed_id, .id_len = id_len, .type = code, .body = body, .body_len = strlen(body)};
    event_unpack_head(&kept->packed, a, &kept->columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct event event;
    bool by_columns;
    bool taken;

    if (size < 2) {
        return 0;
    }
    const uint8_t how = data[0];
    char *text = fuzz_text(data + 2, size - 2);
    char *at = text;
    const char *key = take_line(&at);
    const char *id = take_line(&at);
    struct event_kept kept = {
        .columns = {.key = key[0] == '\0' || key[1] == '\0' ? "c:anna" : key,
                    .occurred_us = times[how & ODD_TIME ? data[1] % TIMES : 0]},
        .origin = how & DERIVED ? ORIGIN_DERIVED : ORIGIN_API,
        .received_us = times[0] + 5};
    if (how & SENT) {
        if (!pack(&kept, at, &a)) {
            at = NULL;
        }
    } else {
        take_as_packed(&kept, id, data[1] % CODES, at, &a);
    }
    const char *difference =
        at == NULL ? NULL : event_kept_twice(&kept, &a, &by_columns, &taken, &event);
    if (difference != NULL) {
        (void)fprintf(stderr, "%s\n", difference);
    }
    DEMAND(difference == NULL);
    arena_free(&a);
    free(text);
    return 0;
}
