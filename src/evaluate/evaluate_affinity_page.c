/* The page about affinity: what its plots and texts say. Measures nothing. */
#include "evaluate/evaluate_affinity_page.h"

#include "evaluate/evaluate_affinity_table.h"
#include "evaluate/report_plot.h"

#include <stdio.h>

static const int colours[CONTENDERS_DRAWN] = {0, 2, 4, 1};

static bool page_bars(const struct affinity_evaluation *e, enum affinity_task task, struct buf *out,
                      struct err *err)
{
    struct plot_bar bars[CONTENDERS_DRAWN];
    char title[48];
    int count = 0;
    for (int i = 0; i < CONTENDERS_DRAWN; i++) {
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
    struct plot_series series[CONTENDERS_DRAWN];
    double k[CURVE_MAX];
    int count = 0;
    for (int i = 0; i < e->curve; i++) {
        k[i] = i + 1;
    }
    for (int i = 0; i < CONTENDERS_DRAWN; i++) {
        const struct contender *c = &e->contenders[i];
        if (contender_answers(c, task)) {
            series[count++] = plot_line(c->name, colours[i], e->curve, k, c->recall_at[task]);
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
    struct plot_series series[CONTENDERS_DRAWN + 1];
    double share[CONCENTRATION_POINTS];
    int count = 0;
    for (int i = 0; i < CONCENTRATION_POINTS; i++) {
        share[i] = (double)i / (CONCENTRATION_POINTS - 1);
    }
    for (int i = 0; i < CONTENDERS_DRAWN; i++) {
        const struct contender *c = &e->contenders[i];
        if (c->took_part) {
            series[count++] =
                plot_line(c->name, colours[i], CONCENTRATION_POINTS, share, c->concentration);
        }
    }
    series[count++] =
        plot_line("what shoppers chose", 3, CONCENTRATION_POINTS, share, e->chosen_concentration);
    const struct plot p = {
        .title = "The long tail",
        .caption =
            "Products from the best known to the least. A curve that leaps up shows the same few to everybody; "
            "a good one runs close to what shoppers chose.",
        .x = plot_shares("share of the catalogue, best known first"),
        .y = plot_shares("share of what was shown"),
        .series = series,
        .series_count = count,
        .diagonal = true,
    };
    return plot_xy(out, &p, err);
}

static bool page_coverage(const struct affinity_evaluation *e, struct buf *out, struct err *err)
{
    struct plot_bar bars[CONTENDERS_DRAWN];
    int count = 0;
    for (int i = 0; i < CONTENDERS_DRAWN; i++) {
        const struct contender *c = &e->contenders[i];
        if (c->took_part) {
            /* Without an interval: it is of all lists together, and no shopper has a value of its
             * own that could be drawn. */
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
              "before; what lay in the cart or was bought within 30 days is neither asked for nor shown."
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
    affinity_write_task(e, task, report_table_html, out);
    return true;
}

static void page_method(const struct affinity_evaluation *e, struct buf *out)
{
    evaluate_page_method(&e->heading, out);
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
    affinity_write_spread(e, report_table_html, out);
    if (e->contenders[CONTENDER_BY_SCORE].took_part) {
        report_text(
            out,
            "Picks are spread: behind the first, a product that hardly anybody would be shown may pass others of up to "
            "twice its score, for those whom it suits best. The last table holds that against the same model by score alone. %d shoppers "
            "came after the cut; lists of %d for all of them can show %.0f %% of the catalogue at most.",
            e->lists, e->k, 100 * affinity_most_coverage(e, e->k));
    }
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
    affinity_write_new(e, report_table_html, out);
}

bool affinity_evaluation_page(const struct affinity_evaluation *e, struct buf *out, struct err *err)
{
    evaluate_page_begin(&e->heading, "How well do the recommendations fit?", out);
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
    evaluate_page_end(&e->heading, out);
    return true;
}
