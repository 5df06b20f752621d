#include "base/init.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <sys/resource.h>

bool base_init(struct err *err)
{
    /* first: the seed below comes from its generator */
    if (sodium_init() < 0) {
        return FAIL(err, ERR_INTERNAL, "libsodium found no source of random numbers");
    }
    /* Never 0: that asks jansson to read a seed of its own, and it falls back to the time of day.
     */
    json_object_seed((size_t)randombytes_random() | 1);

    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) {
        return FAIL(err, ERR_INTERNAL, "cannot switch core dumps off: %s", err_words(errno));
    }
    return true;
}
