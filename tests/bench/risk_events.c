/* Event files to rows of ids. */
#include "bench/risk_events.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { AHEAD = 10 };

struct shop_event {
    uint64_t visitor, item, category;
    int64_t time;
    bool purchase;
    bool bought_soon;
    uint64_t items[RISK_EVENT_ITEMS], categories[RISK_EVENT_ITEMS];
    int place; /* in the file: settles equal times */
};

static int by_visitor(const void *a, const void *b)
{
    const struct shop_event *x = a;
    const struct shop_event *y = b;
    if (x->visitor != y->visitor) {
        return x->visitor < y->visitor ? -1 : 1;
    }
    if (x->time != y->time) {
        return x->time < y->time ? -1 : 1;
    }
    return x->place - y->place;
}

static int by_time(const void *a, const void *b)
{
    const struct shop_event *x = a;
    const struct shop_event *y = b;
    return x->time != y->time ? (x->time < y->time ? -1 : 1) : x->place - y->place;
}

/* What each event's visitor has seen last, and whether they buy soon. */
static void look_around(struct shop_event *e, int count)
{
    for (int i = 0; i < count; i++) {
        bool follows = i > 0 && e[i - 1].visitor == e[i].visitor;
        e[i].items[0] = e[i].item;
        e[i].categories[0] = e[i].category;
        for (int k = 1; follows && k < RISK_EVENT_ITEMS; k++) {
            e[i].items[k] = e[i - 1].items[k - 1];
            e[i].categories[k] = e[i - 1].categories[k - 1];
        }
        for (int n = i + 1; n < count && n <= i + AHEAD && e[n].visitor == e[i].visitor; n++) {
            e[i].bought_soon = e[i].bought_soon || e[n].purchase;
        }
    }
}

static void to_rows(struct shop_event *e, int count, struct risk_rows *out)
{
    static const char *const name = "id";
    qsort(e, (size_t)count, sizeof *e, by_visitor);
    look_around(e, count);
    qsort(e, (size_t)count, sizeof *e, by_time);
    struct risk_rows r = {.columns = RISK_EVENT_COLUMNS};
    r.kind = mem_array(RISK_EVENT_COLUMNS, 1);
    r.name = mem_array(RISK_EVENT_COLUMNS, sizeof *r.name);
    r.cells = mem_array((size_t)count * RISK_EVENT_COLUMNS, sizeof *r.cells);
    r.label = mem_array((size_t)count, 1);
    r.group = mem_array((size_t)count, sizeof *r.group);
    r.time = mem_array((size_t)count, sizeof *r.time);
    for (int c = 0; c < RISK_EVENT_COLUMNS; c++) {
        r.kind[c] = LEARNER_ID;
        r.name[c] = name;
    }
    for (int i = 0; i < count; i++) {
        union learner_cell *cell = r.cells + (size_t)r.rows * RISK_EVENT_COLUMNS;
        if (e[i].purchase) {
            continue;
        }
        cell[0].id = e[i].visitor;
        for (int k = 0; k < RISK_EVENT_ITEMS; k++) {
            cell[1 + k].id = e[i].items[k];
            cell[1 + RISK_EVENT_ITEMS + k].id = e[i].categories[k];
        }
        r.label[r.rows] = e[i].bought_soon;
        r.group[r.rows] = e[i].visitor;
        r.time[r.rows++] = (double)e[i].time;
    }
    *out = r;
}

static uint64_t id_of(const char *text)
{
    uint64_t h = hash_fnv64(text, strlen(text));
    return h ? h : 1;
}

struct item_category {
    uint64_t item, category;
};

static int by_item(const void *a, const void *b)
{
    const struct item_category *x = a;
    const struct item_category *y = b;
    return (x->item > y->item) - (x->item < y->item);
}

static bool columns_of(const struct csv_table *t, const char *const *names, int *out, int count,
                       struct err *err)
{
    for (int i = 0; i < count; i++) {
        out[i] = csv_table_column(t, names[i]);
        if (out[i] < 0) {
            return FAIL(err, ERR_INVALID, "there is no column '%s'", names[i]);
        }
    }
    return true;
}

static struct item_category *categories_of(const struct csv_table *t)
{
    struct item_category *c = mem_array((size_t)t->rows + 1, sizeof *c);
    for (int r = 0; r < t->rows; r++) {
        c[r] =
            (struct item_category){id_of(csv_table_cell(t, r, 0)), id_of(csv_table_cell(t, r, 1))};
    }
    qsort(c, (size_t)t->rows, sizeof *c, by_item);
    return c;
}

bool risk_events_retailrocket(const char *events, const char *categories, struct risk_rows *out,
                              struct err *err)
{
    static const char *const names[] = {"timestamp_s", "user", "event", "item"};
    CLEANUP(csv_table_free) struct csv_table t = {0};
    CLEANUP(csv_table_free) struct csv_table of_items = {0};
    int at[4];
    if (!csv_table_read(events, &t, err) || !csv_table_read(categories, &of_items, err) ||
        !columns_of(&t, names, at, 4, err)) {
        return false;
    }
    CLEANUP(mem_free) struct item_category *known = categories_of(&of_items);
    CLEANUP(mem_free) struct shop_event *e = mem_array((size_t)t.rows + 1, sizeof *e);
    for (int r = 0; r < t.rows; r++) {
        struct item_category key = {.item = id_of(csv_table_cell(&t, r, at[3]))};
        const struct item_category *found =
            bsearch(&key, known, (size_t)of_items.rows, sizeof key, by_item);
        e[r] = (struct shop_event){.visitor = id_of(csv_table_cell(&t, r, at[1])),
                                   .item = key.item,
                                   .category = found ? found->category : 0,
                                   .time = strtoll(csv_table_cell(&t, r, at[0]), NULL, 10),
                                   .purchase =
                                       strcmp(csv_table_cell(&t, r, at[2]), "transaction") == 0,
                                   .place = r};
    }
    to_rows(e, t.rows, out);
    return true;
}

/* The file has no header: its first row serves as one, and is lost. */
bool risk_events_taobao(const char *events, struct risk_rows *out, struct err *err)
{
    CLEANUP(csv_table_free) struct csv_table t = {0};
    if (!csv_table_read(events, &t, err)) {
        return false;
    }
    if (t.columns != 5) {
        return FAIL(err, ERR_INVALID, "%d columns, not user, item, category, behaviour, time",
                    t.columns);
    }
    CLEANUP(mem_free) struct shop_event *e = mem_array((size_t)t.rows + 1, sizeof *e);
    for (int r = 0; r < t.rows; r++) {
        e[r] = (struct shop_event){.visitor = id_of(csv_table_cell(&t, r, 0)),
                                   .item = id_of(csv_table_cell(&t, r, 1)),
                                   .category = id_of(csv_table_cell(&t, r, 2)),
                                   .time = strtoll(csv_table_cell(&t, r, 4), NULL, 10),
                                   .purchase = strcmp(csv_table_cell(&t, r, 3), "buy") == 0,
                                   .place = r};
    }
    to_rows(e, t.rows, out);
    return true;
}
