#ifndef EVALUATE_EVALUATE_RISK_TABLE_H
#define EVALUATE_EVALUATE_RISK_TABLE_H

#include "evaluate/evaluate_risk_result.h"
#include "evaluate/report.h"

/* Tables, the same for the terminal and the page; those without a figure are left out. */
void risk_write_quality(const struct risk_evaluation *e, report_table_writer *write,
                        struct buf *out);
void risk_write_segments(const struct risk_evaluation *e, report_table_writer *write,
                         struct buf *out);
void risk_write_idle(const struct risk_evaluation *e, report_table_writer *write, struct buf *out);
void risk_write_ahead(const struct risk_evaluation *e, report_table_writer *write, struct buf *out);
void risk_write_drift(const struct risk_evaluation *e, report_table_writer *write, struct buf *out);

void risk_evaluation_text(const struct risk_evaluation *e, struct buf *out);
void risk_evaluation_json(const struct risk_evaluation *e, struct buf *out);

#endif
