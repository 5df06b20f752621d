#ifndef TESTS_UNIT_DOMAIN_AFFINITY_SPEC_H
#define TESTS_UNIT_DOMAIN_AFFINITY_SPEC_H

#include "base/buf.h"
#include "domain/affinity/affinity_file.h"
#include "ml/als/als.h"
#include "ml/linear/csr.h"
#include "support/spec.h"

/* What the tests of the affinity model share: a shop of two tastes, and models written and loaded in memory. */

/* Fails with the error's words unless ok. */
void must(bool ok, const struct err *err);

/* Two tastes of TASTE products each that people have bought; what comes behind these TASTED is only in the catalogue. */
enum { TASTE = 8, TASTED = 2 * TASTE, TASTE_SHOPPERS = 60, TASTE_FACTORS = 4, TASTE_ID_MAX = 16 };

/* The first taste's are shoes, a0 to a7; the second's hats, b8 to b15; then n16, hats too. Every second one is of the brand "odd". */
void taste_items(char (*ids)[TASTE_ID_MAX], struct affinity_item *items, int count);
struct csr taste_purchases(void);           /* owns: csr_free */
struct als_options taste_als_options(void); /* under which the two come apart */

void write_affinity(const struct affinity_parts *parts, struct buf *out);

/* The model in a file's bytes; false as affinity_load. */
bool try_loading(const struct buf *bytes, struct affinity **out, struct err *err);
struct affinity *loaded(const struct buf *bytes); /* owns; one that loads */

/* The ids of picks live in the model: here they outlive it. */
void keep_ids(struct picks *picks, struct arena *a);

#endif
