#ifndef TRAIN_AFFINITY_TRAIN_CHECKPOINT_H
#define TRAIN_AFFINITY_TRAIN_CHECKPOINT_H

#include "base/err.h"
#include "base/hash.h"
#include "ml/als/als.h"
#include "ml/file/model_file.h"

/* Where a factorization stood after its last sweep, so that a training that was killed goes on from there. One file a training,
 * DIR/training-<first half of its key>.part: a header (magic "CWTRAIN1", key, sweeps, shape), both matrices as they lie in memory, SHA-256 of
 * all before it. The key is a hash of the interactions, of every option that changes a byte of the result and of the processor's kernels, so
 * that only the same training finds it. Written beside and renamed: a killed write leaves the one before. */
struct checkpoint {
    uint8_t key[SHA256_BYTES];
    char path[MODEL_PATH_BYTES];
};

/* Fails where dir is too long for a path. */
CAN_FAIL bool checkpoint_name(const char *dir, const struct csr *interactions,
                              const struct als_options *options, struct checkpoint *out,
                              struct err *err);

CAN_FAIL bool checkpoint_save(const struct checkpoint *c, const struct als_state *state,
                              struct err *err);

/* False: there is none that is whole, of this training and of these dimensions; what is there instead is removed. *out is owned by the caller. */
bool checkpoint_load(const struct checkpoint *c, int rows, int cols, int factors,
                     struct als_state *out);

/* Removes all of the directory, also those that other trainings left behind: called when one has ended well. */
void checkpoint_remove_all(const char *path);

#endif
