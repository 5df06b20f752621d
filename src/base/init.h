#ifndef BASE_INIT_H
#define BASE_INIT_H

#include "base/err.h"

/* What the whole process needs before its first thread: libsodium's generator, a random seed for
 * jansson's hash tables (so that nobody can choose colliding keys), and no core dumps, which would
 * hold secrets. Harmless when called twice. */
CAN_FAIL bool base_init(struct err *err);

#endif
