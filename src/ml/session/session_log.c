/* Sessions laid end to end. */
#include "ml/session/session_log.h"

#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

void session_log_add(struct session_log *log, const int32_t *items, int count)
{
    assert(count >= 0 && log->sessions < INT_MAX - 1);
    if (log->sessions + 2 > log->room_sessions) {
        /* doubled: each session is copied a constant number of times on average */
        log->room_sessions = 2 * log->room_sessions + 64;
        log->start = mem_grow(log->start, (size_t)log->room_sessions, sizeof *log->start);
        log->start[0] = 0;
    }
    int64_t used = log->start[log->sessions];
    if (used + count > log->room_items) {
        log->room_items = 2 * log->room_items + count + 256;
        log->item = mem_grow(log->item, (size_t)log->room_items, sizeof *log->item);
    }
    for (int i = 0; i < count; i++) {
        assert(items[i] >= 0 && items[i] < INT_MAX);
        log->items = items[i] >= log->items ? items[i] + 1 : log->items;
    }
    if (count > 0) {
        memcpy(log->item + used, items, (size_t)count * sizeof *items);
    }
    log->start[++log->sessions] = used + count;
}

void session_log_free(struct session_log *log)
{
    mem_free(&log->start);
    mem_free(&log->item);
    *log = (struct session_log){0};
}
