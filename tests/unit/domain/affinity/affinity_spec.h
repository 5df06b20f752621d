#ifndef TESTS_UNIT_DOMAIN_AFFINITY_SPEC_H
#define TESTS_UNIT_DOMAIN_AFFINITY_SPEC_H

#include "base/buf.h"
#include "domain/affinity/affinity_file.h"
#include "support/spec.h"

/* The model in a file's bytes; false as affinity_load. */
static inline bool try_loading(const struct buf *bytes, struct affinity **out, struct err *err)
{
    struct model_file file = {0};
    return model_file_view(bytes->data, bytes->len, &file, err) &&
           affinity_load(&file, "affinity-1", out, err);
}

#endif
