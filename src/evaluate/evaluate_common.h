#ifndef EVALUATE_EVALUATE_COMMON_H
#define EVALUATE_EVALUATE_COMMON_H

#include "base/clock.h"
#include "base/jenc.h"
#include "evaluate/evaluate.h"
#include "ml/judge/bootstrap.h"
#include "train/common/champion.h"

/* What the evaluations of both kinds share: how the log is read, and what stands around the figures in text, JSON and page. */

/* Results as they leave, whichever was asked for. All start empty; filled by the kind's own file. */
struct evaluated {
    struct buf text;
    struct buf json;
    struct buf page; /* left empty where no report was asked for */
};

/* Reads the log through fn into t->log. A cut that was asked for has to leave something of it on both sides: ERR_REFUSED, naming
 * the log's ends. */
CAN_FAIL bool evaluate_read_log(struct training *t, const struct evaluate_options *o,
                                train_key_fn *fn, void *ctx, struct err *err);

/* What was parted where, and which model serves. */
enum { CONTENDER_NAME_MAX = 96 };
struct evaluate_heading {
    const char *kind; /* "risk" */
    int64_t from_us;
    int64_t cut_us;
    int64_t until_us;
    char serving[512]; /* which model serves, and whether it was judged */
};

/* Tells in h->serving who serves; baseline: what a baseline of the kind is called. judged: the champion can be judged beside the
 * others, as only what neither has seen can judge both; then name is what the tables call it. */
void evaluate_serving(struct evaluate_heading *h, const struct champion *champion,
                      const char *baseline, bool judged, char name[CONTENDER_NAME_MAX]);

/* "2026-11-22 09:00 UTC". Returns out. */
char *evaluate_time_text(int64_t us, char out[CLOCK_TEXT_MAX]);

void evaluate_heading_text(const struct evaluate_heading *h, struct buf *out);
/* Opens the object and tells the kind and the times. */
void evaluate_heading_json(const struct evaluate_heading *h, struct jenc *j);
void evaluate_json_interval(struct jenc *j, const char *key, const struct interval *i);

/* The frame of the page: its head, the heading over how it was measured, its end. */
void evaluate_page_begin(const struct evaluate_heading *h, const char *title, struct buf *out);
void evaluate_page_method(const struct evaluate_heading *h, struct buf *out);
void evaluate_page_end(const struct evaluate_heading *h, struct buf *out);

#endif
