#ifndef ML_SESSION_SESSION_LOG_H
#define ML_SESSION_SESSION_LOG_H

#include <stdint.h>

/* Sessions in order of time: items of session s are item[start[s]] .. item[start[s + 1] - 1], in the order they were looked at, repeats included.
 * Owns its arrays; {0} is the empty log. */
struct session_log {
    int sessions;
    int items;      /* one past the highest item number */
    int64_t *start; /* (sessions + 1), NULL while empty */
    int32_t *item;  /* (start[sessions]) */
    int64_t room_sessions;
    int64_t room_items;
};

/* Appends one session of `count` >= 0 items, each >= 0; copies. At most INT_MAX sessions. */
void session_log_add(struct session_log *log, const int32_t *items, int count);
void session_log_free(struct session_log *log); /* accepts {0} */

static inline const int32_t *session_log_items(const struct session_log *log, int session)
{
    return log->item + log->start[session];
}

static inline int session_log_length(const struct session_log *log, int session)
{
    return (int)(log->start[session + 1] - log->start[session]);
}

#endif
