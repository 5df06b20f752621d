/* Every event through both readers of JSON, and what came out held against each other. */
#include "support/event_twice.h"

#include "base/json/jdoc.h"
#include "base/mem.h"
#include "domain/shop/placeholder.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- both ways ---- */

static bool decode(struct jval json, const struct event_road *road, struct arena *a,
                   struct event *out, struct err *err)
{
    bool real_ids = !road->ids_asked || placeholders_refuse(json, road->ids_allowed, a, err);
    bool good = road->stored ? event_decode_stored(json, road->origin, road->times, a, out, err)
                             : event_decode(json, road->origin, road->sent, a, out, err);

    return good && real_ids;
}

/* From a text that is gone afterwards: an event must not point into it. */
static bool decode_one_pass(const char *text, size_t len, const struct event_road *road,
                            struct arena *a, struct event *out, struct err *err)
{
    char *copy = mem_array(len > 0 ? len : 1,
                           1); /* no NUL behind it, so that a sanitizer sees a step too far */
    struct jdoc doc;

    memcpy(copy, text, len);
    bool good = jdoc_read(&doc, copy, len, a, err);
    if (good && doc.root.mark == NULL) {
        /* jdoc_read had to fall back on the tree */
        (void)snprintf(err->text, sizeof err->text, "is JSON, and was not read in one pass");
        good = false;
    } else {
        good = good && decode(doc.root, road, a, out, err);
    }
    jdoc_free(&doc);
    memset(copy, '#', len);
    mem_free(&copy);
    return good;
}

bool event_decode_plain(const char *text, size_t len, const struct event_road *road,
                        struct arena *a, struct event *out, struct err *err)
{
    struct jdoc doc;
    bool good = jdoc_parse(&doc, text, len, err) && decode(doc.root, road, a, out, err);

    jdoc_free(&doc);
    return good;
}

/* ---- what came out ---- */

/* Who adds a field compares it below. */
static_assert(sizeof(struct event) == 256 && sizeof(struct event_item) == 48,
              "every field is compared");

struct difference {
    struct arena *arena;
    const char *ways[2]; /* in which the two were read */
    const char *text;    /* NULL: none so far */
};

static void texts(struct difference *d, const char *what, const char *pass, const char *tree)
{
    bool same = pass == NULL || tree == NULL ? pass == tree : strcmp(pass, tree) == 0;

    if (!same && d->text == NULL) {
        d->text =
            arena_printf(d->arena, "%s: \"%s\" %s, \"%s\" %s", what, pass == NULL ? "(none)" : pass,
                         d->ways[0], tree == NULL ? "(none)" : tree, d->ways[1]);
    }
}

static void numbers(struct difference *d, const char *what, int64_t pass, int64_t tree)
{
    if (pass != tree && d->text == NULL) {
        d->text = arena_printf(d->arena, "%s: %" PRId64 " %s, %" PRId64 " %s", what, pass,
                               d->ways[0], tree, d->ways[1]);
    }
}

static void compare_items(struct difference *d, const struct event_item *pass,
                          const struct event_item *tree, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        texts(d, "product_id", pass[i].product_id, tree[i].product_id);
        texts(d, "variant_id", pass[i].variant_id, tree[i].variant_id);
        texts(d, "line_id", pass[i].line_id, tree[i].line_id);
        numbers(d, "quantity", pass[i].quantity_milli, tree[i].quantity_milli);
        numbers(d, "price", pass[i].price_minor, tree[i].price_minor);
        texts(d, "currency", pass[i].currency, tree[i].currency);
    }
}

static void compare_lists(struct difference *d, const struct event *pass, const struct event *tree)
{
    numbers(d, "items", (int64_t)pass->item_count, (int64_t)tree->item_count);
    numbers(d, "adjustments", (int64_t)pass->adjustment_count, (int64_t)tree->adjustment_count);
    numbers(d, "intervals", (int64_t)pass->interval_count, (int64_t)tree->interval_count);
    if (d->text != NULL) {
        return;
    }
    compare_items(d, pass->items, tree->items, pass->item_count);
    compare_items(d, pass->adjustments, tree->adjustments, pass->adjustment_count);
    for (size_t i = 0; i < pass->interval_count; i++) {
        numbers(d, "from", pass->intervals[i].from_us, tree->intervals[i].from_us);
        numbers(d, "until", pass->intervals[i].until_us, tree->intervals[i].until_us);
    }
}

static void compare_events(struct difference *d, const struct event *pass, const struct event *tree)
{
    numbers(d, "type", pass->type, tree->type);
    numbers(d, "origin", pass->origin, tree->origin);
    texts(d, "type_name", pass->type_name, tree->type_name);
    texts(d, "event_id", pass->event_id, tree->event_id);
    texts(d, "sort_id", pass->sort_id, tree->sort_id);
    texts(d, "customer_id", pass->customer_id, tree->customer_id);
    texts(d, "anonymous_id", pass->anonymous_id, tree->anonymous_id);
    texts(d, "cart_id", pass->cart_id, tree->cart_id);
    texts(d, "order_id", pass->order_id, tree->order_id);
    texts(d, "session_id", pass->session_id, tree->session_id);
    numbers(d, "occurred", pass->occurred_us, tree->occurred_us);
    numbers(d, "told", pass->told_us, tree->told_us);
    numbers(d, "received", pass->received_us, tree->received_us);
    texts(d, "locale", pass->locale, tree->locale);
    texts(d, "timezone", pass->timezone, tree->timezone);
    texts(d, "device", pass->device, tree->device);
    texts(d, "channel", pass->channel, tree->channel);
    texts(d, "user_agent", pass->user_agent, tree->user_agent);
    texts(d, "campaign", pass->campaign, tree->campaign);
    texts(d, "subject", pass->subject, tree->subject);
    numbers(d, "opt_out", pass->opt_out, tree->opt_out);
    numbers(d, "amount", pass->amount_minor, tree->amount_minor);
    texts(d, "via", pass->via, tree->via);
    numbers(d, "version", pass->version, tree->version);
    numbers(d, "guessed", pass->guessed, tree->guessed);
    numbers(d, "taken_back", pass->taken_back, tree->taken_back);
    numbers(d, "stands in", pass->stands_in, tree->stands_in);
    numbers(d, "lines left out", pass->lines_left_out, tree->lines_left_out);
    numbers(d, "id as number", pass->id_as_number, tree->id_as_number);
    numbers(d, "round", pass->round, tree->round);
    numbers(d, "step", pass->step, tree->step);
    compare_lists(d, pass, tree);
}

static void compare_faults(struct difference *d, const struct err *pass, const struct err *tree)
{
    numbers(d, "kind of the fault", pass->kind, tree->kind);
    texts(d, "path", pass->path, tree->path);
    texts(d, "fault", pass->text, tree->text);
    if (pass->more == NULL) {
        return;
    }
    numbers(d, "more faults", pass->more->count, tree->more->count);
    for (int i = 0; i < pass->more->count && d->text == NULL; i++) {
        texts(d, "path of one more", pass->more->all[i].path, tree->more->all[i].path);
        texts(d, "one more fault", pass->more->all[i].text, tree->more->all[i].text);
    }
}

const char *event_decode_twice(const char *text, size_t len, const struct event_road *road,
                               struct arena *a, bool *out_taken, struct event *out, struct err *err)
{
    struct err_more more = {.count = 0};
    struct err tree_err = {.more = err->more == NULL ? NULL : &more};
    struct event tree;
    struct difference d = {.arena = a, .ways = {"in one pass", "by the tree"}};
    bool by_tree = event_decode_plain(text, len, road, a, &tree, &tree_err);

    *out_taken = decode_one_pass(text, len, road, a, out, err);
    compare_faults(&d, err, &tree_err);
    numbers(&d, "taken", *out_taken, by_tree);
    if (*out_taken && by_tree) {
        compare_events(&d, out, &tree);
    }
    return d.text;
}

/* ---- events of the log ---- */

/* From columns and a body that are gone afterwards. */
static bool decode_kept(const struct event_kept *kept, bool columns_alone, struct arena *a,
                        struct event *out, struct err *err)
{
    struct arena gone = {0};
    struct event_kept copy = *kept;
    char *body = mem_array(kept->packed.body_len + 1, 1);

    copy.columns.event_id = arena_strdup(&gone, kept->columns.event_id);
    copy.columns.type = arena_strdup(&gone, kept->columns.type);
    copy.columns.key = arena_strdup(&gone, kept->columns.key);
    copy.packed.body = memcpy(body, kept->packed.body, kept->packed.body_len);
    bool good =
        columns_alone ? event_decode_columns(&copy, a, out) : event_decode_kept(&copy, a, out, err);
    memset(body, '#', kept->packed.body_len);
    mem_free(&body);
    arena_free(&gone);
    return good;
}

const char *event_kept_twice(const struct event_kept *kept, struct arena *a, bool *out_by_columns,
                             bool *out_taken, struct event *out)
{
    struct difference d = {.arena = a, .ways = {"from the columns", "from the text"}};
    struct event columns;
    struct event text;
    struct err err = {0};
    struct err text_err = {0};
    bool by_text = event_kept_by_text(kept, a, &text, &text_err);

    *out_by_columns = decode_kept(kept, true, a, &columns, NULL);
    *out_taken = decode_kept(kept, false, a, out, &err);
    compare_faults(&d, &err, &text_err);
    numbers(&d, "taken", *out_taken, by_text);
    if (*out_by_columns) {
        numbers(&d, "taken alone", true, by_text);
    }
    if (*out_taken && by_text) {
        compare_events(&d, out, &text);
    }
    return d.text;
}

/* ---- for tests of what events mean ---- */

static bool twice_or_end(const char *text, size_t len, const struct event_road *road,
                         struct arena *a, struct event *out, struct err *err)
{
    bool taken;
    const char *difference = event_decode_twice(text, len, road, a, &taken, out, err);

    if (difference != NULL) {
        (void)fprintf(stderr, "%.*s\n%s\n", (int)len, text, difference);
        exit(1); // NOLINT(concurrency-mt-unsafe): the test is over
    }
    return taken;
}

bool event_text_twice(const char *text, size_t len, enum event_origin origin, int64_t received_us,
                      struct arena *a, struct event *out, struct err *err)
{
    struct event_road road = {.origin = origin, .sent.received_us = received_us};

    return twice_or_end(text, len, &road, a, out, err);
}

bool event_log_twice(const char *text, size_t len, enum event_origin origin,
                     struct event_times times, struct arena *a, struct event *out, struct err *err)
{
    struct event_road road = {.origin = origin, .stored = true, .times = times};

    return twice_or_end(text, len, &road, a, out, err);
}
