/* Sparse rows from unsorted triples: two stable counting sorts, no
 * comparisons, deterministic sums. */
#include "ml/linear/csr.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static bool triples_check(int rows, int cols, const struct triple *triples, size_t count,
                          struct err *err)
{
    if (rows < 0 || cols < 0) {
        return FAIL(err, ERR_INVALID, "a sparse matrix cannot have %d rows and %d columns", rows,
                    cols);
    }
    for (size_t i = 0; i < count; i++) {
        const struct triple *t = &triples[i];
        if (t->row < 0 || t->row >= rows || t->col < 0 || t->col >= cols) {
            return FAIL(err, ERR_INVALID,
                        "entry %zu at (%d, %d) lies outside %d rows and %d columns", i, t->row,
                        t->col, rows, cols);
        }
        /* here, before the sums, where the message can still name the entry */
        if (!isfinite(t->weight)) {
            return FAIL(err, ERR_INVALID, "entry %zu has a weight that is not finite", i);
        }
    }
    return true;
}

/* start[b] becomes the first position of bucket b; start has `buckets` + 1 entries, counts in
 * start[b + 1]. */
static void counts_to_starts(int64_t *start, int buckets)
{
    for (int b = 0; b < buckets; b++) {
        start[b + 1] += start[b];
    }
}

/* order: triple numbers sorted by (row, column), equal cells in given order. */
static void sort_cells(int rows, int cols, const struct triple *triples, size_t count,
                       uint64_t *order)
{
    int buckets = rows > cols ? rows : cols;
    CLEANUP(mem_free) int64_t *start = mem_array((size_t)buckets + 1, sizeof *start);
    CLEANUP(mem_free) uint64_t *by_col = mem_array(count + 1, sizeof *by_col);
    /* By column, then stably by row: a radix sort of two digits. Equal cells keep the order they
     * were given in, on which the last bit of their sum depends. */
    for (size_t i = 0; i < count; i++) {
        start[triples[i].col + 1]++;
    }
    counts_to_starts(start, cols);
    for (size_t i = 0; i < count; i++) {
        by_col[start[triples[i].col]++] = i;
    }
    memset(start, 0, ((size_t)buckets + 1) * sizeof *start);
    for (size_t i = 0; i < count; i++) {
        start[triples[i].row + 1]++;
    }
    counts_to_starts(start, rows);
    for (size_t i = 0; i < count; i++) {
        order[start[triples[by_col[i]].row]++] = by_col[i];
    }
}

static struct csr csr_make(int rows, int cols, size_t entries)
{
    return (struct csr){
        .rows = rows,
        .cols = cols,
        .start = mem_array((size_t)rows + 1, sizeof(int64_t)),
        /* read at random, row by row: huge pages save misses of the TLB */
        .column = mem_wide(entries + 1, sizeof(int32_t)),
        .weight = mem_wide(entries + 1, sizeof(float)),
    };
}

/* Adds the cells up in sorted order. */
static bool sum_cells(const struct triple *triples, size_t count, const uint64_t *order,
                      struct csr *built, struct err *err)
{
    int64_t entries = 0;
    for (size_t i = 0; i < count;) {
        const struct triple *cell = &triples[order[i]];
        /* in double: a shopper's hundreds of small decayed weights end in one cell */
        double sum = 0;
        for (;
             i < count && triples[order[i]].row == cell->row && triples[order[i]].col == cell->col;
             i++) {
            sum += (double)triples[order[i]].weight;
        }
        float weight = (float)sum;
        /* each was finite (triples_check); their sum may still be beyond a float */
        if (!isfinite(weight)) {
            return FAIL(err, ERR_INVALID, "the weights of cell (%d, %d) add up to no finite number",
                        cell->row, cell->col);
        }
        built->column[entries] = cell->col;
        built->weight[entries] = weight;
        built->start[cell->row + 1]++;
        entries++;
    }
    counts_to_starts(built->start, built->rows);
    return true;
}

bool csr_build(int rows, int cols, const struct triple *triples, size_t count, struct csr *out,
               struct err *err)
{
    if (!triples_check(rows, cols, triples, count, err)) {
        return false;
    }
    CLEANUP(mem_free) uint64_t *order = mem_array(count + 1, sizeof *order);
    sort_cells(rows, cols, triples, count, order);
    /* room for all triples: how many cells they make is known only after the sums */
    struct csr built = csr_make(rows, cols, count);
    if (!sum_cells(triples, count, order, &built, err)) {
        csr_free(&built);
        return false;
    }
    *out = built;
    return true;
}

struct csr csr_transpose(const struct csr *a)
{
    struct csr t = csr_make(a->cols, a->rows, (size_t)csr_entries(a));
    for (int64_t e = 0; e < csr_entries(a); e++) {
        t.start[a->column[e] + 1]++;
    }
    counts_to_starts(t.start, t.rows);
    CLEANUP(mem_free) int64_t *next = mem_array((size_t)t.rows + 1, sizeof *next);
    memcpy(next, t.start, ((size_t)t.rows + 1) * sizeof *next);
    /* rows in order, so that the columns of the transpose ascend */
    for (int r = 0; r < a->rows; r++) {
        for (int64_t e = a->start[r]; e < a->start[r + 1]; e++) {
            int64_t at = next[a->column[e]]++;
            t.column[at] = r;
            t.weight[at] = a->weight[e];
        }
    }
    return t;
}

void csr_free(struct csr *a)
{
    mem_free(&a->start);
    mem_free(&a->column);
    mem_free(&a->weight);
    *a = (struct csr){0};
}
