/* cartwright simulate: fills a running Cartwright with the life of a demo shop, through the public
 * API. History in one go, then (with
 * --live) in real time, where it also asks for outreach and lets it work as the truth says. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/stop.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "sim/sim_offline.h"
#include "sim/sim_post.h"
#include "sim/sim_world.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "simulate --url URL [options]\n"
    "       cartwright simulate --out FILE [options]\n"
    "Posts the life of a made-up shop (300 products, seeded shoppers) to a running Cartwright, or writes events\n"
    "as JSON lines for import: carts in continuous time whose true risk is computed moment by moment.\n"
    "  --url URL            where it listens, e.g. http://127.0.0.1:8080\n"
    "  --key KEY            API key with scopes ingest and outreach (default: CARTWRIGHT_KEY)\n"
    "  --shoppers N         default 2000\n"
    "  --days N             days of history up to --until, default 30; 0 for none\n"
    "  --until TIME         end of the history, RFC 3339, default now\n"
    "  --seed N             default 1\n"
    "  --truth FILE         writes what only the generator knows, one JSON line a visit with a cart; with --out,\n"
    "                       a line a moment of an open cart: P(no purchase within --horizon | idle so long)\n"
    "  --horizon D          of that truth, at most 2d, default 24h\n"
    "  --forks N            futures drawn for each of its probabilities, default 16\n"
    "  --live MINUTES       then lives on in real time for so long (0: until stopped)\n"
    "  --visits-per-minute N  in live mode, default 20\n"
    "  --outreach-after D   in live mode: ask for outreach once a cart was left for so long, default 61m\n";

struct options {
    const char *url;
    const char *key;
    const char *truth;
    const char *out;
    int64_t horizon_us, forks;
    int64_t shoppers, days, until_us, seed, live_minutes, visits_per_minute, outreach_after_us;
    bool live;
};

/* Events of many visits. */
struct timeline {
    struct sim_event *events;
    size_t count;
    size_t cap;
};

static void timeline_free(struct timeline *t)
{
    mem_free(&t->events);
}

static void timeline_add(struct timeline *t, const struct sim_visit *v, int64_t until_us)
{
    /* a visit is in order of time: behind the first event that is too late, all are */
    for (int i = 0; i < v->count && v->events[i].at_us <= until_us; i++) {
        if (t->count == t->cap) {
            t->cap = t->cap == 0 ? 4096 : 2 * t->cap;
            t->events = mem_grow(t->events, t->cap, sizeof *t->events);
        }
        t->events[t->count++] = v->events[i];
    }
}

struct placed {
    int64_t at_us;
    size_t index;
};

static int placed_order(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;

    if (x->at_us != y->at_us) {
        return x->at_us < y->at_us ? -1 : 1;
    }
    /* qsort is not stable, and the same seed must post the same events in the same order */
    return x->index < y->index ? -1 : x->index > y->index;
}

static void timeline_sort(struct timeline *t)
{
    /* small keys are sorted, and each of the much larger events is moved once */
    struct placed *order = mem_array(t->count + 1, sizeof *order);
    struct timeline sorted = {.events = mem_array(t->count + 1, sizeof *sorted.events),
                              .count = t->count,
                              .cap = t->count + 1};

    for (size_t i = 0; i < t->count; i++) {
        order[i] = (struct placed){t->events[i].at_us, i};
    }
    qsort(order, t->count, sizeof *order, placed_order);
    for (size_t i = 0; i < t->count; i++) {
        sorted.events[i] = t->events[order[i].index];
    }
    mem_free(&order);
    timeline_free(t);
    *t = sorted;
}

static void truth_write(FILE *out, const struct sim_world *w, const struct sim_visit *v,
                        bool returned)
{
    if (out == NULL || v->cart_count == 0) {
        return;
    }
    (void)fprintf(
        out,
        "{\"shopper\":\"%s\",\"visit\":%d,\"last_event_us\":%" PRId64
        ",\"concern\":\"%s\",\"bought\":%s,\"returned\":%s,\"p_silent\":%.6f,\"p_message\":%.6f}\n",
        w->shoppers[v->events[0].shopper].id, v->events[0].visit, v->events[v->count - 1].at_us,
        sim_concern_name(v->concern), v->bought ? "true" : "false", returned ? "true" : "false",
        v->p_silent, v->p_message);
}

/* All visits of one shopper in the window; a cart left alone comes back within the day with the
 * true silent chance. */
static void shopper_history(const struct sim_world *w, int shopper, const struct options *o,
                            struct timeline *t, FILE *truth)
{
    struct rng r = sim_rng(w->seed ^ 7, (uint64_t)shopper, 0);
    int64_t at_us = o->until_us - DAYS(o->days);

    for (int n = 0;; n++) {
        struct sim_visit visit;
        struct sim_visit back;
        /* exponential gaps make a Poisson process; 1 - u is never 0, so the logarithm is finite */
        double days = -log(1.0 - rng_unit(&r)) / w->shoppers[shopper].visits_per_day;
        at_us += (int64_t)(days * 86400.0) * SECONDS(1);
        if (at_us >= o->until_us) {
            return;
        }
        sim_visit_make(w, shopper, n, at_us, &visit);
        timeline_add(t, &visit, o->until_us);
        at_us = visit.events[visit.count - 1].at_us;
        /* both drawn in any case, so that what follows is the same whether it returned or not */
        bool returned = rng_unit(&r) < visit.p_silent;
        double hours = 23.0 * pow(rng_unit(&r), 2.0) + 0.2;
        if (returned) {
            at_us += (int64_t)(hours * 3600.0) * SECONDS(1);
            sim_visit_return(w, &visit, at_us, &back);
            timeline_add(t, &back, o->until_us);
        }
        truth_write(truth, w, &visit, returned);
        /* longer than a return takes, at whose beginning at_us still stands */
        at_us += HOURS(2);
    }
}

static bool history(struct sim_client *c, const struct sim_world *w, const struct options *o,
                    FILE *truth, struct err *err)
{
    CLEANUP(timeline_free) struct timeline t = {0};
    struct sim_counts counts = {0};

    for (int s = 0; s < w->shopper_count; s++) {
        shopper_history(w, s, o, &t, truth);
    }
    timeline_sort(&t);
    /* products before the events that name them, and all shoppers' events by time, as a shop would
     * send them */
    if (!sim_post_products(c, w, err) ||
        !sim_post_events(c, w, t.events, t.count, o->until_us, &counts, err)) {
        return false;
    }
    (void)printf("%d products, %" PRId64 " shoppers, %" PRId64 " days: %" PRId64
                 " events stored, %" PRId64 " duplicate, %" PRId64 " conflict, %" PRId64
                 " invalid\n",
                 SIM_PRODUCTS, o->shoppers, o->days, counts.stored, counts.duplicate,
                 counts.conflict, counts.invalid);
    /* what the simulator makes is valid by definition: one of the two programs is wrong */
    if (counts.invalid + counts.conflict > 0) {
        return FAIL(err, ERR_INTERNAL, "the server refused %" PRId64 " simulated events",
                    counts.invalid + counts.conflict);
    }
    return true;
}

/* ---- live ---- */

struct living {
    struct sim_visit visit;
    int posted;         /* events posted so far */
    bool asked;         /* outreach was asked for */
    int64_t returns_us; /* 0: not yet known or never */
};

struct life {
    struct sim_client *client;
    const struct sim_world *w;
    const struct options *o;
    struct rng r;
    struct living *visits;
    size_t count, cap;
    int next_visit;
    int64_t carts, asked, sent, bought, bought_after_message;
    struct sim_counts counts;
};

static void visit_begin(struct life *l, int64_t now_us)
{
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? 256 : 2 * l->cap;
        l->visits = mem_grow(l->visits, l->cap, sizeof *l->visits);
    }
    struct living *v = &l->visits[l->count++];
    *v = (struct living){0};
    /* numbers far above those of the history: event ids of live visits must be new */
    sim_visit_make(l->w, (int)rng_below(&l->r, (uint64_t)l->w->shopper_count),
                   1000000 + l->next_visit++, now_us, &v->visit);
    l->carts += v->visit.cart_count > 0;
}

static bool post_due(struct life *l, struct living *v, int64_t now_us, struct err *err)
{
    int due = v->posted;

    while (due < v->visit.count && v->visit.events[due].at_us <= now_us) {
        due++;
    }
    if (due == v->posted) {
        return true;
    }
    if (!sim_post_events(l->client, l->w, v->visit.events + v->posted, (size_t)(due - v->posted),
                         l->o->until_us, &l->counts, err)) {
        return false;
    }
    v->posted = due;
    if (due == v->visit.count && v->visit.bought) {
        l->bought++;
    }
    return true;
}

/* Once the cart was left long enough: ask, and let the answer change the shopper's mind as much as
 * it truly does. */
static bool ask(struct life *l, struct living *v, int64_t now_us, struct err *err)
{
    bool send = false;

    if (!sim_post_outreach(l->client, l->w, v->visit.events[0].shopper, &send, err)) {
        return false;
    }
    v->asked = true;
    l->asked++;
    l->sent += send;
    if (rng_unit(&l->r) < (send ? v->visit.p_message : v->visit.p_silent)) {
        /* within minutes, where the truth gives a day: somebody is watching the demo */
        v->returns_us = now_us + SECONDS(5) + (int64_t)rng_below(&l->r, (uint64_t)MINUTES(10));
        l->bought_after_message += send;
    }
    return true;
}

/* True when nothing more will come of the visit. */
static bool visit_over(const struct living *v)
{
    bool all_posted = v->posted == v->visit.count;
    /* a cart left is over only once outreach was asked for, and the answer brought nobody back */
    return all_posted &&
           (v->visit.cart_count == 0 || v->visit.bought || (v->asked && v->returns_us == 0));
}

static bool visit_step(struct life *l, struct living *v, int64_t now_us, struct err *err)
{
    /* posted before anything is asked: outreach decides on what the server has seen */
    if (!post_due(l, v, now_us, err)) {
        return false;
    }
    if (v->posted < v->visit.count || v->visit.bought || v->visit.cart_count == 0) {
        return true;
    }
    int64_t left_us = v->visit.events[v->visit.count - 1].at_us;
    if (!v->asked && now_us >= left_us + l->o->outreach_after_us) {
        return ask(l, v, now_us, err);
    }
    if (v->returns_us != 0 && now_us >= v->returns_us) {
        struct sim_visit back;
        sim_visit_return(l->w, &v->visit, now_us, &back);
        /* asked, so that the return is not asked about */
        *v = (struct living){.visit = back, .asked = true};
    }
    return true;
}

static bool live(struct sim_client *c, const struct sim_world *w, const struct options *o,
                 struct err *err)
{
    struct life l = {.client = c, .w = w, .o = o, .r = sim_rng(w->seed ^ 11, 0, 0)};
    int64_t end_us = o->live_minutes > 0 ? clock_now_us() + MINUTES(o->live_minutes) : INT64_MAX;
    int64_t next_us = clock_now_us();
    bool ok = true;

    while (ok && clock_now_us() < end_us && !stop_wait_us(SECONDS(1) / 4)) {
        int64_t now_us = clock_now_us();
        /* as many as fell due meanwhile: posting that takes long does not thin the visitors out */
        while (next_us <= now_us) {
            visit_begin(&l, now_us);
            /* + 1, so that a gap rounded to 0 ends the loop as well */
            next_us +=
                (int64_t)(-log(1.0 - rng_unit(&l.r)) * 60e6 / (double)o->visits_per_minute) + 1;
        }
        for (size_t i = 0; ok && i < l.count; i++) {
            ok = visit_step(&l, &l.visits[i], now_us, err);
            if (ok && visit_over(&l.visits[i])) {
                /* the last one takes its place and is looked at next; at 0, i wraps, and ++ brings
                 * it back */
                l.visits[i--] = l.visits[--l.count];
            }
        }
    }
    (void)printf("live: %" PRId64 " events, %" PRId64 " carts, %" PRId64
                 " orders; outreach asked %" PRId64 ", sent %" PRId64
                 ", came back after a message %" PRId64 "\n",
                 l.counts.stored, l.carts, l.bought, l.asked, l.sent, l.bought_after_message);
    mem_free(&l.visits);
    return ok;
}

/* Events, and where asked for the truth, into files. */
static bool offline(const struct sim_world *w, const struct options *o, FILE *truth,
                    struct err *err)
{
    CLEANUP(file_close) FILE *events = fopen(o->out, "we");
    struct sim_offline_counts counts;
    if (events == NULL) {
        return FAIL(err, ERR_INVALID, "--out %s: cannot be written", o->out);
    }
    /* no forks where nobody reads the truth: they are what costs time */
    const struct sim_offline s = {
        .world = w,
        .events = events,
        .truth = truth,
        .life = {.from_us = o->until_us - DAYS(o->days),
                 .until_us = o->until_us,
                 .horizon_us = o->horizon_us,
                 .forks = truth != NULL ? (int)o->forks : 0},
    };
    if (!sim_offline_write(&s, &counts, err)) {
        return false;
    }
    (void)printf("%" PRId64 " shoppers, %" PRId64 " days: %" PRId64 " events, %" PRId64
                 " carts, truth of %" PRId64 " moments\n",
                 o->shoppers, o->days, counts.events, counts.carts, counts.moments);
    return true;
}

static bool run(const struct options *o, struct err *err)
{
    CLEANUP(sim_client_close) struct sim_client *client = NULL;
    CLEANUP(sim_world_free) struct sim_world world = {0};
    CLEANUP(file_close) FILE *truth = NULL;

    if (o->truth != NULL) {
        /* opened before a long run, not after it */
        truth = fopen(o->truth, "we");
        if (truth == NULL) {
            return FAIL(err, ERR_INVALID, "--truth %s: cannot be written", o->truth);
        }
    }
    sim_world_make(&world, (uint64_t)o->seed, (int)o->shoppers);
    if (o->out != NULL) {
        return offline(&world, o, truth, err);
    }
    return sim_client_open(o->url, o->key, &client, err) &&
           (o->days == 0 || history(client, &world, o, truth, err)) &&
           (!o->live || live(client, &world, o, err));
}

int cmd_simulate(int argc, char **argv, const struct config *config)
{
    (void)config;
    struct options o = {
        .key = getenv("CARTWRIGHT_KEY"), /* NOLINT(concurrency-mt-unsafe): before any thread */
        .shoppers = 2000,
        .days = 30,
        .seed = 1,
        .until_us = clock_now_us(),
        .visits_per_minute = 20,
        .horizon_us = HOURS(24),
        .forks = 16,
        .outreach_after_us = MINUTES(61)};
    struct err err = {0};

    const struct option_row rows[] = {
        {.name = "url", .text = &o.url},
        {.name = "key", .text = &o.key},
        {.name = "truth", .text = &o.truth},
        {.name = "out", .text = &o.out},
        {.name = "shoppers", .whole = &o.shoppers, .min = 1, .max = 10000000},
        {.name = "days", .whole = &o.days, .min = 0, .max = 3650},
        {.name = "seed", .whole = &o.seed, .min = 0, .max = INT64_MAX},
        {.name = "live", .whole = &o.live_minutes, .min = 0, .max = 1000000, .given = &o.live},
        {.name = "visits-per-minute", .whole = &o.visits_per_minute, .min = 1, .max = 100000},
        {.name = "forks", .whole = &o.forks, .min = 2, .max = 100000},
        {.name = "until", .time_us = &o.until_us},
        {.name = "horizon", .duration_us = &o.horizon_us, .min = 1, .max = DAYS(2)},
        {.name = "outreach-after", .duration_us = &o.outreach_after_us},
        {0},
    };
    struct call call = {.command = "simulate", .usage = usage};
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    if ((o.url == NULL) == (o.out == NULL) || call.word_count != 0) {
        return call_misuse(&call, "either --url or --out is required, and no words");
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        return cli_fail("simulate",
                        &(struct err){.kind = ERR_INTERNAL, .text = "libcurl could not start"});
    }
    bool ok = run(&o, &err);
    curl_global_cleanup();
    return ok ? EXIT_DONE : cli_fail("simulate", &err);
}
