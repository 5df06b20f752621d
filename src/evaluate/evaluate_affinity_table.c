/* What the evaluation of affinity found: plain tables and one JSON object. Measures nothing. */
#include "evaluate/evaluate_affinity_table.h"

#include "base/cleanup.h"

#include <stdio.h>

static void cell_interval(struct report_table *t, const struct interval *i, int digits)
{
    report_cell_number(t, i->value, digits);
    report_cell(t, "%.*f to %.*f", digits, i->low, digits, i->high);
}

static void cell_difference(struct report_table *t, const struct interval *i)
{
    report_cell(t, "%+.4f", i->value);
    report_cell(t, "%+.4f to %+.4f", i->low, i->high);
}

static void quality_table(const struct affinity_evaluation *e, enum affinity_task task,
                          struct report_table *t)
{
    for (int i = 0; i < CONTENDERS; i++) {
        const struct contender *c = &e->contenders[i];
        if (!contender_answers(c, task)) {
            continue;
        }
        report_cell(t, "%s", c->name);
        cell_interval(t, &c->ndcg[task], 4);
        cell_interval(t, &c->recall[task], 4);
        report_cell_number(t, c->mrr[task].value, 4);
        /* Its gain over itself is 0 by definition, and would look like a finding. */
        if (i == CONTENDER_POPULAR) {
            report_cell(t, "-");
        } else {
            report_cell(t, "%+.4f (%+.4f to %+.4f)", c->gain[task].value, c->gain[task].low,
                        c->gain[task].high);
        }
    }
}

static void spread_table(const struct affinity_evaluation *e, struct report_table *t)
{
    for (int i = 0; i < CONTENDERS; i++) {
        const struct contender *c = &e->contenders[i];
        if (c->took_part) {
            report_cell(t, "%s", c->name);
            report_cell(t, "%.1f %%", 100 * c->spread.coverage);
            report_cell(t, "%.1f %%", 100 * c->spread_first.coverage);
            report_cell(t, "%.1f %%", 100 * c->spread.most_shown);
            report_cell_number(t, c->spread.novelty, 2);
            report_cell(t, "%.1f %%", 100 * c->spread.top_tenth);
            report_cell_number(t, c->spread.gini, 3);
        }
    }
}

static void segment_table(const struct affinity_evaluation *e, enum affinity_task task,
                          struct report_table *t)
{
    for (int s = 0; s < SEGMENTS; s++) {
        report_cell(t, "%s", affinity_segment_name(s));
        report_cell(t, "%d", e->segment_cases[task][s]);
        for (int i = 0; i < CONTENDERS; i++) {
            const struct contender *c = &e->contenders[i];
            if (!contender_answers(c, task)) {
                continue;
            }
            if (e->segment_cases[task][s] > 0) {
                report_cell(t, "%.4f (%.4f to %.4f)", c->segment_ndcg[task][s].value,
                            c->segment_ndcg[task][s].low, c->segment_ndcg[task][s].high);
            } else {
                report_cell(t, "-");
            }
        }
    }
}

/* What was measured of one task: the contenders, then the segments. */
void affinity_write_task(const struct affinity_evaluation *e, enum affinity_task task,
                         report_table_writer *write, struct buf *out)
{
    char heads[2][24];
    const char *columns[2 + CONTENDERS] = {"shoppers", "cases"};
    int count = 2;
    (void)snprintf(heads[0], sizeof heads[0], "NDCG@%d", e->k);
    (void)snprintf(heads[1], sizeof heads[1], "recall@%d", e->k);
    const char *const quality[] = {"model",         heads[0], "95 % interval",        heads[1],
                                   "95 % interval", "MRR",    "NDCG above popularity"};
    CLEANUP(report_table_free)
    struct report_table t = {.columns = quality, .column_count = 7};
    quality_table(e, task, &t);
    write(out, &t);
    for (int i = 0; i < CONTENDERS; i++) {
        if (contender_answers(&e->contenders[i], task)) {
            columns[count++] = e->contenders[i].name;
        }
    }
    char caption[96];
    /* The line break parts the two tables on a terminal; HTML takes it for a blank. */
    (void)snprintf(caption, sizeof caption, "\nNDCG@%d by kind of shopper", e->k);
    CLEANUP(report_table_free)
    struct report_table segments = {.caption = caption, .columns = columns, .column_count = count};
    segment_table(e, task, &segments);
    write(out, &segments);
}

/* What it costs to spread the picks, beside the same model that does not. */
static void affinity_write_spreading(const struct affinity_evaluation *e,
                                     report_table_writer *write, struct buf *out)
{
    char heads[2][24];
    if (!e->contenders[CONTENDER_BY_SCORE].took_part) {
        return;
    }
    (void)snprintf(heads[0], sizeof heads[0], "NDCG@%d", e->k);
    (void)snprintf(heads[1], sizeof heads[1], "NDCG@%d", SHOWN_FIRST);
    const char *const columns[] = {"spreading changes", heads[0], "95 % interval", heads[1],
                                   "95 % interval"};
    CLEANUP(report_table_free)
    struct report_table t = {.caption = "\nwhat spreading costs, shopper by shopper",
                             .columns = columns,
                             .column_count = 5};
    for (int task = 0; task < TASKS; task++) {
        report_cell(&t, "%s", affinity_task_name(task));
        cell_difference(&t, &e->spreading.ndcg[task]);
        cell_difference(&t, &e->spreading.ndcg_first[task]);
    }
    write(out, &t);
}

void affinity_write_spread(const struct affinity_evaluation *e, report_table_writer *write,
                           struct buf *out)
{
    char first[32];
    (void)snprintf(first, sizeof first, "in the first %d", SHOWN_FIRST);
    const char *const columns[] = {
        "model",         "catalogue shown",           first, "lists with the most shown",
        "novelty, bits", "from the best-known tenth", "Gini"};
    CLEANUP(report_table_free)
    struct report_table t = {.columns = columns, .column_count = 7};
    spread_table(e, &t);
    write(out, &t);
    affinity_write_spreading(e, write, out);
}

void affinity_write_new(const struct affinity_evaluation *e, report_table_writer *write,
                        struct buf *out)
{
    const struct new_products *n = &e->fresh;
    const char *const names[NEW_WAYS] = {affinity_placed(n->model) > 0
                                             ? "placed by category, brand and price"
                                             : "not placed: the catalogue foretells too little",
                                         "popular in category"};
    char heads[2][24];
    (void)snprintf(heads[0], sizeof heads[0], "NDCG@%d", e->k);
    (void)snprintf(heads[1], sizeof heads[1], "recall@%d", e->k);
    const char *const columns[] = {
        "new products among themselves", heads[0], "95 % interval", heads[1], "95 % interval",
        "recall, all competing"};
    CLEANUP(report_table_free)
    struct report_table t = {.columns = columns, .column_count = 6};
    for (int w = 0; w < NEW_WAYS; w++) {
        report_cell(&t, "%s", names[w]);
        cell_interval(&t, &n->ndcg[w], 4);
        cell_interval(&t, &n->recall[w], 4);
        report_cell_number(&t, n->recall_among_all[w].value, 4);
    }
    write(out, &t);
}

void affinity_evaluation_text(const struct affinity_evaluation *e, struct buf *out)
{
    evaluate_heading_text(&e->heading, out);
    for (int task = 0; task < TASKS; task++) {
        buf_printf(out, "\n%s put in the cart or bought later: %d shoppers\n\n",
                   affinity_task_name(task), e->cases[task]);
        affinity_write_task(e, task, report_table_text, out);
    }
    if (e->fresh.cases > 0) {
        buf_printf(
            out,
            "\n%d of %d products as if they had come at the cut, without a history: %d shoppers chose one\n\n",
            e->fresh.products, e->fresh.possible, e->fresh.cases);
        affinity_write_new(e, report_table_text, out);
    }
    buf_printf(
        out,
        "\nspread over %d products, of the first %d shown: to %d shoppers, whose lists can hold %.1f %% of them at most, "
        "their first %d %.1f %%\n\n",
        e->items, e->k, e->lists, 100 * affinity_most_coverage(e, e->k), SHOWN_FIRST,
        100 * affinity_most_coverage(e, SHOWN_FIRST));
    affinity_write_spread(e, report_table_text, out);
}

/* ---- JSON ---- */

static void json_contender(struct jenc *j, const struct affinity_evaluation *e,
                           const struct contender *c, enum affinity_task task)
{
    jenc_object(j, NULL);
    jenc_str(j, "model", c->name);
    evaluate_json_interval(j, "ndcg", &c->ndcg[task]);
    evaluate_json_interval(j, "recall", &c->recall[task]);
    evaluate_json_interval(j, "mrr", &c->mrr[task]);
    if (task == TASK_ANY && c->model) {
        evaluate_json_interval(j, "ndcg_above_last_viewed", &c->above_viewed);
    }
    /* Left out rather than 0, as in the table. */
    if (c != &e->contenders[CONTENDER_POPULAR]) {
        evaluate_json_interval(j, "ndcg_above_popularity", &c->gain[task]);
    }
    jenc_array(j, "recall_at");
    for (int k = 0; k < e->curve; k++) {
        jenc_f64(j, NULL, c->recall_at[task][k]);
    }
    jenc_array_end(j);
    jenc_object(j, "ndcg_by_segment");
    for (int s = 0; s < SEGMENTS; s++) {
        if (e->segment_cases[task][s] > 0) {
            evaluate_json_interval(j, affinity_segment_name(s), &c->segment_ndcg[task][s]);
        }
    }
    jenc_object_end(j);
    jenc_object_end(j);
}

static void json_task(struct jenc *j, const struct affinity_evaluation *e, enum affinity_task task)
{
    jenc_object(j, task == TASK_ANY ? "any_product" : "new_products");
    jenc_i64(j, "shoppers", e->cases[task]);
    jenc_object(j, "segments");
    for (int s = 0; s < SEGMENTS; s++) {
        jenc_i64(j, affinity_segment_name(s), e->segment_cases[task][s]);
    }
    jenc_object_end(j);
    jenc_array(j, "models");
    for (int i = 0; i < CONTENDERS; i++) {
        if (contender_answers(&e->contenders[i], task)) {
            json_contender(j, e, &e->contenders[i], task);
        }
    }
    jenc_array_end(j);
    jenc_object_end(j);
}

static void json_spread(struct jenc *j, const struct affinity_evaluation *e)
{
    jenc_array(j, "spread");
    for (int i = 0; i < CONTENDERS; i++) {
        const struct contender *c = &e->contenders[i];
        if (!c->took_part) {
            continue;
        }
        jenc_object(j, NULL);
        jenc_str(j, "model", c->name);
        jenc_f64(j, "coverage", c->spread.coverage);
        jenc_f64(j, "coverage_first_3", c->spread_first.coverage);
        jenc_f64(j, "most_shown", c->spread.most_shown);
        jenc_f64(j, "novelty_bits", c->spread.novelty);
        jenc_f64(j, "from_best_known_tenth", c->spread.top_tenth);
        jenc_f64(j, "gini", c->spread.gini);
        jenc_object(j, "sources");
        for (int s = 0; s < SOURCES; s++) {
            jenc_i64(j, pick_source_name((enum pick_source)s), c->sources[s]);
        }
        jenc_object_end(j);
        jenc_object_end(j);
    }
    jenc_array_end(j);
}

static void json_spreading(struct jenc *j, const struct affinity_evaluation *e)
{
    if (!e->contenders[CONTENDER_BY_SCORE].took_part) {
        return;
    }
    jenc_object(j, "spreading");
    for (int task = 0; task < TASKS; task++) {
        jenc_object(j, task == TASK_ANY ? "any_product" : "new_products");
        evaluate_json_interval(j, "ndcg_difference", &e->spreading.ndcg[task]);
        evaluate_json_interval(j, "ndcg_difference_first_3", &e->spreading.ndcg_first[task]);
        jenc_object_end(j);
    }
    jenc_object_end(j);
}

static void json_new(struct jenc *j, const struct affinity_evaluation *e)
{
    static const char *const keys[NEW_WAYS] = {"placed", "popular_in_category"};
    const struct new_products *n = &e->fresh;
    jenc_object(j, "without_history");
    jenc_i64(j, "products", n->products);
    jenc_i64(j, "shoppers", n->cases);
    /* Fewer products than PRODUCTS_MIN: no model was fitted. */
    if (n->model) {
        jenc_i64(j, "placed_products", affinity_placed(n->model));
    }
    for (int w = 0; w < NEW_WAYS && n->cases > 0; w++) {
        jenc_object(j, keys[w]);
        evaluate_json_interval(j, "ndcg", &n->ndcg[w]);
        evaluate_json_interval(j, "recall", &n->recall[w]);
        evaluate_json_interval(j, "recall_among_all", &n->recall_among_all[w]);
        jenc_object_end(j);
    }
    if (n->cases > 0) {
        evaluate_json_interval(j, "ndcg_above_popular", &n->gain);
    }
    jenc_object_end(j);
}

void affinity_evaluation_json(const struct affinity_evaluation *e, struct buf *out)
{
    struct jenc j = jenc_begin(out);
    evaluate_heading_json(&e->heading, &j);
    jenc_i64(&j, "seed", (int64_t)e->options->seed);
    jenc_i64(&j, "k", e->k);
    jenc_i64(&j, "products", e->items);
    jenc_str(&j, "serving", e->heading.serving);
    json_task(&j, e, TASK_ANY);
    json_task(&j, e, TASK_NEW);
    json_new(&j, e);
    jenc_f64(&j, "coverage_at_most", affinity_most_coverage(e, e->k));
    json_spread(&j, e);
    json_spreading(&j, e);
    jenc_object_end(&j);
    buf_add_char(out, '\n');
}
