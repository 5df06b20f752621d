/* What the evaluation of affinity found: plain tables, one JSON object, and the page. Measures nothing. */
#include "evaluate/evaluate_affinity.h"

#include "base/cleanup.h"
#include "evaluate/report_plot.h"

#include <math.h>
#include <string.h>

static const int colours[CONTENDERS] = {0, 2, 4, 1};

/* ---- tables, the same for the terminal and the page ---- */

static void cell_interval(struct report_table *t, const struct interval *i, int digits)
{
    report_cell_number(t, i->value, digits);
    report_cell(t, "%.*f to %.*f", digits, i->low, digits, i->high);
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

typedef void table_writer(struct buf *out, const struct report_table *t);

/* What was measured of one task: the contenders, then the segments. */
static void write_task(const struct affinity_evaluation *e, enum affinity_task task,
                       table_writer *write, struct buf *out)
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
    (void)snprintf(caption, sizeof caption, "\nNDCG@%d by kind of shopper", e->k);
    CLEANUP(report_table_free)
    struct report_table segments = {.caption = caption, .columns = columns, .column_count = count};
    segment_table(e, task, &segments);
    write(out, &segments);
}

static void write_spread(const struct affinity_evaluation *e, table_writer *write, struct buf *out)
{
    static const char *const columns[] = {"model", "catalogue shown", "novelty, bits",
                                          "from the best-known tenth", "Gini"};
    CLEANUP(report_table_free)
    struct report_table t = {.columns = columns, .column_count = 5};
    spread_table(e, &t);
    write(out, &t);
}

static void write_new(const struct affinity_evaluation *e, table_writer *write, struct buf *out)
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
    char from[CLOCK_TEXT_MAX];
    char cut[CLOCK_TEXT_MAX];
    char until[CLOCK_TEXT_MAX];
    buf_printf(out, "log from %s to %s, cut at %s\n%s\n", evaluate_time_text(e->from_us, from),
               evaluate_time_text(e->until_us, until), evaluate_time_text(e->cut_us, cut),
               e->serving);
    for (int task = 0; task < TASKS; task++) {
        buf_printf(out, "\n%s put in the cart or bought later: %d shoppers\n\n",
                   affinity_task_name(task), e->cases[task]);
        write_task(e, task, report_table_text, out);
    }
    if (e->fresh.cases > 0) {
        buf_printf(
            out,
            "\n%d of %d products as if they had come at the cut, without a history: %d shoppers chose one\n\n",
            e->fresh.products, e->fresh.possible, e->fresh.cases);
        write_new(e, report_table_text, out);
    }
    buf_printf(out, "\nspread over %d products, of the first %d shown\n\n", e->items, e->k);
    write_spread(e, report_table_text, out);
}

/* ---- JSON ---- */

static void json_interval(struct jenc *j, const char *key, const struct interval *i)
{
    jenc_object(j, key);
    jenc_f64(j, "value", i->value);
    jenc_f64(j, "low", i->low);
    jenc_f64(j, "high", i->high);
    jenc_object_end(j);
}

static void json_contender(struct jenc *j, const struct affinity_evaluation *e,
                           const struct contender *c, enum affinity_task task)
{
    jenc_object(j, NULL);
    jenc_str(j, "model", c->name);
    json_interval(j, "ndcg", &c->ndcg[task]);
    json_interval(j, "recall", &c->recall[task]);
    json_interval(j, "mrr", &c->mrr[task]);
    if (task == TASK_ANY && c->model) {
        json_interval(j, "ndcg_above_last_viewed", &c->above_viewed);
    }
    if (c != &e->contenders[CONTENDER_POPULAR]) {
        json_interval(j, "ndcg_above_popularity", &c->gain[task]);
    }
    jenc_array(j, "recall_at");
    for (int k = 0; k < e->curve; k++) {
        jenc_f64(j, NULL, c->recall_at[task][k]);
    }
    jenc_array_end(j);
    jenc_object(j, "ndcg_by_segment");
    for (int s = 0; s < SEGMENTS; s++) {
        if (e->segment_cases[task][s] > 0) {
            json_interval(j, affinity_segment_name(s), &c->segment_ndcg[task][s]);
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

static void json_new(struct jenc *j, const struct affinity_evaluation *e)
{
    static const char *const keys[NEW_WAYS] = {"placed", "popular_in_category"};
    const struct new_products *n = &e->fresh;
    jenc_object(j, "without_history");
    jenc_i64(j, "products", n->products);
    jenc_i64(j, "shoppers", n->cases);
    if (n->model) {
        jenc_i64(j, "placed_products", affinity_placed(n->model));
    }
    for (int w = 0; w < NEW_WAYS && n->cases > 0; w++) {
        jenc_object(j, keys[w]);
        json_interval(j, "ndcg", &n->ndcg[w]);
        json_interval(j, "recall", &n->recall[w]);
        json_interval(j, "recall_among_all", &n->recall_among_all[w]);
        jenc_object_end(j);
    }
    if (n->cases > 0) {
        json_interval(j, "ndcg_above_popular", &n->gain);
    }
    jenc_object_end(j);
}

void affinity_evaluation_json(const struct affinity_evaluation *e, struct buf *out)
{
    struct jenc j = jenc_begin(out);
    jenc_object(&j, NULL);
    jenc_str(&j, "kind", "affinity");
    jenc_time(&j, "from", e->from_us);
    jenc_time(&j, "cut", e->cut_us);
    jenc_time(&j, "as_of", e->until_us);
    jenc_i64(&j, "seed", (int64_t)e->options->seed);
    jenc_i64(&j, "k", e->k);
    jenc_i64(&j, "products", e->items);
    jenc_str(&j, "serving", e->serving);
    json_task(&j, e, TASK_ANY);
    json_task(&j, e, TASK_NEW);
    json_new(&j, e);
    json_spread(&j, e);
    jenc_object_end(&j);
    buf_add_char(out, '\n');
}

/* ---- the page ---- */

static bool page_bars(const struct affinity_evaluation *e, enum affinity_task task, struct buf *out,
                      struct err *err)
{
    struct plot_bar bars[CONTENDERS];
    char title[48];
    int count = 0;
    for (int i = 0; i < CONTENDERS; i++) {
        const struct contender *c = &e->contenders[i];
        if (contender_answers(c, task)) {
            bars[count++] = (struct plot_bar){c->name, colours[i], c->ndcg[task].value,
                                              c->ndcg[task].low, c->ndcg[task].high};
        }
    }
    (void)snprintf(title, sizeof title, "NDCG@%d", e->k);
    const struct plot_bars p = {
        .title = title,
        .caption = "How far up the list the right products stand: 1 would be all of them first. "
                   "The thin lines are 95 % intervals.",
        .axis = {.label = title},
        .bars = bars,
        .count = count,
    };
    return plot_bars(out, &p, err);
}

static bool page_recall(const struct affinity_evaluation *e, enum affinity_task task,
                        struct buf *out, struct err *err)
{
    struct plot_series series[CONTENDERS];
    double k[CURVE_MAX];
    int count = 0;
    for (int i = 0; i < e->curve; i++) {
        k[i] = i + 1;
    }
    for (int i = 0; i < CONTENDERS; i++) {
        const struct contender *c = &e->contenders[i];
        if (contender_answers(c, task)) {
            series[count++] = (struct plot_series){.name = c->name,
                                                   .colour = colours[i],
                                                   .mark = PLOT_LINE,
                                                   .count = e->curve,
                                                   .x = k,
                                                   .y = c->recall_at[task]};
        }
    }
    const struct plot p = {
        .title = "Recall by length of the list",
        .caption =
            "The share of what a shopper chose later that is among the first products shown.",
        .x = {.label = "products shown"},
        .y = {.label = "recall", .percent = true},
        .series = series,
        .series_count = count,
    };
    return plot_xy(out, &p, err);
}

static bool page_tail(const struct affinity_evaluation *e, struct buf *out, struct err *err)
{
    struct plot_series series[CONTENDERS + 1];
    double share[CONCENTRATION_POINTS];
    int count = 0;
    for (int i = 0; i < CONCENTRATION_POINTS; i++) {
        share[i] = (double)i / (CONCENTRATION_POINTS - 1);
    }
    for (int i = 0; i < CONTENDERS; i++) {
        const struct contender *c = &e->contenders[i];
        if (c->took_part) {
            series[count++] = (struct plot_series){.name = c->name,
                                                   .colour = colours[i],
                                                   .mark = PLOT_LINE,
                                                   .count = CONCENTRATION_POINTS,
                                                   .x = share,
                                                   .y = c->concentration};
        }
    }
    series[count++] = (struct plot_series){.name = "what shoppers chose",
                                           .colour = 3,
                                           .mark = PLOT_LINE,
                                           .count = CONCENTRATION_POINTS,
                                           .x = share,
                                           .y = e->chosen_concentration};
    const struct plot p = {
        .title = "The long tail",
        .caption =
            "Products from the best known to the least. A curve that leaps up shows the same few to everybody; "
            "a good one runs close to what shoppers chose.",
        .x = {.label = "share of the catalogue, best known first", .to = 1, .percent = true},
        .y = {.label = "share of what was shown", .to = 1, .percent = true},
        .series = series,
        .series_count = count,
        .diagonal = true,
    };
    return plot_xy(out, &p, err);
}

static bool page_coverage(const struct affinity_evaluation *e, struct buf *out, struct err *err)
{
    struct plot_bar bars[CONTENDERS];
    int count = 0;
    for (int i = 0; i < CONTENDERS; i++) {
        const struct contender *c = &e->contenders[i];
        if (c->took_part) {
            bars[count++] = (struct plot_bar){
                .name = c->name, .colour = colours[i], .value = c->spread.coverage};
        }
    }
    const struct plot_bars p = {
        .title = "Catalogue shown",
        .caption = "The share of all products that was shown to at least one of these shoppers.",
        .axis = {.label = "share of the catalogue", .percent = true},
        .bars = bars,
        .count = count,
    };
    return plot_bars(out, &p, err);
}

static void page_tiles(const struct affinity_evaluation *e, struct buf *out)
{
    const struct contender *best =
        &e->contenders[e->contenders[CONTENDER_SERVING].took_part ? CONTENDER_SERVING
                                                                  : CONTENDER_TRAINED];
    const struct contender *popular = &e->contenders[CONTENDER_POPULAR];
    char value[64];
    char label[128];
    report_tiles_begin(out);
    (void)snprintf(value, sizeof value, "%.1f %%", 100 * best->recall[TASK_ANY].value);
    (void)snprintf(
        label, sizeof label,
        "of what shoppers chose next was among the first %d (popularity: %.1f %%, last viewed: %.1f %%)",
        e->k, 100 * popular->recall[TASK_ANY].value,
        100 * e->contenders[CONTENDER_VIEWED].recall[TASK_ANY].value);
    report_tile(out, value, label);
    (void)snprintf(value, sizeof value, "%.1f %%", 100 * best->recall[TASK_NEW].value);
    (void)snprintf(label, sizeof label,
                   "of the choices that were new to them (popularity: %.1f %%)",
                   100 * popular->recall[TASK_NEW].value);
    report_tile(out, value, label);
    (void)snprintf(value, sizeof value, "%.0f %%", 100 * best->spread.coverage);
    (void)snprintf(label, sizeof label, "of the %d products were shown to somebody", e->items);
    report_tile(out, value, label);
    (void)snprintf(value, sizeof value, "%d", e->cases[TASK_ANY]);
    report_tile(out, value, "shoppers were ranked for");
    report_tiles_end(out);
}

static void say_difference(const struct affinity_evaluation *e, const char *name, const char *other,
                           const struct interval *difference, struct buf *out)
{
    const char *how = difference->low > 0    ? "ranks better than"
                      : difference->high < 0 ? "ranks worse than"
                                             : "cannot be told from";
    report_text(out, "\"%s\" %s %s: NDCG@%d differs by %+.4f (95 %% interval %+.4f to %+.4f).",
                name, how, other, e->k, difference->value, difference->low, difference->high);
}

/* Whether the differences to the baselines can be told from chance, in words. */
static void page_verdict(const struct affinity_evaluation *e, enum affinity_task task,
                         struct buf *out)
{
    for (int i = 0; i <= CONTENDER_SERVING; i++) {
        const struct contender *c = &e->contenders[i];
        if (c->took_part) {
            say_difference(e, c->name, "popularity", &c->gain[task], out);
        }
        if (c->took_part && task == TASK_ANY) {
            say_difference(e, c->name, "showing what was viewed last", &c->above_viewed, out);
        }
    }
}

static bool page_task(const struct affinity_evaluation *e, enum affinity_task task, struct buf *out,
                      struct err *err)
{
    report_heading(out, task == TASK_ANY ? "What will the shopper want next?"
                                         : "Products the shopper did not know yet");
    report_text(
        out, "%s",
        task == TASK_ANY
            ? "Anything a shopper put in the cart or bought later counts, also what was looked at "
              "before; what lay in the cart or was just bought is neither asked for nor shown."
            : "Only products count that the shopper had nothing to do with before, and only such are shown. "
              "Showing what was viewed last cannot answer this. Training's gate asks this question.");
    if (e->cases[task] == 0) {
        report_text(out, "Nobody chose such a product in the later window.");
        return true;
    }
    page_verdict(e, task, out);
    report_figures_begin(out);
    if (!page_bars(e, task, out, err) || !page_recall(e, task, out, err)) {
        return false;
    }
    report_figures_end(out);
    write_task(e, task, report_table_html, out);
    return true;
}

static void page_method(const struct affinity_evaluation *e, struct buf *out)
{
    report_heading(out, "How this was measured");
    report_text(out, "%s", e->serving);
    report_text(
        out,
        "The log is parted by time. Models see only what lies before the cut. Each shopper with an event after it "
        "is ranked for at the first such event, by the code that serves, and what it put in the cart or bought "
        "afterwards is what should have been shown. Products that first appeared after the cut and were not in the "
        "catalogue are left out; bots are too.");
    report_text(
        out,
        "NDCG@%d rewards right products near the top, 1 is perfect. Recall@%d is the share of the later choices "
        "among the first %d. MRR is the mean of 1 / rank of the first right product. Novelty is the mean of "
        "-log2 of the share of shoppers who already knew what was shown: 0 where everybody did. Gini is 0 where "
        "every product is shown equally often and 1 where a single one is. Intervals come from 1,000 resamples of "
        "the shoppers. \"popularity\" shows what is popular in the categories of the shopper's own products first, "
        "then overall; \"last viewed\" shows the products viewed last, then what is popular.",
        e->k, e->k, e->k);
}

static bool page_spread(const struct affinity_evaluation *e, struct buf *out, struct err *err)
{
    report_heading(out, "How much of the catalogue is shown?");
    report_figures_begin(out);
    if (!page_tail(e, out, err) || !page_coverage(e, out, err)) {
        return false;
    }
    report_figures_end(out);
    write_spread(e, report_table_html, out);
    return true;
}

static void page_new(const struct affinity_evaluation *e, struct buf *out)
{
    const struct new_products *n = &e->fresh;
    report_heading(out, "What about products that have just come?");
    if (n->cases == 0) {
        report_text(
            out,
            "The catalogue tells too little (categories, brands), or nobody chose one of the products that were held out.");
        return;
    }
    report_text(
        out,
        "Nobody has touched a new product yet, so it is placed among the others by its category, brand and price. To see what that "
        "is worth, %d of %d products were treated as if they had come at the cut: all that was done with them before was "
        "hidden from the models. %d shoppers chose one of them later. The placed ones differ from showing the category by "
        "%+.4f in NDCG@%d (95 %% interval %+.4f to %+.4f).",
        n->products, n->possible, n->cases, n->gain.value, e->k, n->gain.low, n->gain.high);
    write_new(e, report_table_html, out);
}

bool affinity_evaluation_page(const struct affinity_evaluation *e, struct buf *out, struct err *err)
{
    char subtitle[256];
    char from[CLOCK_TEXT_MAX];
    char cut[CLOCK_TEXT_MAX];
    char until[CLOCK_TEXT_MAX];
    (void)snprintf(
        subtitle, sizeof subtitle,
        "Log from %s to %s. Models learnt from what lies before %s and were judged on what came after.",
        evaluate_time_text(e->from_us, from), evaluate_time_text(e->until_us, until),
        evaluate_time_text(e->cut_us, cut));
    report_begin(out, "How well do the recommendations fit?", subtitle);
    page_tiles(e, out);
    for (int task = 0; task < TASKS; task++) {
        if (!page_task(e, task, out, err)) {
            return false;
        }
    }
    if (!page_spread(e, out, err)) {
        return false;
    }
    page_new(e, out);
    page_method(e, out);
    report_end(out, "Made by cartwright evaluate affinity.");
    return true;
}
