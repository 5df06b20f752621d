/* One thread is one ledger writer and owns its shoppers, so it knows what each of them was told.
 * Shoppers live on a clock of their own, some hours back, a minute or so between two events: no bot,
 * and abandoned at once. Every other shopper who was written to goes on in real time, so that later
 * rounds meet the clock of the release. */
#include "crash/storm.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/mem.h"
#include "base/rng.h"
#include "support/http_client.h"

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHOPPERS = 4096,   /* of a thread; the next generation takes the places of the first */
    WINDOW = 48,       /* who is in the shop at the same time */
    STAY = 12,         /* requests until the window moves on by one */
    BATCH_MAX = 6,     /* events a request */
    PRODUCTS = 40,     //
    RETRIES_MAX = 400, /* then it is left open whether the events were stored */
    TIMEOUT_MS = 1500,
    PAUSE_MS = 5,
};

struct shopper {
    unsigned generation;
    bool identified; /* from the start, or since an identify was acknowledged */
    bool browses;    /* began anonymous */
    bool opted_out;  /* a withdrawal of the customer was acknowledged */
    bool names_cart;
    int64_t clock_us;
};

struct client {
    struct storm *storm;
    pthread_t thread;
    int writer;
    struct http_client *http;
    struct rng rng;
    struct shopper shoppers[SHOPPERS];
    size_t requests;
    int newcomer;  /* who has just logged in, or -1 */
    int next_pick; /* whom pick_shopper gives next, or -1 */
    struct buf body;
};

struct storm {
    struct ledger *ledger;
    atomic_int ports[2];
    atomic_bool over;
    struct client clients[STORM_THREADS];
};

/* What an acknowledged event means for its shopper. */
enum promise { NOTHING, IDENTIFIED, OPTED_OUT };

/* One request's events, until they are answered. */
struct batch {
    size_t count;
    size_t events[BATCH_MAX]; /* numbers in the ledger */
    int shoppers[BATCH_MAX];
    enum promise promises[BATCH_MAX];
};

static int any_port(struct client *c)
{
    return atomic_load(&c->storm->ports[rng_below(&c->rng, 2)]);
}

static void pause_a_little(void)
{
    (void)poll(NULL, 0, PAUSE_MS);
}

/* Somebody who is in the shop now. */
static int pick_shopper(struct client *c)
{
    if (c->next_pick >= 0) {
        int next = c->next_pick;
        c->next_pick = -1;
        return next;
    }
    size_t number = c->requests / STAY + rng_below(&c->rng, WINDOW);
    size_t place = number % SHOPPERS;
    unsigned generation = (unsigned)(number / SHOPPERS) + 1;
    struct shopper *s = &c->shoppers[place];

    if (s->generation != generation) {
        bool browses = rng_below(&c->rng, 4) == 0;
        *s = (struct shopper){.generation = generation,
                              .browses = browses,
                              .identified = !browses,
                              .names_cart = rng_below(&c->rng, 2) == 0,
                              .clock_us = clock_now_us() - HOURS(3)};
    }
    return (int)place;
}

/* prefix-WRITER-PLACE-GENERATION */
static void put_name(struct jenc *j, const struct client *c, const char *member, int place)
{
    char name[64];

    (void)snprintf(name, sizeof name, "%s-%d-%d-%u", member, c->writer, place,
                   c->shoppers[place].generation);
    jenc_str(j, member, name);
}

static void put_items(struct jenc *j, struct rng *rng, size_t count)
{
    jenc_array(j, "items");
    for (size_t i = 0; i < count; i++) {
        char id[24];
        size_t product = i * PRODUCTS + rng_below(rng, PRODUCTS); /* each once */
        (void)snprintf(id, sizeof id, "p-%zu", product);
        jenc_object(j, NULL);
        jenc_str(j, "product_id", id);
        jenc_i64(j, "quantity", 1 + (int64_t)rng_below(rng, 3));
        jenc_i64(j, "price_minor", 100 + (int64_t)product * 10);
        jenc_str(j, "currency", "EUR");
        jenc_object_end(j);
    }
    jenc_array_end(j);
}

/* What a shopper does next; anonymous ones log in sooner or later. */
static const char *pick_type(struct client *c, const struct shopper *s)
{
    static const struct {
        const char *type;
        unsigned share;
    } table[] = {
        {"cart_item_added", 36},  {"product_viewed", 30},
        {"cart_item_removed", 6}, {"cart_snapshot", 6},
        {"checkout_started", 6},  {"payment_failed", 3},
        {"purchase", 7},          {"coupon_denied", 3},
        {"consent_withdrawn", 1}, {"something_unheard_of", 2},
    };
    uint64_t at = rng_below(&c->rng, 100);

    if (!s->identified && rng_below(&c->rng, 6) == 0) {
        return "identify";
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (at < table[i].share) {
            return table[i].type;
        }
        at -= table[i].share;
    }
    return "page_viewed";
}

/* Only a snapshot may have no items in its member of that name: the cart is empty then. */
static size_t item_count(struct client *c, const char *type, bool *out_member)
{
    bool snapshot = strcmp(type, "cart_snapshot") == 0;

    if (snapshot || strcmp(type, "checkout_started") == 0) {
        size_t n = rng_below(&c->rng, 4);
        *out_member = snapshot || n > 0;
        return n;
    }
    *out_member = strstr(type, "item") != NULL || strstr(type, "viewed") != NULL;
    return *out_member ? 1 : 0;
}

static void put_who(struct jenc *j, const struct client *c, int place, bool login)
{
    const struct shopper *s = &c->shoppers[place];

    if (s->identified || login) {
        put_name(j, c, "customer_id", place);
    }
    if (s->browses && (!s->identified || login)) {
        put_name(j, c, "anonymous_id", place);
    }
}

/* Appends one event of the shopper to the body. */
static enum promise put_event(struct client *c, struct jenc *j, int place, const char *id)
{
    struct shopper *s = &c->shoppers[place];
    const char *type = pick_type(c, s);
    bool login = strcmp(type, "identify") == 0;
    bool withdrawn = strcmp(type, "consent_withdrawn") == 0;
    int64_t now_us = clock_now_us();

    s->clock_us += SECONDS(20 + (int64_t)rng_below(&c->rng, 60));
    if (s->clock_us > now_us) {
        s->clock_us = now_us;
    }
    jenc_object(j, NULL);
    jenc_str(j, "event_id", id);
    jenc_str(j, "type", type);
    jenc_time(j, "occurred_at", s->clock_us);
    put_who(j, c, place, login);
    if (s->names_cart && !login) {
        put_name(j, c, "cart_id", place);
    }
    bool has_items;
    size_t items = item_count(c, type, &has_items);
    if (has_items) {
        put_items(j, &c->rng, items);
    }
    jenc_object_end(j);
    if (login) {
        return IDENTIFIED;
    }
    return withdrawn && s->identified ? OPTED_OUT : NOTHING;
}

static struct batch make_batch(struct client *c)
{
    struct batch b = {.count = 1 + rng_below(&c->rng, BATCH_MAX)};
    struct jenc j = jenc_begin(&c->body);

    buf_reset(&c->body);
    jenc_array(&j, NULL);
    for (size_t i = 0; i < b.count; i++) {
        char id[LEDGER_ID_MAX];
        b.events[i] = ledger_event(c->storm->ledger, c->writer, id);
        b.shoppers[i] = pick_shopper(c);
        b.promises[i] = put_event(c, &j, b.shoppers[i], id);
    }
    jenc_array_end(&j);
    return b;
}

/* Books the answer of a whole batch. */
static void take_results(struct client *c, const struct batch *b, const char *answer)
{
    struct ledger *l = c->storm->ledger;
    json_t *doc = json_loads(answer, 0, NULL);
    const json_t *results = json_object_get(doc, "results");

    if (json_array_size(results) != b->count) {
        ledger_violation(l, "a batch of %zu was answered with %.300s", b->count, answer);
    }
    for (size_t i = 0; i < json_array_size(results) && i < b->count; i++) {
        const char *status =
            json_string_value(json_object_get(json_array_get(results, i), "status"));
        if (status == NULL || (strcmp(status, "stored") != 0 && strcmp(status, "duplicate") != 0)) {
            char *result = json_dumps(json_array_get(results, i), JSON_COMPACT);
            ledger_violation(l, "an event was answered %s", result != NULL ? result : "");
            free(result);
            continue;
        }
        ledger_acked(l, c->writer, b->events[i]);
        struct shopper *s = &c->shoppers[b->shoppers[i]];
        if (b->promises[i] == IDENTIFIED) {
            s->identified = true;
            c->newcomer = b->shoppers[i];
        }
        s->opted_out = s->opted_out || b->promises[i] == OPTED_OUT;
    }
    json_decref(doc);
}

static void send_events(struct client *c)
{
    struct batch b = make_batch(c);

    for (int i = 0; i < RETRIES_MAX && !atomic_load(&c->storm->over); i++) {
        const char *answer;
        int status =
            http_client_request(c->http, any_port(c), "/v1/events", buf_text(&c->body), &answer);
        if (status == 200) {
            take_results(c, &b, answer);
            return;
        }
        if (status > 0 && status != 503) {
            ledger_violation(c->storm->ledger, "events were answered %d: %.300s", status, answer);
            return;
        }
        pause_a_little();
    }
}

static void take_outreach(struct client *c, int place, int status, const char *answer,
                          bool opted_out)
{
    struct ledger *l = c->storm->ledger;
    struct shopper *s = &c->shoppers[place];
    json_t *doc = json_loads(answer, 0, NULL);
    const char *decision = json_string_value(json_object_get(doc, "decision"));

    if (decision == NULL) {
        ledger_violation(l, "outreach was answered %d: %.300s", status, answer);
    } else if (strcmp(decision, "send") == 0) {
        char *message = json_dumps(json_object_get(doc, "message"), JSON_COMPACT);
        const char *id = json_string_value(json_object_get(doc, "outreach_id"));
        const char *cart = json_string_value(json_object_get(doc, "cart_id"));
        if (message == NULL || id == NULL || cart == NULL) {
            ledger_violation(l, "an outreach without id, cart or message: %.300s", answer);
        } else {
            ledger_outreach(l, c->writer,
                            &(struct ledger_outreach){
                                .outreach_id = id,
                                .cart_id = cart,
                                .round = (long)json_integer_value(json_object_get(doc, "round")),
                                .step = (long)json_integer_value(json_object_get(doc, "step")),
                                .message = message});
        }
        if (status == 201 && opted_out) {
            ledger_violation(l, "outreach %s was decided after the withdrawal was acknowledged",
                             id != NULL ? id : "");
        }
        if (status == 201 && place % 2 == 0) {
            s->clock_us = clock_now_us();
        }
        free(message);
    }
    json_decref(doc);
}

static void ask_outreach(struct client *c)
{
    int place = pick_shopper(c);
    const struct shopper *s = &c->shoppers[place];
    struct jenc j = jenc_begin(&c->body);
    const char *answer;
    bool opted_out = s->opted_out;

    buf_reset(&c->body);
    jenc_object(&j, NULL);
    put_name(&j, c, s->identified ? "customer_id" : "anonymous_id", place);
    jenc_object_end(&j);
    int status =
        http_client_request(c->http, any_port(c), "/v1/outreach", buf_text(&c->body), &answer);
    if (status == 200 || status == 201) {
        take_outreach(c, place, status, answer, opted_out);
    } else if (status > 0 && status != 503 && status != 404) {
        ledger_violation(c->storm->ledger, "outreach was answered %d: %.300s", status, answer);
    } else if (status != 404) {
        pause_a_little();
    }
}

/* The moment when the anonymous cart moves to the customer's lane: something happens in it, and
 * somebody asks, before or after a folder has noticed. */
static void follow_login(struct client *c)
{
    int place = c->newcomer;

    c->newcomer = -1;
    c->next_pick = place;
    send_events(c);
    c->next_pick = place;
    ask_outreach(c);
}

static void *client_main(void *arg)
{
    struct client *c = arg;

    while (!atomic_load(&c->storm->over)) {
        if (any_port(c) == 0) {
            pause_a_little();
            continue;
        }
        c->requests++;
        if (c->newcomer >= 0) {
            follow_login(c);
        } else if (rng_below(&c->rng, 3) > 0) {
            send_events(c);
        } else {
            ask_outreach(c);
        }
    }
    return NULL;
}

struct storm *storm_start(struct ledger *l, const char *key, uint64_t seed)
{
    struct storm *s = mem_alloc(sizeof *s);

    s->ledger = l;
    for (int i = 0; i < STORM_THREADS; i++) {
        struct client *c = &s->clients[i];
        c->storm = s;
        c->writer = i;
        c->newcomer = -1;
        c->next_pick = -1;
        c->http = http_client_open(key, TIMEOUT_MS);
        c->rng = rng_seed(seed + (uint64_t)i);
        c->body = buf_make(1 << 20);
        if (pthread_create(&c->thread, NULL, client_main, c) != 0) {
            abort();
        }
    }
    return s;
}

void storm_aim(struct storm *s, int port, int second_port)
{
    atomic_store(&s->ports[0], port);
    atomic_store(&s->ports[1], second_port != 0 ? second_port : port);
}

void storm_end(struct storm **s)
{
    atomic_store(&(*s)->over, true);
    for (int i = 0; i < STORM_THREADS; i++) {
        struct client *c = &(*s)->clients[i];
        (void)pthread_join(c->thread, NULL);
        http_client_close(c->http);
        buf_free(&c->body);
    }
    mem_free(s);
}
