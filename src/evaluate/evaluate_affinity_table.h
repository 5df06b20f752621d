#ifndef EVALUATE_EVALUATE_AFFINITY_TABLE_H
#define EVALUATE_EVALUATE_AFFINITY_TABLE_H

#include "evaluate/evaluate_affinity_result.h"
#include "evaluate/report.h"

/* Tables, the same for the terminal and the page. */
void affinity_write_task(const struct affinity_evaluation *e, enum affinity_task task,
                         report_table_writer *write, struct buf *out);
void affinity_write_spread(const struct affinity_evaluation *e, report_table_writer *write,
                           struct buf *out);
void affinity_write_new(const struct affinity_evaluation *e, report_table_writer *write,
                        struct buf *out);

void affinity_evaluation_text(const struct affinity_evaluation *e, struct buf *out);
void affinity_evaluation_json(const struct affinity_evaluation *e, struct buf *out);

#endif
