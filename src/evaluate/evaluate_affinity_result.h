#ifndef EVALUATE_EVALUATE_AFFINITY_RESULT_H
#define EVALUATE_EVALUATE_AFFINITY_RESULT_H

#include "evaluate/evaluate_affinity_new.h"
#include "evaluate/evaluate_common.h"
#include "ml/judge/rank_spread.h"
#include "train/affinity/train_affinity.h"

/* What the evaluation of affinity found: evaluate_affinity.c fills it, its table and its page read it. */

/* Two questions. ANY: the products the shopper put in the cart or bought later, those looked at before among them - what a message wants to name.
 * NEW: only those the shopper had nothing to do with before - what the gate of training asks. */
enum affinity_task { TASK_ANY, TASK_NEW, TASKS };
enum affinity_contender {
    CONTENDER_TRAINED, /* by training's procedure, on what lies before the cut */
    CONTENDER_SERVING, /* the champion, where its log ended before the cut */
    CONTENDER_POPULAR,
    CONTENDER_VIEWED,   /* what the shopper viewed last, then popularity */
    CONTENDER_BY_SCORE, /* the trained one where it spreads picks, without that */
    CONTENDERS,
    CONTENDERS_DRAWN = CONTENDER_BY_SCORE /* the plots have these, and no more */
};
enum affinity_segment {
    SEGMENT_FIRST_VISIT,
    SEGMENT_CAME_BACK,
    SEGMENT_BOUGHT_BEFORE,
    SEGMENT_NEVER_BOUGHT,
    SEGMENT_CUSTOMER,
    SEGMENT_ANONYMOUS,
    SEGMENTS
};
const char *affinity_task_name(enum affinity_task task);
const char *affinity_segment_name(int segment);

enum {
    CURVE_MAX = 2 * EVALUATE_K_MAX,
    CONCENTRATION_POINTS = 41,
    SOURCES = 5,
    SHOWN_FIRST = 3 /* a message shows so many */
};

struct contender {
    bool took_part;
    char name[CONTENDER_NAME_MAX];
    const struct affinity *model;      /* NULL: last viewed */
    bool by_score;                     /* ranked by score alone */
    struct rank_metrics *lists[TASKS]; /* by case, at k; owned */
    struct rank_metrics *heads[TASKS]; /* by case, at SHOWN_FIRST; owned */
    double recall_at[TASKS][CURVE_MAX];
    int64_t *shown;       /* by item: among the first k of TASK_ANY; owned */
    int64_t *shown_first; /* by item: among its first SHOWN_FIRST; owned */
    int64_t sources[SOURCES];
    /* computed at the end */
    struct interval ndcg[TASKS];
    struct interval recall[TASKS];
    struct interval mrr[TASKS];
    struct interval gain[TASKS];  /* NDCG above popularity's, shopper by shopper */
    struct interval above_viewed; /* NDCG above that of last viewed, TASK_ANY */
    struct interval segment_ndcg[TASKS][SEGMENTS];
    struct rank_spread spread;
    struct rank_spread spread_first;
    double concentration[CONCENTRATION_POINTS];
};

/* What spreading changes: the trained model less the same by score alone, shopper by shopper. */
struct spreading_cost {
    struct interval ndcg[TASKS];       /* at k */
    struct interval ndcg_first[TASKS]; /* at SHOWN_FIRST */
};

struct affinity_evaluation {
    struct evaluate_heading heading;
    const struct evaluate_options *options;
    const struct affinity_training *a;
    struct contender contenders[CONTENDERS];
    int k;
    int curve; /* recall is drawn up to here */
    int cases[TASKS];
    int lists; /* shoppers who came: those of cases[TASK_ANY], and who chose nothing */
    int cap[TASKS];
    uint32_t *segments[TASKS]; /* bits by case; owned */
    int segment_cases[TASKS][SEGMENTS];
    int items; /* products that could have been shown: in the catalogue, or seen before the cut */
    int64_t *known;  /* by item: shoppers who had to do with it before the cut; owned */
    int64_t *chosen; /* by item: how often chosen after it; owned */
    double chosen_concentration[CONCENTRATION_POINTS];
    int64_t shoppers_before;
    struct spreading_cost spreading; /* where CONTENDER_BY_SCORE took part */
    struct new_products fresh;
};

/* The share of the products that lists of k for all shoppers who came could show, were each shown once. */
double affinity_most_coverage(const struct affinity_evaluation *e, int k);

/* Whether the contender can do anything about the task: last viewed knows nothing new. */
bool contender_answers(const struct contender *c, enum affinity_task task);

#endif
