#ifndef ML_SESSION_SESSION_INDEX_H
#define ML_SESSION_SESSION_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which recent sessions are like this one (its nearest neighbours): an index of sessions that is always fresh, because each event is added in place (about a tenth of a
 * microsecond). Sessions lie in a ring in the order in which they began; each item has a ring of the sessions that hold it, the latest
 * `postings_max` (Kersbergen, Sprangers, Schelter: Serenade, SIGMOD 2022, whose VMIS-kNN is rebuilt once a day instead). Memory is bounded: the oldest
 * sessions are forgotten, and a session longer than SESSION_SLOT_ITEMS goes on as another.
 *
 * Not locked: the owner keeps writers (open, add) apart from each other and from readers (neighbours). Readers need no lock among themselves. */

enum {
    SESSION_SLOT_ITEMS = 30,
    SESSION_PREFIX_ITEMS = 20, /* distinct latest items of the asking session that are looked up */
    SESSION_POSTINGS_MAX = 5000,
};
#define SESSION_NONE UINT32_MAX

struct session_slot {
    uint32_t number; /* of the session that lies here */
    int32_t count;   /* items, 0 .. SESSION_SLOT_ITEMS */
    int32_t item[SESSION_SLOT_ITEMS];
};

struct session_index; /* owns all below it */

struct session_index_options {
    int items;        /* item numbers are 0 .. items - 1; >= 0 */
    int sessions_max; /* sessions remembered, 1 .. 2^26; rounded up to a power of two */
    int postings_max; /* latest sessions of an item, 1 .. SESSION_POSTINGS_MAX */
};

struct session_index *session_index_make(const struct session_index_options *options);
void session_index_free(struct session_index **index); /* accepts NULL */

/* Begins a session and answers its number. Numbers count up; an index lives for 2^32 - 1 sessions. */
uint32_t session_index_open(struct session_index *index);

/* Adds one item (0 .. items - 1) at the end of a session. False, and nothing done, if the session is full or was forgotten meanwhile. */
bool session_index_add(struct session_index *index, uint32_t session, int32_t item);

/* The same, and where that cannot be done (or *session is SESSION_NONE) a session is begun for it, whose number is left in *session. */
void session_index_append(struct session_index *index, uint32_t *session, int32_t item);

int session_index_sessions(const struct session_index *index); /* remembered now */
size_t session_index_bytes(const struct session_index *index); /* memory held now */

/* How neighbours are weighed: sum over the shared items of idf(item) e^(-steps from the end / position_decay), over sqrt(items of the
 * neighbour), times e^(-sessions begun since / recency). */
struct session_index_query {
    int neighbours;       /* at most, 1 .. */
    float position_decay; /* in steps, > 0 */
    float recency;        /* in sessions, > 0 */
};

struct session_neighbour {
    const struct session_slot *slot; /* borrowed until the index is written to */
    float score;                     /* > 0 */
    int match;                       /* position in the prefix of the latest shared item */
};

/* Scratch of one reader of one index. */
struct session_search;
struct session_search *session_search_make(const struct session_index *index);
void session_search_free(struct session_search **search); /* accepts NULL */

/* The best neighbours of the prefix (count items, any numbers; those out of range are ignored), in no order; out holds query->neighbours. Which of
 * two equal scores at the border is kept is not defined but always the same. Answers how many. */
int session_index_neighbours(const struct session_index *index,
                             const struct session_index_query *query, const int32_t *prefix,
                             int count, struct session_search *search,
                             struct session_neighbour *out);

/* The definition over all remembered sessions in double, unsorted, all of them (out holds session_index_sessions entries): what the fast path is
 * tested against. The limit postings_max is obeyed only by an index that never reached it. */
int session_index_neighbours_reference(const struct session_index *index,
                                       const struct session_index_query *query,
                                       const int32_t *prefix, int count,
                                       struct session_neighbour *out);

#endif
