#ifndef TRAIN_COMMON_TRAINING_H
#define TRAIN_COMMON_TRAINING_H

#include "base/buf.h"
#include "base/config.h"
#include "base/hash.h"
#include "base/jenc.h"
#include "store/pg/db.h"
#include "train/common/train_options.h"
#include "train/log/train_log.h"

/* One training under way, whichever kind it is of: what it reads and writes with, and what it tells. */

struct training {
    const struct config *config;
    const struct train_options *options;
    struct db *db;    /* reads the log; each reading is one snapshot */
    struct db *store; /* champions, and what is made */
    int threads;
    struct train_log log; /* filled by the first reading */
};

/* A model as a file in memory. */
struct trained {
    struct buf bytes;
    uint8_t sha256[SHA256_BYTES];
    bool made;
};

/* One step done, told on options->out. */
void train_say(const struct training *t, const char *step, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* There is too little to learn from; who serves meanwhile. */
void train_say_waits(const struct training *t, const char *step, const char *serving);

/* Threads to train with: the cores of this machine, within what ml allows. */
int train_threads(void);

/* Opens the object with what every card tells: kind, algorithm, window, seed, build, log. */
void train_card_begin(const struct training *t, struct jenc *j, const char *kind,
                      const char *algorithm);

#endif
