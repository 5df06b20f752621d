#ifndef TRAIN_RISK_TRAIN_RISK_TELL_H
#define TRAIN_RISK_TRAIN_RISK_TELL_H

#include "base/buf.h"
#include "train/risk/train_risk_run.h"

/* What a training of the risk model tells: lines while it runs, and the model's card. */

/* Who is judged on how many moments, and how all of them do, also by segment and over the time
 * ahead. */
void risk_run_say(const struct risk_run *r);

/* The card of what was trained (NULL: of the base rate). The file's must be the same for the same
 * log and seed; the gate's window may depend on who serves by now, so it is told in the row's only.
 */
void risk_run_card(const struct risk_run *r, const struct risk_fit *fit, bool of_row,
                   struct buf *out);

#endif
