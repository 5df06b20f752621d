/* Reading of the log, and the frame around the figures. What is measured stands in evaluate_affinity.c and evaluate_risk.c. */
#include "evaluate/evaluate_common.h"

#include "evaluate/report.h"

#include <stdio.h>

char *evaluate_time_text(int64_t us, char out[CLOCK_TEXT_MAX])
{
    char text[CLOCK_TEXT_MAX];
    clock_format_rfc3339(us - us % MINUTES(1), text);
    (void)snprintf(out, CLOCK_TEXT_MAX, "%.10s %.5s UTC", text, text + 11);
    return out;
}

static bool cut_check(const struct training *t, int64_t cut_us, struct err *err)
{
    char from[CLOCK_TEXT_MAX];
    char until[CLOCK_TEXT_MAX];
    /* What lies at the cut belongs to the later window: a cut at first_us would leave nothing to
     * learn from, one at last_us still leaves something to judge. */
    return cut_us == INT64_MIN || (cut_us > t->log.first_us && cut_us <= t->log.last_us) ||
           FAIL(err, ERR_REFUSED, "too little to judge: the cut must lie within the log, %s to %s",
                evaluate_time_text(t->log.first_us, from),
                evaluate_time_text(t->log.last_us, until));
}

bool evaluate_read_log(struct training *t, const struct evaluate_options *o, train_key_fn *fn,
                       void *ctx, struct err *err)
{
    if (!train_log_read(t->db, o->as_of_us, fn, ctx, &t->log, err) ||
        !cut_check(t, o->cut_us, err)) {
        return false;
    }
    train_say(t, "log", "%lld events of %lld shoppers", (long long)t->log.events,
              (long long)t->log.shoppers);
    return true;
}

/* A champion whose log reaches beyond the cut has seen answers of the later window: its figures would be those of its training,
 * not of what it foretells. */
void evaluate_serving(struct evaluate_heading *h, const struct champion *champion,
                      const char *baseline, bool judged, char name[CONTENDER_NAME_MAX])
{
    const size_t size = sizeof h->serving;
    char until[CLOCK_TEXT_MAX];
    evaluate_time_text(champion->as_of_us, until);
    /* First, whatever its age: a baseline is judged already, as a contender of its own. */
    if (!champion->found) {
        (void)snprintf(h->serving, size, "No model serves that this build can read.");
    } else if (champion->is_baseline) {
        (void)snprintf(h->serving, size, "%s serves: a %s, as in the table.", champion->version,
                       baseline);
    } else if (judged && champion->as_of_us == 0) {
        (void)snprintf(
            h->serving, size,
            "%s serves. It is built in, nothing of it was learnt from this log, and is judged.",
            champion->version);
        (void)snprintf(name, CONTENDER_NAME_MAX, "%.60s, serving", champion->version);
    } else if (judged) {
        (void)snprintf(
            h->serving, size,
            "%s serves. It was trained on events up to %s, before the cut, and is judged.",
            champion->version, until);
        (void)snprintf(name, CONTENDER_NAME_MAX, "%.60s, serving", champion->version);
    } else if (champion->as_of_us > h->cut_us) {
        (void)snprintf(
            h->serving, size,
            "%s serves. It was trained on events up to %s, which lie after the cut, so judging it here would "
            "be unfair; what stands in the table was trained in the same way before the cut.",
            champion->version, until);
    } else {
        (void)snprintf(h->serving, size,
                       "%s serves, but foretells another horizon than what is measured here.",
                       champion->version);
    }
}

void evaluate_heading_text(const struct evaluate_heading *h, struct buf *out)
{
    char from[CLOCK_TEXT_MAX];
    char cut[CLOCK_TEXT_MAX];
    char until[CLOCK_TEXT_MAX];
    buf_printf(out, "log from %s to %s, cut at %s\n%s\n", evaluate_time_text(h->from_us, from),
               evaluate_time_text(h->until_us, until), evaluate_time_text(h->cut_us, cut),
               h->serving);
}

void evaluate_heading_json(const struct evaluate_heading *h, struct jenc *j)
{
    jenc_object(j, NULL);
    jenc_str(j, "kind", h->kind);
    jenc_time(j, "from", h->from_us);
    jenc_time(j, "cut", h->cut_us);
    jenc_time(j, "as_of", h->until_us);
}

void evaluate_json_interval(struct jenc *j, const char *key, const struct interval *i)
{
    jenc_object(j, key);
    jenc_f64(j, "value", i->value);
    jenc_f64(j, "low", i->low);
    jenc_f64(j, "high", i->high);
    jenc_object_end(j);
}

void evaluate_page_begin(const struct evaluate_heading *h, const char *title, struct buf *out)
{
    char subtitle[256];
    char from[CLOCK_TEXT_MAX];
    char cut[CLOCK_TEXT_MAX];
    char until[CLOCK_TEXT_MAX];
    (void)snprintf(
        subtitle, sizeof subtitle,
        "Log from %s to %s. Models learnt from what lies before %s and were judged on what came after.",
        evaluate_time_text(h->from_us, from), evaluate_time_text(h->until_us, until),
        evaluate_time_text(h->cut_us, cut));
    report_begin(out, title, subtitle);
}

void evaluate_page_method(const struct evaluate_heading *h, struct buf *out)
{
    report_heading(out, "How this was measured");
    report_text(out, "%s", h->serving);
}

void evaluate_page_end(const struct evaluate_heading *h, struct buf *out)
{
    char footer[64];
    (void)snprintf(footer, sizeof footer, "Made by cartwright evaluate %s.", h->kind);
    report_end(out, footer);
}
