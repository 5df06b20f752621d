// The only C++ of the project: the peer that bench_topk measures beside us.
#include "bench/topk_faiss.h"

#include <faiss/IndexFlat.h>
#include <omp.h>

#include <cstdint>
#include <cstring>
#include <vector>

struct faiss_flat {
    faiss::IndexFlatIP index;
    explicit faiss_flat(int k) : index(k)
    {
    }
};

struct faiss_flat *faiss_flat_make(const float *items, int n, int k, int ld)
{
    omp_set_num_threads(1);
    auto *flat = new faiss_flat(k);
    std::vector<float> row(static_cast<size_t>(k));
    flat->index.codes.reserve(static_cast<size_t>(n) * static_cast<size_t>(k) * sizeof(float));
    for (int i = 0; i < n; i++) {
        std::memcpy(row.data(), items + static_cast<size_t>(i) * static_cast<size_t>(ld),
                    row.size() * sizeof(float));
        flat->index.add(1, row.data());
    }
    return flat;
}

void faiss_flat_free(struct faiss_flat *index)
{
    delete index;
}

void faiss_flat_search(const struct faiss_flat *index, const float *queries, int count, int top,
                       float *out_scores, long *out_ids)
{
    std::vector<std::int64_t> ids(static_cast<size_t>(count) * static_cast<size_t>(top));
    index->index.search(count, queries, top, out_scores, ids.data());
    for (size_t i = 0; i < ids.size(); i++) {
        out_ids[i] = static_cast<long>(ids[i]);
    }
}
