/* /v1/outreach: asks for a decision, and shows those that were made. Asking twice is harmless: a
 * decision's primary key is (lane, key, subject, round, step), so an Idempotency-Key adds nothing; it is
 * accepted, for clients that always send one. */
#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "domain/shop/event.h"
#include "domain/shop/event_hints.h"
#include "domain/shop/placeholder.h"
#include "http/api/router.h"
#include "http/wire/respond.h"
#include "outreach/outreach.h"

static int has(const json_t *doc, const char *member)
{
    return json_object_get(doc, member) != NULL ? 1 : 0;
}

CAN_FAIL static bool read_request(json_t *doc, struct arena *a, struct outreach_request *out,
                                  struct err *err)
{
    struct jdec d = jdec_root(doc, err);
    struct outreach_request r = {
        .customer_id = jdec_id_opt(&d, "customer_id", EVENT_ID_MAX, a),
        .anonymous_id = jdec_id_opt(&d, "anonymous_id", EVENT_ID_MAX, a),
        .cart_id = jdec_id_opt(&d, "cart_id", EVENT_ID_MAX, a),
        .dry_run = jdec_bool_opt(&d, "dry_run", NULL),
    };
    bool has_at = false;

    d.hint = event_member_hint;
    r.at_us = jdec_time_opt(&d, "at", &has_at);
    /* what would have been said at another time can be asked for, but not sent now */
    if (has_at && !r.dry_run) {
        jdec_refuse(&d, "at", "goes with dry_run only");
    }
    if (has_at && r.at_us < EVENT_OCCURRED_MIN_US) {
        jdec_refuse(&d, "at", "must not lie before 2000-01-01");
    }
    bool good = jdec_end(&d);
    /* Behind what is misspelt, which says more. By what is there: one that is no text has been refused, and is named all the same. */
    const int people = has(doc, "customer_id") + has(doc, "anonymous_id");
    if (people > 1 || people + has(doc, "cart_id") == 0) {
        jdec_refuse(&d, NULL,
                    "needs one of customer_id, anonymous_id and cart_id, or cart_id beside one of "
                    "the other two");
        good = false;
    }
    if (!good) {
        return false;
    }
    *out = r;
    return true;
}

CAN_FAIL bool api_outreach_post(struct request *rq, struct err *err)
{
    CLEANUP(jdec_free) json_t *doc = NULL;
    const struct app *app = rq->app;
    struct outreach_request request;
    enum outreach_outcome outcome = OUTREACH_UNKNOWN;

    if (!request_json(rq, &doc)) {
        return true;
    }
    /* One huge shopper of that name may be left from before such ids were refused: it is nobody to write to. Both,
     * whatever the first finds: the sender learns of all at once. */
    bool real_ids =
        placeholders_refuse(jval_of_tree(doc), app->config->ids_allowed, &rq->arena, err);
    if (!read_request(doc, &rq->arena, &request, err) || !real_ids) {
        return false;
    }
    struct buf body = buf_make(ANSWER_MAX);
    if (!outreach_ask(&app->outreach, &request, &rq->arena, &body, &outcome, err)) {
        buf_free(&body);
        return false;
    }
    if (outcome == OUTREACH_UNKNOWN) {
        buf_free(&body);
        return FAIL(err, ERR_NOT_FOUND, "no such %s",
                    request.customer_id == NULL && request.anonymous_id == NULL
                        ? "cart"
                        : "shopper was ever seen");
    }
    if (outcome == OUTREACH_SHARED) {
        buf_free(&body);
        return FAIL_AT(err, ERR_CONFLICT, "/cart_id",
                       "is of carts of several people: send customer_id or anonymous_id beside it");
    }
    /* 201 only to the request that stored the decision; asked again, it is the same with 200 */
    answer_json(rq, outcome == OUTREACH_NEW ? 201 : 200, &body);
    return true;
}

CAN_FAIL static bool read_back(struct request *rq, bool why, struct err *err)
{
    struct buf body = buf_make(ANSWER_MAX);
    bool found = false;

    if (!outreach_read(&rq->app->outreach, rq->id, why, &rq->arena, &body, &found, err)) {
        buf_free(&body);
        return false;
    }
    if (!found) {
        buf_free(&body);
        return FAIL(err, ERR_NOT_FOUND, "there is no outreach with this id");
    }
    answer_json(rq, 200, &body);
    return true;
}

CAN_FAIL bool api_outreach_get(struct request *rq, struct err *err)
{
    return read_back(rq, false, err);
}

CAN_FAIL bool api_outreach_why(struct request *rq, struct err *err)
{
    return read_back(rq, true, err);
}
