#ifndef LIVE_LIVE_CACHE_H
#define LIVE_LIVE_CACHE_H

#include "ml/file/model_file.h"
#include "store/models.h"

/* The cache of model files on this machine: data_dir/models/model-<sha256>.bin, immutable; the database is the source. */

/* Makes the directory; its path into out. */
CAN_FAIL bool live_cache_dir(const char *data_dir, char out[MODEL_PATH_BYTES], struct err *err);

/* The model's file, in memory: the cached one if it is whole and the one the row names, else the database's. What was fetched is kept for the
 * next time; *unkept says why where it could not be, which is no failure. */
CAN_FAIL bool live_cache_open(const char *dir, struct db *db, const struct model_row *row,
                              struct model_file *out, struct err *unkept, struct err *err);

/* Removes all but the newest files. */
void live_cache_trim(const char *path);

#endif
