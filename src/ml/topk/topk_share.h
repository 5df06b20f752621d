#ifndef ML_TOPK_TOPK_SHARE_H
#define ML_TOPK_TOPK_SHARE_H

#include "ml/topk/topk_index.h"

/* Searches of many threads, gathered: who comes while the processors scan waits for the next scan, and those who wait are scanned for together.
 * A large index is read once for up to TOPK_PASS requests instead of once for each; a single request is not held up. Used by many threads. */
struct topk_share;

/* Borrows the index. `scans` at once, 1 or more: as many as there are processors. An index of less than `large` bytes is scanned by each caller
 * alone: a scan of some ten microseconds is not worth waiting for. */
enum { TOPK_SHARE_LARGE = 16 << 20 };
struct topk_share *topk_share_make(const struct topk_index *index, int scans, size_t large);
void topk_share_free(struct topk_share **share); /* nobody may be searching any more */

/* topk_index_search(index, query, k, filter, out, NULL). The filter's keep may be called by another thread while this one waits. */
int topk_share_search(struct topk_share *share, const float *query, int k,
                      const struct topk_filter *filter, struct topk_hit *out);

#endif
