/* The parts of a session model from a log, and what is counted of each item. */
#include "ml/session/session_rank.h"

#include "base/mem.h"

#include <assert.h>

enum { RECENT_PART = 20 };

static struct session_item *items_count(const struct session_log *log, int sessions)
{
    struct session_item *item = mem_array((size_t)log->items, sizeof *item);
    for (int i = 0; i < log->items; i++) {
        item[i].last = -1;
    }
    for (int s = 0; s < sessions; s++) {
        const int32_t *items = session_log_items(log, s);
        for (int i = 0; i < session_log_length(log, s); i++) {
            struct session_item *it = &item[items[i]];
            /* its second time in this session: sessions are counted once */
            if (it->last == s) {
                it->repeat++;
                continue;
            }
            it->first = it->last < 0 ? s : it->first;
            it->last = s;
            it->count++;
            /* the latest twentieth: against count it tells what is on the rise */
            it->recent += s >= sessions - sessions / RECENT_PART ? 1.F : 0;
        }
    }
    for (int i = 0; i < log->items; i++) {
        /* As if there had been two sessions more with a tenth of repeats: one session
         * alone would say all or nothing. */
        item[i].repeat = (item[i].repeat + .2F) / (item[i].count + 2);
    }
    return item;
}

static struct session_index *index_build(const struct session_log *log, int sessions,
                                         int postings_max)
{
    int most = 1 << 26;
    int pieces = 1;
    for (int s = 0; s < sessions; s++) {
        /* a long session takes several slots: none of the log's may push out another */
        pieces += 1 + session_log_length(log, s) / SESSION_SLOT_ITEMS;
    }
    struct session_index_options o = {.items = log->items,
                                      .sessions_max = pieces < most ? pieces : most,
                                      .postings_max = postings_max};
    struct session_index *index = session_index_make(&o);
    for (int s = 0; s < sessions; s++) {
        const int32_t *items = session_log_items(log, s);
        uint32_t session = SESSION_NONE;
        for (int i = 0; i < session_log_length(log, s); i++) {
            session_index_append(index, &session, items[i]);
        }
    }
    return index;
}

struct session_model session_model_build(const struct session_log *log, int sessions,
                                         const struct session_settings *settings)
{
    assert(sessions >= 0 && sessions <= log->sessions);
    return (struct session_model){
        .items = log->items,
        .sessions = sessions,
        .settings = *settings,
        .graph = session_graph_build(log, sessions, &settings->graph),
        .index = index_build(log, sessions, settings->postings_max),
        .item = items_count(log, sessions),
    };
}

void session_model_free(struct session_model *model)
{
    session_graph_free(&model->graph);
    session_index_free(&model->index);
    mem_free(&model->item);
    *model = (struct session_model){0};
}
