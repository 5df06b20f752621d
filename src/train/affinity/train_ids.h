#ifndef TRAIN_AFFINITY_TRAIN_IDS_H
#define TRAIN_AFFINITY_TRAIN_IDS_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

/* Texts to numbers 0, 1, 2 ... in order of first sight. {0} is empty. */
struct id_table {
    struct arena arena; /* holds the texts */
    const char **texts; /* by number */
    int32_t count;
    int32_t cap;
    int32_t *slots; /* -1 free */
    size_t slot_count;
};
void id_table_free(struct id_table *t);
int32_t id_table_add(struct id_table *t, const char *text); /* its number, new or not; copied */
int32_t id_table_find(const struct id_table *t, const char *text); /* -1: not there */

#endif
