/* JSON of shoppers, carts, scores and outreaches. Must not read or decide anything. */
#include "outreach/answer.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/risk/risk_prior.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "domain/speak/reasons.h"

#include <math.h>
#include <string.h>

enum { TEXT_MAX = 4000 };

static void put_money(struct jenc *j, const char *key, int64_t minor, const char *currency)
{
    /* An amount without a currency is no amount: better none than one to be misread. */
    if (minor == MONEY_UNKNOWN || currency[0] == '\0') {
        jenc_null(j, key);
        return;
    }
    jenc_object(j, key);
    jenc_i64(j, "amount_minor", minor);
    jenc_str(j, "currency", currency);
    jenc_object_end(j);
}

static void put_line_ids(struct jenc *j, const struct cart_line *line)
{
    jenc_str(j, "product_id", line->product_id);
    jenc_str_opt(j, "variant_id", line->variant_id);
    jenc_str_opt(j, "line_id", line->line_id);
}

static void put_line(struct jenc *j, const struct cart_line *line, const struct product *p)
{
    jenc_object(j, NULL);
    put_line_ids(j, line);
    jenc_str_opt(j, "title", p->title);
    quantity_put(j, "quantity", line->quantity_milli);
    put_money(j, "price", line->price_minor, line->currency);
    jenc_object_end(j);
}

/* As it was sent, with the sign: whoever adds it all up comes to the total. */
static void put_adjustment(struct jenc *j, const struct cart_line *line)
{
    jenc_object(j, NULL);
    put_line_ids(j, line);
    quantity_put(j, "quantity", line->quantity_milli);
    jenc_object(j, "price");
    jenc_i64(j, "amount_minor", -line->price_minor);
    jenc_str(j, "currency", line->currency);
    jenc_object_end(j);
    jenc_object_end(j);
}

void answer_cart(struct jenc *j, const struct cart *c, const struct shopper *s,
                 const struct product *products, const struct cart_clock *clock, int64_t now_us)
{
    int64_t total;
    char currency[4] = "";

    if (c == NULL) {
        jenc_null(j, "cart");
        return;
    }
    jenc_object(j, "cart");
    jenc_str(j, "cart_id", c->id);
    jenc_i64(j, "round", c->round);
    jenc_str(j, "state", cart_state_name(cart_state(c, s->last_us, clock, now_us)));
    jenc_time(j, "opened_at", c->opened_us);
    jenc_time(j, "changed_at", c->changed_us);
    jenc_time(j, "seen_at", s->last_us);
    put_money(j, "total", cart_total(c, &total, currency) ? total : MONEY_UNKNOWN, currency);
    jenc_bool(j, "imported", c->imported);
    jenc_array(j, "items");
    for (size_t i = 0; i < c->line_count; i++) {
        put_line(j, &c->lines[i], &products[i]);
    }
    jenc_array_end(j);
    jenc_array(j, "adjustments");
    for (size_t i = 0; i < c->adjustment_count; i++) {
        put_adjustment(j, &c->adjustments[i]);
    }
    jenc_array_end(j);
    jenc_object_end(j);
}

/* By the clock that cart_state goes by. */
static int64_t abandoned_us(const struct shopper *s, const struct cart *c,
                            const struct cart_clock *clock)
{
    return (s->last_us > c->changed_us ? s->last_us : c->changed_us) + clock->abandoned_after_us;
}

struct answer_score answer_score_of(const struct risk *model, const struct shopper *s,
                                    const struct cart *c, int64_t now_us,
                                    const struct feature_context *context,
                                    const struct score_terms *terms, struct features *x)
{
    struct answer_score score = {.model = model, .x = x, .probability = (double)NAN};

    features_of(s, c, now_us, context, x); /* also without a model: "why" shows them */
    if (model != NULL) {
        score.probability = risk_probability(model, x);
        score.curve_count = risk_curve(model, s, c, now_us, context, score.curve);
        score.outlook = risk_outlook_of(score.curve, score.curve_count, terms->threshold,
                                        abandoned_us(s, c, &terms->clock));
    }
    return score;
}

static void put_outlook(struct jenc *j, const struct answer_score *score)
{
    jenc_bool(j, "too_early", score->outlook.too_early);
    if (score->outlook.look_again_us != 0) {
        jenc_time(j, "look_again_at", score->outlook.look_again_us);
    } else {
        jenc_null(j, "look_again_at");
    }
    jenc_array(j, "curve");
    for (int i = 0; i < score->curve_count; i++) {
        jenc_object(j, NULL);
        jenc_time(j, "at", score->curve[i].at_us);
        jenc_f64(j, "probability", score->curve[i].probability);
        jenc_object_end(j);
    }
    jenc_array_end(j);
}

/* A score that was published and not learnt says how far apart the studies are. */
static void put_range(struct jenc *j, const struct answer_score *score)
{
    double low;
    double high;

    if (risk_prior_range(score->model, score->x, &low, &high)) {
        jenc_object(j, "range");
        jenc_f64(j, "low", low);
        jenc_f64(j, "high", high);
        jenc_object_end(j);
    }
}

/* How the score spreads over the time ahead. */
static void put_horizons(struct jenc *j, const struct answer_score *score)
{
    struct risk_within points[RISK_AHEAD_INTERVALS];
    char within[CLOCK_TEXT_MAX];
    const int count = risk_ahead(score->model, score->x, points);

    jenc_array(j, "by_horizon");
    for (int i = 0; i < count; i++) {
        jenc_object(j, NULL);
        jenc_str(j, "within", clock_format_duration(points[i].within_us, within));
        jenc_f64(j, "no_purchase", points[i].no_purchase);
        jenc_object_end(j);
    }
    jenc_array_end(j);
}

/* What a person would say of it. */
static void put_reasons(struct jenc *j, const struct answer_score *score,
                        const struct message_reader *reader)
{
    CLEANUP(speech_end) struct speech speech;
    double contributions[FEATURE_COUNT];
    struct told_reason told[TOLD_REASONS_MAX];
    int count = 0;

    if (risk_contributions(score->model, score->x, contributions)) {
        count = reasons_choose(score->x, contributions, told);
    }
    speech_begin(&speech, reader->locale, reader->shop_locale, reader->informal);
    jenc_array(j, "reasons");
    for (int i = 0; i < count; i++) {
        CLEANUP(buf_free) struct buf text = buf_make(TEXT_MAX);
        const struct feature_def *feature = feature_def(told[i].feature);
        reason_say(&told[i], score->x, &speech, &text);
        jenc_object(j, NULL);
        jenc_str(j, "group", feature_group_name(feature->group));
        jenc_str(j, "feature", feature->name);
        jenc_str(j, "effect", told[i].contribution > 0 ? "raises" : "lowers");
        jenc_f64(j, "contribution", told[i].contribution);
        jenc_str(j, "text", buf_text(&text));
        jenc_object_end(j);
    }
    jenc_array_end(j);
}

void answer_risk(struct jenc *j, const struct answer_score *score,
                 const struct message_reader *reader)
{
    char horizon[CLOCK_TEXT_MAX];

    if (score->model == NULL || score->x == NULL) {
        jenc_null(j, "risk");
        return;
    }
    jenc_object(j, "risk");
    jenc_f64(j, "probability", score->probability);
    jenc_str(j, "horizon", clock_format_duration(risk_horizon_us(score->model), horizon));
    jenc_str(j, "model", risk_version(score->model));
    jenc_str(j, "algorithm", risk_algorithm(score->model));
    put_range(j, score);
    put_outlook(j, score);
    put_horizons(j, score);
    put_reasons(j, score, reader);
    jenc_object_end(j);
}

void answer_contributions(struct jenc *j, const struct answer_score *score)
{
    double features[FEATURE_COUNT];
    double groups[GROUP_COUNT] = {0};

    if (score->model == NULL || score->x == NULL ||
        !risk_contributions(score->model, score->x, features)) {
        jenc_null(j, "contributions");
        return;
    }
    for (int i = 0; i < FEATURE_COUNT; i++) {
        groups[feature_def((enum feature_id)i)->group] += features[i];
    }
    jenc_object(j, "contributions");
    jenc_f64(j, "usual", risk_usual_logit(score->model));
    jenc_object(j, "groups");
    for (int i = 0; i < GROUP_COUNT; i++) {
        jenc_f64(j, feature_group_name((enum feature_group)i), groups[i]);
    }
    jenc_object_end(j);
    jenc_object(j, "features");
    for (int i = 0; i < FEATURE_COUNT; i++) {
        jenc_f64(j, feature_def((enum feature_id)i)->name, features[i]);
    }
    jenc_object_end(j);
    jenc_object_end(j);
}

static void put_pick(struct jenc *j, const struct shown_picks *shown, int i,
                     const struct message_reader *reader)
{
    const struct pick *pick = &shown->picks.items[i];
    const struct product *p = &shown->products[i];
    struct buf reason = buf_make(TEXT_MAX);

    message_pick_reason(reader, pick, &shown->because[i], &reason);
    jenc_object(j, NULL);
    jenc_str(j, "product_id", pick->product_id);
    jenc_str_opt(j, "title", p->title);
    put_money(j, "price", p->price_minor, p->currency);
    jenc_f64(j, "score", pick->score);
    jenc_str(j, "source", pick_source_name(pick->source));
    jenc_str_opt(j, "relation", pick_relation_name(pick->relation));
    jenc_str_opt(j, "because", pick->because);
    jenc_str_opt(j, "because_is", pick_tie_name(pick->tie));
    jenc_str(j, "reason", buf_text(&reason));
    jenc_object_end(j);
    buf_free(&reason);
}

struct message_reader answer_reader(const struct config *config, const struct shopper *shopper)
{
    return (struct message_reader){.locale = shopper->locale,
                                   .shop_locale = config->locale,
                                   .informal = strcmp(config->message_register, "informal") == 0};
}

void answer_picks(struct jenc *j, const struct affinity *model, const struct shown_picks *shown,
                  const struct message_reader *reader)
{
    jenc_object(j, "recommendations");
    jenc_str(j, "model", model != NULL ? affinity_version(model) : NULL);
    jenc_str(j, "algorithm", model != NULL ? affinity_algorithm(model) : NULL);
    jenc_array(j, "items");
    for (int i = 0; i < shown->picks.count; i++) {
        put_pick(j, shown, i, reader);
    }
    jenc_array_end(j);
    jenc_object_end(j);
}

void answer_rules(struct jenc *j, const struct decision *d)
{
    jenc_array(j, "rules");
    for (int i = 0; i < RULE_COUNT; i++) {
        jenc_object(j, NULL);
        jenc_str(j, "rule", rule_name((enum rule_id)i));
        jenc_str(j, "outcome", rule_outcome_name(d->rules[i].outcome));
        jenc_str(j, "detail", d->rules[i].detail);
        jenc_object_end(j);
    }
    jenc_array_end(j);
}

void answer_features(struct jenc *j, const struct features *x)
{
    jenc_object(j, "features");
    for (int i = 0; i < FEATURE_COUNT; i++) {
        const struct feature_def *def = feature_def((enum feature_id)i);
        if (def->kind == FEATURE_ID) {
            jenc_str_opt(j, def->name, x->ids[i]);
        } else if (!isnan(x->values[i])) { /* JSON has no NaN, and 0 would be a lie */
            jenc_f64(j, def->name, x->values[i]);
        }
    }
    jenc_object_end(j);
}

/* Stored as JSON and put in as it was written: asking again gets the same bytes. */
static void put_message(struct jenc *j, const char *message)
{
    if (message != NULL) {
        jenc_raw(j, "message", message, strlen(message));
    } else {
        jenc_null(j, "message");
    }
}

/* All up to the message. */
static void put_head(struct jenc *j, const struct outreach_row *row, bool dry_run)
{
    /* An id that can be asked for only where there is a row. */
    jenc_str(j, "outreach_id", dry_run ? NULL : row->outreach_id);
    jenc_str(j, "decision", row->decision);
    jenc_str(j, "reason", row->reason);
    jenc_bool(j, "dry_run", dry_run);
    jenc_time(j, "decided_at", row->decided_us);
    jenc_str(j, row->key[0] == 'c' ? "customer_id" : "anonymous_id", row->key + 2);
    jenc_str(j, "cart_id", row->cart_id);
    if (row->cart_id != NULL) {
        jenc_i64(j, "round", row->round);
        jenc_i64(j, "step", row->step);
    }
}

void answer_outreach(const struct outreach_row *row, bool dry_run, struct buf *out)
{
    struct jenc j = jenc_begin(out);

    jenc_object(&j, NULL);
    put_head(&j, row, dry_run);
    put_message(&j, row->message);
    jenc_members(&j, row->summary);
    jenc_object_end(&j);
}

void answer_withdrawn(const struct outreach_row *row, enum rule_id by, struct buf *out)
{
    struct jenc j = jenc_begin(out);

    jenc_object(&j, NULL);
    put_head(&j, row, false);
    put_message(&j, NULL);
    jenc_object(&j, "withdrawn");
    jenc_str(&j, "reason", rule_name(by));
    jenc_str(&j, "text", rule_words(by));
    jenc_object_end(&j);
    jenc_members(&j, row->summary);
    jenc_object_end(&j);
}

void answer_why(const struct outreach_row *row, struct buf *out)
{
    struct jenc j = jenc_begin(out);

    jenc_object(&j, NULL);
    jenc_str(&j, "outreach_id", row->outreach_id);
    jenc_str(&j, "decision", row->decision);
    jenc_str(&j, "reason", row->reason);
    jenc_time(&j, "decided_at", row->decided_us);
    jenc_members(&j, row->summary);
    jenc_members(&j, row->why);
    jenc_object_end(&j);
}
