#ifndef ML_SESSION_SESSION_RANK_H
#define ML_SESSION_SESSION_RANK_H

#include "ml/session/session_fm.h"
#include "ml/session/session_graph.h"
#include "ml/session/session_index.h"
#include "ml/session/session_log.h"

#include <stdint.h>

/* The next item of a session: candidates from its neighbours (session_index), from what follows its items (session_graph) and from itself, ordered
 * by a factorized ranker (session_fm). */

enum {
    SESSION_CANDIDATES = 300, /* that the ranker sees */
    SESSION_GRAPH_ITEMS = 8,  /* distinct latest items of the prefix whose rows are read */
    SESSION_FEATURES = 22,
    SESSION_QUERY_FEATURES = 3, /* the last of them, the same for all candidates of a query */
};

/* What is known of an item beyond sessions it shares. */
struct session_item {
    float count;   /* sessions that hold it */
    float recent;  /* of those in the latest twentieth of all */
    float repeat;  /* share of its sessions in which it is looked at again */
    int32_t last;  /* number of the latest session that holds it, -1 if none */
    int32_t first; /* number of the first one */
};

struct session_settings {
    struct session_index_query query;
    struct session_graph_options graph;
    int postings_max;
};

/* All that a query needs. Owns it. */
struct session_model {
    int items;
    int sessions;
    struct session_settings settings;
    struct session_graph graph;
    struct session_index *index;
    struct session_item *item; /* (items) */
    struct session_fm fm;      /* features == 0: not trained, candidates keep their first order */
};

/* One candidate as it is gathered. */
struct session_candidate {
    int32_t item;
    int32_t repeats;  /* times it stands in the prefix */
    int32_t steps;    /* from its latest place there to the end + 1; 0 if it is not there */
    float neighbours; /* share of the neighbours' votes */
    float follows;    /* the part of that from places directly after the prefix's last item */
    float next, before, ahead, behind; /* edges from the last item */
    float next_second;                 /* edge from the last but one */
    float ahead_all, behind_all;       /* edges from all, the latest counting most */
    float met;                         /* how many rows hold it */
    float first_score;                 /* what decides whether the ranker sees it */
    float unused[2];                   /* one cache line in all */
};

struct session_hit {
    int32_t item;
    float score; /* comparable within one query */
};

/* Graph, items and index of sessions 0 .. sessions - 1; the ranker is left untrained. Owned by the caller. */
struct session_model session_model_build(const struct session_log *log, int sessions,
                                         const struct session_settings *settings);
void session_model_free(struct session_model *model); /* accepts {0} */

/* Scratch of one reader of one model: may be reused for any number of queries. */
struct session_scratch;
struct session_scratch *session_scratch_make(const struct session_model *model);
void session_scratch_free(struct session_scratch **scratch); /* accepts NULL */

/* Gathers the candidates of a prefix of count >= 0 items (those the model does not know are ignored) and leaves the best SESSION_CANDIDATES, in no
 * order. Answers how many; *out is borrowed from the scratch until its next use. */
int session_candidates(const struct session_model *model, const int32_t *prefix, int count,
                       struct session_scratch *scratch, const struct session_candidate **out);

/* The features of one candidate as levels: level (SESSION_FEATURES - SESSION_QUERY_FEATURES). */
void session_candidate_levels(const struct session_model *model,
                              const struct session_candidate *candidate, int32_t last,
                              uint16_t *level);
/* Those of the query: level (SESSION_QUERY_FEATURES). */
void session_query_levels(const struct session_model *model, const int32_t *prefix, int count,
                          uint16_t *level);

/* Ranks the candidates of a prefix: hits (SESSION_CANDIDATES), in no order. Answers how many. */
int session_rank(const struct session_model *model, const int32_t *prefix, int count,
                 struct session_scratch *scratch, struct session_hit *hits);

#endif
