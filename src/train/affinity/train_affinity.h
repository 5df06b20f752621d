#ifndef TRAIN_AFFINITY_TRAIN_AFFINITY_H
#define TRAIN_AFFINITY_TRAIN_AFFINITY_H

#include "domain/affinity/affinity_file.h"
#include "domain/affinity/affinity_spread.h"
#include "ml/items/rank_model.h"
#include "ml/judge/rank_eval.h"
#include "ml/session/session_rank.h"
#include "train/affinity/train_ids.h"
#include "train/common/champion.h"
#include "train/common/training.h"

/* What train_affinity.c (collecting, gate), train_affinity_fit.c (the models) and train_affinity_judge.c (ranking the later window) share. */

/* One event of a shopper about one product. */
struct interaction {
    int64_t at_us;
    int32_t shopper;
    int32_t item; /* number in items */
    float weight; /* before decay */
    bool chosen;  /* put in the cart or bought: what the gate asks for */
    bool bought;
};

/* What the catalogue tells of an item; texts in the arena of the training. */
struct item_facts {
    const char *title;
    const char *category;
    const char *brand;
    int64_t price_minor;
};

struct affinity_training {
    const struct training *t;
    struct id_table items;
    struct item_facts *facts; /* by item; those beyond facts_count are not in the catalogue */
    int32_t facts_count;
    struct arena arena;
    struct interaction *all; /* shopper by shopper, in the fold's order */
    size_t count;
    size_t cap;
    int32_t shoppers;
};

CAN_FAIL bool affinity_training_new(const struct training *t, struct affinity_training **out,
                                    struct err *err);
void affinity_training_free(struct affinity_training **a);
CAN_FAIL bool affinity_training_key(struct affinity_training *a, const struct train_key *k,
                                    struct err *err);
CAN_FAIL bool affinity_training_finish(struct affinity_training *a, struct train_result *out,
                                       struct err *err);

/* How often every product is wanted in lists of either length, in parts of the mean of all products; 0: no matter. */
struct spread_floors {
    double of[SPREAD_LENGTHS];
};
/* Lifts by position of the model, and how much of the catalogue the shoppers of the log are shown with them and without. Owned. */
struct affinity_spreading {
    float *log_lift; /* (SPREAD_LENGTHS, items) */
    struct spread_floors floors;
    int lists;
    double shown_by_score[SPREAD_LENGTHS];
    double shown[SPREAD_LENGTHS];
};

struct affinity_models {
    struct trained popularity;
    struct trained als; /* made false where factors was false */
    int trained_items;
    int shoppers;
    int64_t pairs;                          /* different (shopper, item) */
    struct rank_settings settings;          /* as trained: RANK_ALS or RANK_BLEND */
    struct session_settings visit_settings; /* likewise; neighbours 0: no visits */
    struct affinity_spreading spreading;    /* without its lifts, which the file has */
};
/* Models from the interactions before until_us, decayed to that time. */
typedef void affinity_card_fn(void *ctx, const struct affinity_models *m, bool als,
                              struct buf *out);
struct affinity_fit {
    int64_t until_us;
    bool factors;       /* train the factor model too */
    float visit_weight; /* of the visits in its blend; 0: none are learnt */
    bool
        choose_visits; /* search for the settings of the visits; else visit_settings, or middling ones where its neighbours are 0 */
    struct session_settings visit_settings;
    struct spread_floors floors;
    bool keep; /* go on from checkpoints and leave them: see train_factors.h */
    struct rank_settings settings;
    affinity_card_fn *card;
    void *ctx;
};
CAN_FAIL bool affinity_fit_models(const struct affinity_training *a, const struct affinity_fit *fit,
                                  struct affinity_models *out, struct err *err);
void affinity_models_free(struct affinity_models *m);
/* A model that looks into the bytes of `made`, under that name. Owned: affinity_free. */
CAN_FAIL bool affinity_model_open(const struct trained *made, const char *name,
                                  struct affinity **out, struct err *err);

/* Visits before fit->until_us, and what was learnt from them (made false: they are too few). position: of an item in the model, -1 none. Owned. */
struct visit_models {
    struct session_log log;
    struct session_model model;
    bool made;
};
CAN_FAIL bool affinity_fit_visits(const struct affinity_training *a, const struct affinity_fit *fit,
                                  const int32_t *position, struct visit_models *out,
                                  struct err *err);
void visit_models_free(struct visit_models *v);
/* Sets fit->visit_weight and visit_settings by what ranks a held-out part of the log before until_us best; on logs too large for that a middling one. Needs fit->settings
 * as they will be. */
CAN_FAIL bool affinity_weigh_visits(const struct affinity_training *a, int64_t until_us,
                                    struct affinity_fit *fit, struct err *err);

bool spread_is_wanted(const struct spread_floors *f);
/* Lifts of a model's products by the shoppers before until_us. */
CAN_FAIL bool affinity_fit_spread(const struct affinity_training *a, int64_t until_us,
                                  const struct spread_floors *floors, const struct affinity *model,
                                  struct affinity_spreading *out, struct err *err);
/* Sets fit->floors to the highest that widen what shoppers held out are shown and rank no worse for them than by score alone; to 0 where the log is too small to tell or too
 * large to try. Needs all other settings as they will be. */
CAN_FAIL bool affinity_weigh_spread(const struct affinity_training *a, int64_t until_us,
                                    struct affinity_fit *fit, struct err *err);

/* The time with four fifths of the choices before until_us before it: choices are what is judged. none_us where there are none. */
int64_t affinity_choice_cut(const struct affinity_training *a, int64_t until_us, int64_t none_us);
/* Where the log is parted in two: by the times of choices, four fifths before it; at the end of the champion's log where that lies later and enough
 * follows. Needs one interaction. */
int64_t affinity_cut(const struct affinity_training *a, const struct champion *champion);
/* What training would have made at the cut: tuned and fitted on what lies before it. Fails with ERR_REFUSED where that is too little for factors. */
CAN_FAIL bool affinity_train_before(const struct affinity_training *a, int64_t cut_us,
                                    struct affinity_models *out, struct err *err);
/* The same with settings chosen before, on other interactions perhaps. */
CAN_FAIL bool affinity_refit(const struct affinity_training *a, int64_t cut_us,
                             const struct rank_settings *tuned, struct affinity_models *out,
                             struct err *err);

/* Weight of an interaction decayed to until_us; 0 for those at or after it, and for those faded to nothing. */
double affinity_interaction_weight(const struct interaction *i, int64_t until_us);

/* Improves settings (als.factors: the most allowed) on a held-out part of the log before until_us, and adds item-item weights where the blend ranks better;
 * leaves them alone where the log is too small or too large for that. Deterministic. */
CAN_FAIL bool affinity_tune(const struct affinity_training *a, int64_t until_us,
                            struct rank_settings *settings, struct err *err);

/* ---- the later window ---- */

/* One shopper as it stood at the first event after the cut, and what it put in the cart or bought after that. Borrowed until the callback returns. */
struct judged_case {
    const struct shopper *then;
    int64_t moment_us;
    const struct id_table *known;      /* products it had to do with up to the moment */
    const struct id_table *chosen;     /* after it; at least one, but for window.everybody */
    const struct id_table *chosen_new; /* those that were not known; may be none */
};
struct judged_window {
    int64_t cut_us;
    int64_t until_us;                 /* the last moment that is read; 0: the end of the log */
    const struct affinity *catalogue; /* choices that it does not know are left out */
    bool everybody;                   /* those too who chose nothing */
};
typedef bool judged_case_fn(void *ctx, const struct judged_case *c); /* false: enough of them */
/* Every shopper with a history and, unless everybody is wanted, a choice after the cut, in order of the log. */
CAN_FAIL bool affinity_judge_cases(const struct training *t, const struct judged_window *window,
                                   judged_case_fn *fn, void *ctx, struct err *err);
/* A filter for affinity_rank, ctx a struct judged_case: products the shopper had nothing to do with. */
bool affinity_judge_is_new(void *ctx, const char *product_id);
/* Measures of the first k picks against the choices (at least one). */
struct rank_metrics affinity_judge_picks(const struct picks *picks, const struct id_table *chosen,
                                         int k);
/* NDCG of both questions of the evaluation, added up: of the k best of what the shopper may be shown, which is asked in serving, and of those that are new to them (0 where
 * they chose nothing new). listed: told of the first list; NULL. */
double affinity_judge_both(const struct affinity *m, const struct judged_case *c, int k,
                           void (*listed)(void *ctx, const struct picks *picks), void *ctx);

/* NDCG@10 and recall@10 of the next new products put in the cart or bought. Each shopper is ranked for at the first event after the cut, by models trained
 * before it, through affinity_rank; what the shopper knew by then is filtered out. */
enum { JUDGED_MODELS = 3, JUDGED_SHOPPERS_MAX = 3000, JUDGED_K = 10 };
struct judgement {
    const struct affinity *models[JUDGED_MODELS]; /* NULL: none */
    int64_t cut_us;
    int shoppers;
    bool took_part[JUDGED_MODELS];
    double *ndcg[JUDGED_MODELS];  /* by shopper, owned */
    double recall[JUDGED_MODELS]; /* means */
    double mean_ndcg[JUDGED_MODELS];
};
CAN_FAIL bool affinity_judge(const struct training *t, struct judgement *j, struct err *err);
void judgement_free(struct judgement *j);

#endif
