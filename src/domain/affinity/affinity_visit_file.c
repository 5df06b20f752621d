/* The sections of the visits: laid out for training, checked number by number when a
 * model is loaded. */
#include "domain/affinity/affinity_visit.h"

#include "base/mem.h"
#include "domain/affinity/affinity_internal.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum {
    LAYOUT = 1, /* of the features: another one is refused */
    SHAPE = 6,  /* layout, items, sessions, neighbours, latest sessions of an item, visits kept */
    SETTINGS = 2,
    EDGE_FLOATS = sizeof(struct session_edge) / sizeof(float),
    RANK_BYTES = sizeof(struct session_fm) - offsetof(struct session_fm, mean),
    RANK_FLOATS = RANK_BYTES / sizeof(float),
    BINS = SESSION_FM_FEATURES_MAX * SESSION_FM_KEYS,
    ITEM_FLOATS = 3, /* count, recent, repeat */
    NEIGHBOURS_MAX = 5000,
};

/* ---- writing ---- */

static void add(struct affinity_section *out, int *count, const struct affinity_section *section)
{
    assert(*count < AFFINITY_VISIT_SECTIONS);
    out[(*count)++] = *section;
}

static void add_items(const struct session_model *m, struct arena *a, struct affinity_section *out,
                      int *count)
{
    size_t n = (size_t)m->items;
    float *numbers = arena_array(a, n * ITEM_FLOATS + 1, sizeof *numbers);
    int32_t *span = arena_array(a, n * 2 + 1, sizeof *span);
    for (size_t i = 0; i < n; i++) {
        numbers[i * ITEM_FLOATS] = m->item[i].count;
        numbers[i * ITEM_FLOATS + 1] = m->item[i].recent;
        numbers[i * ITEM_FLOATS + 2] = m->item[i].repeat;
        span[i * 2] = m->item[i].first;
        span[i * 2 + 1] = m->item[i].last;
    }
    add(out, count, &(struct affinity_section){"visit_item", MODEL_F32, numbers, n * ITEM_FLOATS});
    add(out, count, &(struct affinity_section){"visit_item_span", MODEL_I32, span, n * 2});
}

/* The latest visits, starting at 0. Answers how many. */
static int add_visits(const struct session_log *log, struct arena *a, struct affinity_section *out,
                      int *count)
{
    int from = log->sessions > VISITS_KEPT_MAX ? log->sessions - VISITS_KEPT_MAX : 0;
    int kept = log->sessions - from;
    int64_t *start = arena_array(a, (size_t)kept + 1, sizeof *start);
    for (int s = 1; s <= kept; s++) {
        /* from 0 on, as the older sessions are left out */
        start[s] = log->start[from + s] - log->start[from];
    }
    const int32_t *items = kept > 0 ? session_log_items(log, from) : arena_alloc(a, 1);
    add(out, count,
        &(struct affinity_section){"visit_start", MODEL_I64, start, (uint64_t)kept + 1});
    add(out, count,
        &(struct affinity_section){"visit_session", MODEL_I32, items, (uint64_t)start[kept]});
    return kept;
}

void affinity_visit_sections(const struct session_model *model, const struct session_log *recent,
                             float weight, struct arena *a,
                             struct affinity_section out[AFFINITY_VISIT_SECTIONS])
{
    assert(model->fm.features == SESSION_FEATURES && weight >= 0);
    const struct session_graph *g = &model->graph;
    uint64_t edges = (uint64_t)g->start[g->items];
    /* In arena and not on the stack: the sections are written after this returns. */
    int32_t *shape = arena_array(a, SHAPE, sizeof *shape);
    float *settings = arena_array(a, SETTINGS, sizeof *settings);
    float *blend = arena_alloc(a, sizeof *blend);
    int count = 0;
    add(out, &count, &(struct affinity_section){"visit_shape", MODEL_I32, shape, SHAPE});
    add(out, &count, &(struct affinity_section){"visit_settings", MODEL_F32, settings, SETTINGS});
    add(out, &count, &(struct affinity_section){"visit_weight", MODEL_F32, blend, 1});
    add(out, &count,
        &(struct affinity_section){"visit_edge_start", MODEL_I64, g->start,
                                   (uint64_t)g->items + 1});
    add(out, &count, &(struct affinity_section){"visit_edge_item", MODEL_I32, g->item, edges});
    add(out, &count,
        &(struct affinity_section){"visit_edge", MODEL_F32, g->edge, edges * EDGE_FLOATS});
    add_items(model, a, out, &count);
    int kept = add_visits(recent, a, out, &count);
    add(out, &count, &(struct affinity_section){"visit_bin", MODEL_U8, model->fm.bin, BINS});
    add(out, &count,
        &(struct affinity_section){"visit_rank", MODEL_F32, model->fm.mean, RANK_FLOATS});
    assert(count == AFFINITY_VISIT_SECTIONS);
    const int32_t numbers[SHAPE] = {LAYOUT,
                                    model->items,
                                    model->sessions,
                                    model->settings.query.neighbours,
                                    model->settings.postings_max,
                                    kept};
    /* last: only now it is known how many visits were kept */
    memcpy(shape, numbers, sizeof numbers);
    settings[0] = model->settings.query.position_decay;
    settings[1] = model->settings.query.recency;
    *blend = weight;
}

/* ---- reading ---- */

static bool read_shape(const struct model_file *file, int known, struct session_model *m,
                       int *out_kept, struct err *err)
{
    const int32_t *shape = NULL;
    const float *settings = NULL;
    if (!model_file_i32(file, "visit_shape", SHAPE, &shape, err) ||
        !model_file_f32(file, "visit_settings", SETTINGS, &settings, err)) {
        return false;
    }
    /* Before the ranges: another layout's numbers mean something else. */
    if (shape[0] != LAYOUT) {
        return FAIL(err, ERR_INVALID,
                    "the visits of the affinity model are of another version: train it again");
    }
    bool ok = shape[1] >= 1 && shape[1] <= known && shape[2] >= 1 && shape[3] >= 1 &&
              shape[3] <= NEIGHBOURS_MAX && shape[4] >= 1 && shape[4] <= SESSION_POSTINGS_MAX &&
              shape[5] >= 0 && shape[5] <= VISITS_KEPT_MAX && settings[0] > 0 && settings[1] > 0;
    m->items = shape[1];
    m->sessions = shape[2];
    m->settings.query = (struct session_index_query){shape[3], settings[0], settings[1]};
    m->settings.postings_max = shape[4];
    *out_kept = shape[5];
    return ok || FAIL(err, ERR_INVALID,
                      "the visits of the affinity model have %d items, %d visits and %d neighbours",
                      shape[1], shape[2], shape[3]);
}

/* Rows laid end to end, each entry an item. */
static bool rows_check(const int64_t *start, int rows, uint64_t entries, const int32_t *item,
                       int items, const char *what, struct err *err)
{
    /* Queries follow borders and items without a look. */
    bool ok = start[0] == 0 && start[rows] == (int64_t)entries;
    for (int i = 0; i < rows && ok; i++) {
        ok = start[i] <= start[i + 1] && start[i + 1] <= (int64_t)entries;
    }
    for (uint64_t k = 0; k < entries && ok; k++) {
        ok = item[k] >= 0 && item[k] < items;
    }
    return ok || FAIL(err, ERR_INVALID, "the %s of the affinity model are out of range", what);
}

static bool read_graph(const struct model_file *file, struct session_model *m, struct err *err)
{
    uint64_t edges = 0;
    const int64_t *start = NULL;
    const int32_t *item = NULL;
    const float *edge = NULL;
    if (!model_file_count(file, "visit_edge_item", MODEL_I32, &edges, err) ||
        !model_file_i64(file, "visit_edge_start", (uint64_t)m->items + 1, &start, err) ||
        !model_file_i32(file, "visit_edge_item", edges, &item, err) ||
        !model_file_f32(file, "visit_edge", edges * EDGE_FLOATS, &edge, err) ||
        !rows_check(start, m->items, edges, item, m->items, "rows of what follows what", err)) {
        return false;
    }
    /* Only read from, as every view of a model file. */
    m->graph.items = m->items;
    memcpy(&m->graph.start, &start, sizeof(void *));
    memcpy(&m->graph.item, &item, sizeof(void *));
    memcpy(&m->graph.edge, &edge, sizeof(void *));
    return true;
}

static bool read_items(const struct model_file *file, struct session_model *m, struct err *err)
{
    const float *numbers = NULL;
    const int32_t *span = NULL;
    size_t n = (size_t)m->items;
    if (!model_file_f32(file, "visit_item", n * ITEM_FLOATS, &numbers, err) ||
        !model_file_i32(file, "visit_item_span", n * 2, &span, err)) {
        return false;
    }
    m->item = mem_array(n, sizeof *m->item);
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        m->item[i] = (struct session_item){.count = numbers[i * ITEM_FLOATS],
                                           .recent = numbers[i * ITEM_FLOATS + 1],
                                           .repeat = numbers[i * ITEM_FLOATS + 2],
                                           .first = span[i * 2],
                                           .last = span[i * 2 + 1]};
        /* last is -1 for an item without sessions; none lies behind the end of the log */
        ok = ok && m->item[i].count >= 0 && m->item[i].recent >= 0 && m->item[i].repeat >= 0 &&
             m->item[i].first >= 0 && m->item[i].last >= -1 && m->item[i].last < m->sessions &&
             m->item[i].first <= m->sessions;
    }
    return ok ||
           FAIL(err, ERR_INVALID, "what visits tell of an item of the affinity model is no count");
}

static bool read_ranker(const struct model_file *file, struct session_model *m, struct err *err)
{
    const uint8_t *bin = NULL;
    const float *numbers = NULL;
    if (!model_file_u8(file, "visit_bin", BINS, &bin, err) ||
        !model_file_f32(file, "visit_rank", RANK_FLOATS, &numbers, err)) {
        return false;
    }
    for (int i = 0; i < BINS; i++) {
        /* a bin selects a row of weights */
        if (bin[i] >= SESSION_FM_BINS) {
            return FAIL(err, ERR_INVALID, "the affinity model's ranker of visits has a bin %d",
                        bin[i]);
        }
    }
    m->fm.features = SESSION_FEATURES;
    memcpy(m->fm.bin, bin, BINS);
    /* From `mean` on the struct is floats alone (session_fm.h), and was written as it lies. */
    memcpy((char *)&m->fm + offsetof(struct session_fm, mean), numbers, RANK_BYTES);
    return true;
}

static bool read_visits(const struct model_file *file, struct session_model *m, int kept,
                        struct err *err)
{
    uint64_t total = 0;
    const int64_t *start = NULL;
    const int32_t *item = NULL;
    if (!model_file_count(file, "visit_session", MODEL_I32, &total, err) ||
        !model_file_i64(file, "visit_start", (uint64_t)kept + 1, &start, err) ||
        !model_file_i32(file, "visit_session", total, &item, err) ||
        !rows_check(start, kept, total, item, m->items, "latest visits", err)) {
        return false;
    }
    struct session_index_options o = {.items = m->items,
                                      .sessions_max = VISITS_KEPT_MAX,
                                      .postings_max = m->settings.postings_max};
    m->index = session_index_make(&o);
    for (int s = 0; s < kept; s++) {
        /* by the appends that serve live events: a loaded index is one that was told */
        uint32_t session = SESSION_NONE;
        for (int64_t i = start[s]; i < start[s + 1]; i++) {
            session_index_append(m->index, &session, item[i]);
        }
    }
    return true;
}

static bool read_weight(const struct model_file *file, float *out, struct err *err)
{
    const float *weight = NULL;
    if (!model_file_f32(file, "visit_weight", 1, &weight, err)) {
        return false;
    }
    *out = weight[0];
    return weight[0] >= 0 || FAIL(err, ERR_INVALID, "the weight of the visits is below 0");
}

bool visits_read(const struct model_file *file, int known, struct session_model *out,
                 float *out_weight, bool *out_found, struct err *err)
{
    struct session_model m = {0};
    int kept = 0;
    *out_found = model_file_has(file, "visit_shape");
    if (!*out_found) {
        return true;
    }
    if (!read_weight(file, out_weight, err) || !read_shape(file, known, &m, &kept, err) ||
        !read_graph(file, &m, err) || !read_items(file, &m, err) || !read_ranker(file, &m, err) ||
        !read_visits(file, &m, kept, err)) {
        m.graph = (struct session_graph){0}; /* the file's */
        session_model_free(&m);
        return false;
    }
    *out = m;
    return true;
}
