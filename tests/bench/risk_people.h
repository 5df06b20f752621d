#ifndef BENCH_RISK_PEOPLE_H
#define BENCH_RISK_PEOPLE_H

#include "bench/risk_rows.h"

#include <stdio.h>

/* A column that names somebody and is dropped is no feature any more, but whoever has rows on both sides of a split is still known there by everything else:
 * such figures are of people met before. Says so on `to`, for each dropped column that looks like ids (texts or whole numbers, more than 30 different ones, and a
 * tenth as many as rows or a name like "visitorid") where rows of one value lie on different sides. A side is the fold of a row of `first`, or, without folds (NULL), which of the
 * two tables it is in. Answers how many columns were named. */
int risk_people_warn(const struct csv_table *first, const struct csv_table *second,
                     const int32_t *fold, const struct risk_columns *columns, FILE *to);

#endif
