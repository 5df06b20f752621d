/* Events on their way into the log and back, and bodies that nobody packed. The first line is an event of whom the second line names; all of it is also taken
 * for a packed body. */
#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "domain/shop/event_pack.h"
#include "fuzz/fuzz.h"

#define AT_US INT64_C(1569902400123000)

static void there_and_back(const char *line, size_t len, const char *key, struct arena *a)
{
    struct err err = {0};
    CLEANUP(jdec_free) json_t *doc = jdec_parse(line, len, &err);
    const char *id = json_string_value(json_object_get(doc, "event_id"));
    const char *type = json_string_value(json_object_get(doc, "type"));

    if (id == NULL || type == NULL) {
        return;
    }
    struct event_form sent = {.event_id = id,
                              .key = key,
                              .type = type,
                              .occurred_us = AT_US,
                              .body = line,
                              .body_len = len};
    struct event_form back = {.key = key, .occurred_us = AT_US};
    struct event_packed packed;
    event_pack(&sent, a, &packed);
    DEMAND(packed.body_len <= len + 4);
    DEMAND(memchr(packed.body, '\0', packed.body_len) == NULL);
    event_unpack(&packed, a, &back);
    CLEANUP(jdec_free) json_t *is = jdec_parse(back.body, back.body_len, &err);
    DEMAND(is != NULL && json_equal(doc, is));
    DEMAND(strcmp(back.event_id, id) == 0);
    DEMAND(strcmp(back.type, type) == 0);
}

static void any_bytes(const uint8_t *data, size_t size, struct arena *a)
{
    const struct event_packed packed = {.id = (const char *)data,
                                        .id_len = size,
                                        .type = (int32_t)(size % 40),
                                        .body = (const char *)data,
                                        .body_len = size};
    struct event_form sent = {.key = "c:x", .occurred_us = AT_US};

    event_unpack(&packed, a, &sent);
    DEMAND(sent.event_id != NULL && sent.type != NULL && sent.body != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *end = strchr(text, '\n');
    struct arena a = {0};

    if (end != NULL) {
        const char *key = end[1] == '\0' || end[2] == '\0' ? "c:anna" : end + 1;
        there_and_back(text, (size_t)(end - text), key, &a);
    }
    any_bytes(data, size, &a);
    arena_free(&a);
    free(text);
    return 0;
}
