/* Simulated events as native JSON, over the public API like any shop's back end. */
#include "sim/sim_post.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/json/jdec.h"
#include "base/mem.h"
#include "base/stop.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 500, BODY_MAX = 8 << 20, TRIES_MAX = 20, IDENTIFY_AFTER = 2 };

struct sim_client {
    CURL *curl;
    struct curl_slist *headers;
    char *url;
    struct buf answer;
};

bool sim_client_open(const char *url, const char *key, struct sim_client **out, struct err *err)
{
    struct sim_client *c = mem_alloc(sizeof *c);

    c->url = mem_strdup(url);
    c->answer = buf_make(BODY_MAX);
    c->curl = curl_easy_init();
    if (c->curl == NULL) {
        sim_client_close(&c);
        return FAIL(err, ERR_INTERNAL, "libcurl could not start");
    }
    c->headers = curl_slist_append(c->headers, "Content-Type: application/json");
    /* empty, or libcurl would ask for 100-continue before large bodies, and wait for it */
    c->headers = curl_slist_append(c->headers, "Expect:");
    if (key != NULL) {
        char header[300];
        (void)snprintf(header, sizeof header, "Authorization: Bearer %s", key);
        c->headers = curl_slist_append(c->headers, header);
    }
    *out = c;
    return true;
}

void sim_client_close(struct sim_client **c)
{
    if (*c == NULL) {
        return;
    }
    curl_slist_free_all((*c)->headers);
    curl_easy_cleanup((*c)->curl);
    buf_free(&(*c)->answer);
    mem_free(&(*c)->url);
    mem_free(c);
}

static size_t receive(char *data, size_t size, size_t count, void *ctx)
{
    struct buf *answer = ctx;

    buf_add(answer, data, size * count);
    /* any other number makes libcurl give up */
    return buf_ok(answer) ? size * count : 0;
}

static bool post_once(struct sim_client *c, const char *path, const struct buf *body,
                      long *out_status, struct err *err)
{
    char url[600];

    (void)snprintf(url, sizeof url, "%s%s", c->url, path);
    buf_reset(&c->answer);
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, buf_text(body));
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)body->len);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &c->answer);
    /* Time-outs by alarm would interrupt whatever this program does elsewhere. */
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, 60L);
    CURLcode code = curl_easy_perform(c->curl);
    if (code != CURLE_OK) {
        return FAIL(err, ERR_UPSTREAM, "%.120s: %s%s", url, curl_easy_strerror(code),
                    code == CURLE_COULDNT_CONNECT
                        ? "; is `cartwright serve` running, and does it listen there (--url)?"
                        : "");
    }
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, out_status);
    return true;
}

/* Posts, waits out 503, parses the answer (caller frees). */
static bool post(struct sim_client *c, const char *path, const struct buf *body, json_t **out,
                 struct err *err)
{
    long status = 0;

    for (int i = 0; i < TRIES_MAX; i++) {
        if (!post_once(c, path, body, &status, err)) {
            return false;
        }
        /* 503 is the one answer that says "later". Posting the same body again is safe: events are
         * idempotent by event_id, products by product_id. */
        if (status != 503) {
            break;
        }
        if (stop_wait_us(SECONDS(1))) {
            return FAIL(err, ERR_BUSY, "stopped");
        }
    }
    if (status < 200 || status > 299) {
        return FAIL(err, ERR_UPSTREAM, "POST %s answered %ld: %.150s", path, status,
                    buf_text(&c->answer));
    }
    *out = jdec_parse(buf_text(&c->answer), c->answer.len, err);
    return *out != NULL;
}

bool sim_post_products(struct sim_client *c, const struct sim_world *w, struct err *err)
{
    CLEANUP(buf_free) struct buf body = buf_make(BODY_MAX);
    CLEANUP(jdec_free) json_t *answer = NULL;
    struct jenc j = jenc_begin(&body);

    /* In one request: SIM_PRODUCTS is below the default of batch_max. */
    jenc_array(&j, NULL);
    for (int i = 0; i < SIM_PRODUCTS; i++) {
        const struct sim_product *p = &w->products[i];
        char url[64];
        (void)snprintf(url, sizeof url, "https://shop.example/p/%s", p->id);
        jenc_object(&j, NULL);
        jenc_str(&j, "product_id", p->id);
        jenc_str(&j, "title", p->title);
        jenc_str(&j, "url", url);
        jenc_i64(&j, "price_minor", p->price_minor);
        jenc_str(&j, "currency", "EUR");
        jenc_str(&j, "category", sim_category(p->category));
        jenc_str(&j, "brand", p->brand);
        jenc_i64(&j, "stock", p->stock);
        jenc_object_end(&j);
    }
    jenc_array_end(&j);
    return post(c, "/v1/products", &body, &answer, err);
}

/* A known shopper's first events of every third visit come before the login. */
static bool anonymous_yet(const struct sim_shopper *s, const struct sim_event *e)
{
    return !s->known || (e->visit % 3 == 0 && e->sequence < IDENTIFY_AFTER);
}

static void put_identity(struct jenc *j, const struct sim_shopper *s, const struct sim_event *e)
{
    if (!anonymous_yet(s, e)) {
        jenc_str(j, "customer_id", s->id);
        return;
    }
    char anonymous[64];
    (void)snprintf(anonymous, sizeof anonymous, s->known ? "browser-of-%s" : "%s", s->id);
    jenc_str(j, "anonymous_id", anonymous);
}

static void put_head(struct jenc *j, const struct sim_event *e, int64_t run, const char *suffix)
{
    char id[120];

    (void)snprintf(id, sizeof id, "sim-%llx-%d-%d-%d%s", (unsigned long long)run, e->shopper,
                   e->visit, e->sequence, suffix);
    jenc_object(j, NULL);
    jenc_str(j, "event_id", id);
}

/* The login that ties the browser to the customer, just before the first event that knows the
 * customer. */
static void put_identify(struct jenc *j, const struct sim_world *w, const struct sim_event *e,
                         int64_t run)
{
    const struct sim_shopper *s = &w->shoppers[e->shopper];
    char anonymous[64];

    (void)snprintf(anonymous, sizeof anonymous, "browser-of-%s", s->id);
    put_head(j, e, run, "-login");
    jenc_str(j, "type", "identify");
    jenc_str(j, "customer_id", s->id);
    jenc_str(j, "anonymous_id", anonymous);
    /* a millisecond before the event that knows the customer: the fold sorts by occurred_at */
    jenc_time(j, "occurred_at", e->at_us - 1000);
    jenc_object_end(j);
}

static void put_item(struct jenc *j, const struct sim_product *p, int64_t quantity)
{
    jenc_object(j, NULL);
    jenc_str(j, "product_id", p->id);
    jenc_i64(j, "quantity", quantity > 0 ? quantity : 1);
    jenc_i64(j, "price_minor", p->price_minor);
    jenc_str(j, "currency", "EUR");
    jenc_object_end(j);
}

static void put_items(struct jenc *j, const struct sim_world *w, const struct sim_event *e)
{
    /* an empty snapshot has its empty list: it is what empties the cart */
    if (e->product < 0 && e->cart_count == 0 && e->type != EVENT_CART_SNAPSHOT) {
        return;
    }
    jenc_array(j, "items");
    if (e->product >= 0) {
        put_item(j, &w->products[e->product], e->quantity);
    }
    for (int i = 0; i < e->cart_count; i++) {
        put_item(j, &w->products[e->cart[i]], 1);
    }
    jenc_array_end(j);
}

/* The property each type carries its one detail in (README, "Events"). */
static const char *subject_name(enum event_type type)
{
    if (type == EVENT_PAGE_VIEWED) {
        return "page";
    }
    if (type == EVENT_SEARCHED) {
        return "query";
    }
    if (type == EVENT_CHECKOUT_STEP) {
        return "step";
    }
    return type == EVENT_PAYMENT_FAILED ? "reason" : "code";
}

static void put_properties(struct jenc *j, const struct sim_event *e)
{
    if (e->subject == NULL && e->amount_minor < 0) {
        return;
    }
    jenc_object(j, "properties");
    if (e->subject != NULL) {
        jenc_str(j, subject_name(e->type), e->subject);
    }
    if (e->amount_minor >= 0) {
        jenc_i64(j, e->type == EVENT_SHIPPING_SHOWN ? "cost_minor" : "total_minor",
                 e->amount_minor);
        jenc_str(j, "currency", "EUR");
    }
    jenc_object_end(j);
}

void sim_event_write(struct jenc *j, const struct sim_world *w, const struct sim_event *e,
                     int64_t run)
{
    const struct sim_shopper *s = &w->shoppers[e->shopper];
    char session[64];

    (void)snprintf(session, sizeof session, "visit-%d-%d", e->shopper, e->visit);
    put_head(j, e, run, e->type == EVENT_PURCHASE ? "-order" : "");
    jenc_str(j, "type", event_type_name(e->type));
    put_identity(j, s, e);
    jenc_time(j, "occurred_at", e->at_us);
    jenc_str(j, "session_id", session);
    if (e->type == EVENT_PURCHASE) {
        char order[64];
        (void)snprintf(order, sizeof order, "order-%llx-%d-%d", (unsigned long long)run, e->shopper,
                       e->visit);
        jenc_str(j, "order_id", order);
    }
    put_items(j, w, e);
    put_properties(j, e);
    jenc_object(j, "context");
    jenc_str(j, "locale", s->locale);
    jenc_str(j, "timezone", s->timezone);
    jenc_str(j, "device", s->device);
    jenc_object_end(j);
    jenc_object_end(j);
}

static void count_results(const json_t *answer, struct sim_counts *counts)
{
    const json_t *results = json_object_get(answer, "results");

    for (size_t i = 0; i < json_array_size(results); i++) {
        const char *status =
            json_string_value(json_object_get(json_array_get(results, i), "status"));
        /* What has no status was not stored, as far as anybody can tell. */
        if (status == NULL || strcmp(status, "invalid") == 0) {
            counts->invalid++;
        } else if (strcmp(status, "stored") == 0) {
            counts->stored++;
        } else if (strcmp(status, "duplicate") == 0) {
            counts->duplicate++;
        } else {
            counts->conflict++;
        }
    }
}

bool sim_post_events(struct sim_client *c, const struct sim_world *w,
                     const struct sim_event *events, size_t count, int64_t run,
                     struct sim_counts *counts, struct err *err)
{
    CLEANUP(buf_free) struct buf body = buf_make(BODY_MAX);

    /* BATCH is half of the default of batch_max, since each event may bring a login along */
    for (size_t from = 0; from < count; from += BATCH) {
        CLEANUP(jdec_free) json_t *answer = NULL;
        struct jenc j = jenc_begin(&body);
        buf_reset(&body);
        jenc_array(&j, NULL);
        for (size_t i = from; i < count && i < from + BATCH; i++) {
            const struct sim_event *e = &events[i];
            bool login =
                w->shoppers[e->shopper].known && e->visit % 3 == 0 && e->sequence == IDENTIFY_AFTER;
            if (login) {
                put_identify(&j, w, e, run);
            }
            sim_event_write(&j, w, e, run);
        }
        jenc_array_end(&j);
        if (!post(c, "/v1/events", &body, &answer, err)) {
            return false;
        }
        count_results(answer, counts);
    }
    return true;
}

bool sim_post_outreach(struct sim_client *c, const struct sim_world *w, int shopper, bool *out_send,
                       struct err *err)
{
    CLEANUP(buf_free) struct buf body = buf_make(BODY_MAX);
    CLEANUP(jdec_free) json_t *answer = NULL;
    struct jenc j = jenc_begin(&body);
    const struct sim_shopper *s = &w->shoppers[shopper];

    jenc_object(&j, NULL);
    jenc_str(&j, s->known ? "customer_id" : "anonymous_id", s->id);
    jenc_object_end(&j);
    if (!post(c, "/v1/outreach", &body, &answer, err)) {
        return false;
    }
    const char *decision = json_string_value(json_object_get(answer, "decision"));
    *out_send = decision != NULL && strcmp(decision, "send") == 0;
    return true;
}
