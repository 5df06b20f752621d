/* From a decision to the row that is stored and shown. Must not decide: the rules do, once more where the catalogue has the last word. */
#include "outreach/tell.h"

#include "base/cleanup.h"
#include "domain/shop/local_time.h"
#include "domain/speak/cart_today.h"
#include "domain/speak/message.h"
#include "outreach/answer.h"
#include "store/products.h"

/* More than a cart of CART_LINES_MAX lines and as many adjustments takes, each with three ids and a title as long as they may be. */
enum { TEXT_MAX_BYTES = 64 << 20 };

/* NULL where it is cut off. */
static const char *whole(const struct buf *text, struct arena *a)
{
    return buf_ok(text) ? arena_strdup(a, buf_text(text)) : NULL;
}

/* What the words are about: the catalogue's entries. */
struct shown {
    const struct product *lines; /* of the cart's lines, in order */
    struct shown_picks picks;
};

/* Before it is known whether the picks can be shown: asking for a few too many rows is cheaper than
 * asking twice while lanes are held. */
const char **outreach_tell_ids(const struct decided *d, struct arena *a, size_t *out_count)
{
    const size_t lines = d->cart != NULL ? d->cart->line_count : 0;
    const char **ids = arena_array(a, lines + d->picks.id_count, sizeof *ids);

    for (size_t i = 0; i < lines; i++) {
        ids[i] = d->cart->lines[i].product_id;
    }
    for (size_t i = 0; i < d->picks.id_count; i++) {
        ids[lines + i] = d->picks.ids[i];
    }
    *out_count = lines + d->picks.id_count;
    return ids;
}

static bool look_up(struct db *db, const struct decided *d, struct arena *a,
                    const struct product **out, struct err *err)
{
    size_t count;
    const char **ids = outreach_tell_ids(d, a, &count);
    struct product *products = arena_array(a, count, sizeof *products);

    if (count > 0 && !store_products_read(db, ids, count, a, products, err)) {
        return false;
    }
    *out = products;
    return true;
}

static const char *compose(const struct decided *d, const struct shown *shown, struct arena *a)
{
    CLEANUP(buf_free) struct buf text = buf_make(TEXT_MAX_BYTES);
    const struct config *config = d->terms->config;

    message_compose(
        &(struct message_input){
            .cart = d->cart,
            .line_products = shown->lines,
            .picks = &shown->picks.picks,
            .pick_products = shown->picks.products,
            .because_products = shown->picks.because,
            .reader = answer_reader(config, d->gathered->view.shopper),
            .shop_name = config->shop_name,
            .shop_url = config->shop_url,
            /* An id that can be asked for only where there is a row. */
            .outreach_id = d->gathered->subject.dry_run ? NULL : d->outreach_id,
            .expires_us = d->gathered->now_us + config->message_lifetime,
        },
        &text);
    return whole(&text, a);
}

/* Scores, models, recommendations, cart and rules: part of every answer about the decision. */
static const char *summarize(const struct decided *d, const struct shown *shown, struct arena *a)
{
    CLEANUP(buf_free) struct buf text = buf_make(TEXT_MAX_BYTES);
    struct jenc j = jenc_begin(&text);
    const struct config *config = d->terms->config;
    const struct shopper *shopper = d->gathered->view.shopper;
    const struct cart_clock clock = cart_clock_of(config);
    const struct message_reader reader = answer_reader(config, shopper);

    jenc_object(&j, NULL);
    jenc_str(&j, "reason_text",
             d->decision.send ? "the risk of losing the cart is high enough to speak"
                              : d->decision.rules[d->decision.reason].detail);
    if (d->decision.look_again_us != 0) {
        jenc_time(&j, "look_again_at", d->decision.look_again_us);
    }
    answer_risk(&j, &d->score, &reader);
    answer_picks(&j, d->terms->models->affinity, &shown->picks, &reader);
    answer_cart(&j, d->cart, shopper, shown->lines, &clock, d->gathered->now_us);
    answer_rules(&j, &d->decision);
    jenc_object_end(&j);
    return whole(&text, a);
}

/* What the summary was computed from. log_offset is what makes a decision repeatable: the log up to
 * there is what was known. */
static const char *explain(const struct decided *d, struct arena *a)
{
    CLEANUP(buf_free) struct buf text = buf_make(TEXT_MAX_BYTES);
    struct jenc j = jenc_begin(&text);

    jenc_object(&j, NULL);
    jenc_time(&j, "at", d->gathered->now_us);
    jenc_i64(&j, "lane", d->gathered->view.lane);
    jenc_i64(&j, "log_offset", d->gathered->view.last_off);
    jenc_str(&j, "tzdata", local_time_version());
    if (d->cart != NULL) {
        answer_features(&j, &d->x);
        answer_contributions(&j, &d->score);
    }
    jenc_object_end(&j);
    return whole(&text, a);
}

bool outreach_gone(struct db *db, const struct decided *d, struct arena *a, bool *out,
                   struct err *err)
{
    const struct product *products;

    if (!look_up(db, d, a, &products, err)) {
        return false;
    }
    *out = cart_gone(d->cart, products);
    return true;
}

bool outreach_tell(struct db *db, const struct decided *decided, const struct product *products,
                   struct arena *a, struct outreach_row *out, struct err *err)
{
    const struct cart *cart = decided->cart;
    struct shown shown = {.lines = products};

    if (products == NULL && !look_up(db, decided, a, &shown.lines, err)) {
        return false;
    }
    const struct decided in_stock = outreach_in_stock(decided, shown.lines);
    const struct decided *d = &in_stock;
    /* Behind the lines stand the picks. Those sold out since the models' shelf was filled make room
     * for the next best. */
    struct picks_asked asked = d->picks;
    asked.want.beside = shown.lines;
    asked.want.beside_count = cart != NULL ? cart->line_count : 0;
    if (cart != NULL &&
        !picks_answer(db, &asked, shown.lines + cart->line_count, a, &shown.picks, err)) {
        return false;
    }
    *out = (struct outreach_row){
        .lane = d->gathered->view.lane,
        .subject = cart != NULL ? d->subject : NULL,
        .cart_id = cart != NULL ? cart->id : NULL,
        .round = cart != NULL ? (int32_t)cart->round : 0,
        .step = d->step,
        .outreach_id = d->outreach_id,
        .key = d->gathered->view.key,
        .decision = d->decision.send ? "send" : "silence",
        .reason = rule_name(d->decision.reason),
        .decided_us = d->gathered->now_us,
        .summary = summarize(d, &shown, a),
        /* a dry run stores nothing that could be asked why */
        .why = d->gathered->subject.dry_run ? NULL : explain(d, a),
        /* a silence has none, which the table checks */
        .message = d->decision.send ? compose(d, &shown, a) : NULL,
        .cart_digest = d->cart_digest,
    };
    if (out->summary == NULL || (out->why == NULL && !d->gathered->subject.dry_run) ||
        (out->message == NULL && d->decision.send)) {
        return FAIL(err, ERR_INTERNAL, "what is to be said about this cart is too long");
    }
    return true;
}
