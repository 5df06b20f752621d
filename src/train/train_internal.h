#ifndef TRAIN_TRAIN_INTERNAL_H
#define TRAIN_TRAIN_INTERNAL_H

#include "base/jenc.h"
#include "domain/affinity/affinity.h"
#include "domain/risk/risk.h"
#include "store/models.h"
#include "train/log/train_log.h"
#include "train/train.h"

/* What the train_*.c files share; nobody else includes this. */

struct training {
    const struct config *config;
    const struct train_options *options;
    struct db *db;    /* reads the log, in one snapshot */
    struct db *store; /* champions, and what is made */
    int threads;
    struct train_log log; /* filled by the first reading */
};

/* One step done, told on options->out. */
void train_say(const struct training *t, const char *step, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Threads to train with: the cores of this machine, within what ml allows. */
int train_threads(void);

/* Opens the object with what every card tells: kind, algorithm, window, seed, build, log. */
void train_card_begin(const struct training *t, struct jenc *j, const char *kind,
                      const char *algorithm);

/* ---- the gate ---- */

/* The model that serves now, judged beside the others where that is fair. */
struct champion {
    bool found;
    bool is_baseline;
    char version[64];
    int64_t as_of_us;
    void *bytes; /* owned */
    struct risk *risk;
    struct affinity *affinity; /* the one of its kind; NULL if the file does not load any more */
};
CAN_FAIL bool champion_load(const struct training *t, const char *kind, struct champion *out,
                            struct err *err);
void champion_free(struct champion *c);

/* Scores of the contenders on the same later window, one value a shopper, higher is better. NULL: did not take part. */
struct contest {
    const char *metric; /* "NDCG@10" */
    const double *challenger;
    const double *baseline;
    const double *simple;    /* a learner so plain that one that is worse is not worth its keep */
    const char *simple_name; /* "logistic regression" */
    const double *champion;
    int count;        /* shoppers */
    double per;       /* values are divided by it to give the metric's mean */
    int64_t as_of_us; /* end of the log the challenger learnt from */
    uint64_t seed;
};
struct verdict {
    bool passed;            /* the challenger may serve */
    bool champion_stands;   /* if it may not: the champion keeps serving, else the baseline does */
    double gain;            /* challenger - baseline */
    double gain_error;      /* standard error of it, by bootstrap over shoppers */
    bool beats_baseline;    /* by more than chance */
    double behind_simple;   /* by more than chance; 0 otherwise */
    double behind_champion; /* 0 where it was not judged; below 0: better */
    char reason[256];
};
/* The challenger passes if it beats the baseline beyond chance (one-sided 95 %), is not beaten beyond chance by the simple learner, is not behind the
 * champion (its mean: a challenger as good has learnt from more), and learnt from no older log than the champion. */
struct verdict gate_judge(const struct contest *c, const struct champion *champion);
/* The verdict where no challenger could be trained or judged. */
struct verdict gate_without_challenger(const struct champion *champion, const char *why);

/* ---- what a training made ---- */

struct trained {
    struct buf bytes;
    uint8_t sha256[SHA256_BYTES];
    bool made;
};
/* Stores baseline and challenger (card: the row's JSON) and promotes by the verdict; fills the result. */
struct trained_pair {
    const char *kind;
    const char *baseline_algorithm;
    const char *challenger_algorithm;
    const struct trained *baseline;
    const struct trained *challenger; /* made false: none */
    const char *baseline_card;
    const char *challenger_card;
};
CAN_FAIL bool train_store(const struct training *t, const struct trained_pair *pair,
                          const struct verdict *v, const struct champion *champion,
                          struct train_result *out, struct err *err);

/* ---- the two kinds ---- */

struct risk_training;
CAN_FAIL bool risk_training_new(const struct training *t, struct risk_training **out,
                                struct err *err);
void risk_training_free(struct risk_training **r);
CAN_FAIL bool risk_training_key(struct risk_training *r, const struct train_key *k,
                                struct err *err);
CAN_FAIL bool risk_training_finish(struct risk_training *r, struct train_result *out,
                                   struct err *err);

struct affinity_training;
CAN_FAIL bool affinity_training_new(const struct training *t, struct affinity_training **out,
                                    struct err *err);
void affinity_training_free(struct affinity_training **a);
CAN_FAIL bool affinity_training_key(struct affinity_training *a, const struct train_key *k,
                                    struct err *err);
CAN_FAIL bool affinity_training_finish(struct affinity_training *a, struct train_result *out,
                                       struct err *err);

#endif
