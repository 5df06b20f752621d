#ifndef LIVE_LIVE_CACHE_H
#define LIVE_LIVE_CACHE_H

#include "ml/file/model_file.h"
#include "store/models.h"

/* The cache of model files on this machine: data_dir/models/model-<sha256>.bin, immutable; the database is the source. */

/* Makes the directory; its path into out. */
CAN_FAIL bool live_cache_dir(const char *data_dir, char out[MODEL_PATH_BYTES], struct err *err);

/* Opens the model's file: the cached one if it is whole and the one the row names, else fetched from the database first. */
CAN_FAIL bool live_cache_open(const char *dir, struct db *db, const struct model_row *row,
                              struct model_file *out, struct err *err);

/* Removes all but the newest files. A file that some process has mapped stays readable for it. */
void live_cache_trim(const char *path);

#endif
