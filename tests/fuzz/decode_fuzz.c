/* Events by both readers: in one pass, and by jansson's tree, which is right. Whatever the bytes are, both take them or
 * both refuse them, with the same faults in the same order, and the same event comes out. The first byte says by which
 * road the event comes, and whether all faults are wanted. */
#include "fuzz.h"

#include "support/event_twice.h"

#define NOW_US INT64_C(1569902400000000)

enum { ALL_FAULTS = 1, DERIVED = 2, STORED = 4, IDS_ASKED = 8, SENT = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct err_more more = {.count = 0};
    struct event event;
    bool taken;

    if (size == 0) {
        return 0;
    }
    uint8_t how = data[0];
    struct err err = {.more = (how & ALL_FAULTS) != 0 ? &more : NULL};
    struct event_road road = {
        .origin = (how & DERIVED) != 0 ? ORIGIN_DERIVED : ORIGIN_API,
        .stored = (how & STORED) != 0,
        .times = {NOW_US, NOW_US + 5},
        .sent = {(how & SENT) != 0 ? NOW_US - 1000 : 0, NOW_US},
        .ids_asked = (how & IDS_ASKED) != 0,
    };
    size_t len = size - 1;
    char *text = mem_array(len > 0 ? len : 1, 1); /* no NUL behind it: both get a length */
    memcpy(text, data + 1, len);
    const char *difference = event_decode_twice(text, len, &road, &arena, &taken, &event, &err);
    if (difference != NULL) {
        (void)fprintf(stderr, "%s\n", difference);
    }
    DEMAND(difference == NULL);
    if (!taken) {
        fuzz_refusal(&err);
    }
    mem_free(&text);
    arena_free(&arena);
    return 0;
}
