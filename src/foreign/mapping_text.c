/* A format from the command line: --map and --types. */
#include "foreign/mapping.h"

#include "foreign/order_rows.h"
#include "foreign/parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TYPES_MAX = 256 };

const char *mapping_target_name(enum target target)
{
    static const char *const names[TARGETS] = {
        [TO_TIME] = "occurred_at",     [TO_TYPE] = "type",
        [TO_CUSTOMER] = "customer_id", [TO_ANONYMOUS] = "anonymous_id",
        [TO_SESSION] = "session_id",   [TO_ORDER] = "order_id",
        [TO_CART] = "cart_id",         [TO_EVENT_ID] = "event_id",
        [TO_PRODUCT] = "product_id",   [TO_QUANTITY] = "quantity",
        [TO_PRICE] = "price",          [TO_CURRENCY] = "currency",
        [TO_TOTAL] = "total",          [TO_TITLE] = "title",
        [TO_CATEGORY] = "category",    [TO_BRAND] = "brand",
        [TO_CANCELLED] = "cancelled",
    };
    assert(target < TARGETS);
    return names[target];
}

struct pair {
    const char *name;
    const char *value;
};

/* Up to the mark, or to the end; text in double quotes may hold marks, and two quotes are one. Moves
 * on behind the mark. */
static const char *take(const char **at, char mark, struct arena *a)
{
    char *out = arena_strdup(a, *at);
    char *to = out;
    bool quoted = false;
    const char *p = *at;
    for (; *p != '\0' && (quoted || *p != mark); p++) {
        if (*p == '"' && quoted && p[1] == '"') {
            *to++ = *p++;
        } else if (*p == '"') {
            quoted = !quoted;
        } else {
            *to++ = *p;
        }
    }
    *to = '\0';
    *at = *p == mark ? p + 1 : p;
    return out;
}

/* The next NAME=VALUE; false at the end. */
static bool next_pair(const char **at, struct pair *out, struct arena *a)
{
    if (**at == '\0') {
        return false;
    }
    const char *item = *at;
    size_t len = strcspn(item, "=,");
    bool quoted = item[0] == '"';
    if (!quoted && item[len] != '=') { /* a name alone */
        *out = (struct pair){take(at, ',', a), ""};
        return true;
    }
    out->name = take(at, '=', a);
    out->value = take(at, ',', a);
    return true;
}

/* ---- --map ---- */

CAN_FAIL static bool target_of(const char *name, enum target *out, struct arena *a, struct err *err)
{
    const char *known = "";
    for (size_t i = 0; i < TARGETS; i++) {
        const char *target = mapping_target_name((enum target)i);
        if (strcmp(target, name) == 0) {
            *out = (enum target)i;
            return true;
        }
        known = arena_printf(a, "%s%s%s", known, i > 0 ? ", " : "", target);
    }
    return FAIL_AT(err, ERR_INVALID, "--map", "has no \"%.40s\": what a column can be is %s", name,
                   known);
}

/* The column's name without the name of a pair behind it, which goes to *out_name: of "line_item_1[sku:]" what stands behind "sku:"
 * in its cells. NULL: it has none. */
static const char *cut_pair(const char *column, const char **out_name, struct arena *a)
{
    size_t len = strlen(column);
    const char *open = strrchr(column, '[');
    bool pair = open != NULL && open > column && len > 2 && strcmp(column + len - 2, ":]") == 0 &&
                column + len - 2 > open + 1;
    *out_name = pair ? arena_strndup(a, open + 1, (size_t)(column + len - 2 - open - 1)) : NULL;
    return pair ? arena_strndup(a, column, (size_t)(open - column)) : column;
}

/* The column's name without what says that it holds several: "SKUs[;]" is SKUs, a list with semicolons. */
CAN_FAIL static bool read_several(const struct pair *pair, enum target target, struct mapping *m,
                                  const char **out_name, struct arena *a, struct err *err)
{
    const char *column = cut_pair(pair->value, &m->pair[target], a);
    size_t len = strlen(column);
    bool list = len > 3 && column[len - 3] == '[' && column[len - 1] == ']';
    bool nth = strstr(column, TABLE_NTH) != NULL;
    if ((list || nth) && !parts_target(target)) {
        return FAIL_AT(err, ERR_INVALID, "--map",
                       "says several of %s: a row has several of " PARTS_TARGETS " only",
                       pair->name);
    }
    if (list && nth) {
        return FAIL_AT(err, ERR_INVALID, "--map",
                       "says %s by {n} and as a list: it is one or the other", pair->name);
    }
    m->list[target] = '\0';
    *out_name = column;
    if (list) {
        m->list[target] = column[len - 2];
        *out_name = arena_strndup(a, column, len - 3);
    }
    return true;
}

CAN_FAIL static bool read_columns(const char *map, struct table_column *columns, struct mapping *m,
                                  struct arena *a, struct err *err)
{
    struct pair pair;
    bool said[TARGETS] = {false};
    const char *at = map;
    while (next_pair(&at, &pair, a)) {
        enum target target = TARGETS;
        if (!target_of(pair.name, &target, a, err)) {
            return false;
        }
        if (pair.value[0] == '\0') {
            return FAIL_AT(err, ERR_INVALID, "--map", "says no column for %s, as in %s=COLUMN",
                           pair.name, pair.name);
        }
        if (said[target]) {
            return FAIL_AT(err, ERR_INVALID, "--map", "says %s twice", pair.name);
        }
        said[target] = true;
        columns[target] = (struct table_column){.by_hand = true};
        if (!read_several(&pair, target, m, &columns[target].names[0], a, err)) {
            return false;
        }
    }
    return true;
}

static bool has(const struct table_column *columns, enum target target)
{
    return columns[target].names[0] != NULL;
}

/* "#2" */
static bool is_place(const char *name)
{
    char *end = NULL;
    long at = name[0] == '#' ? strtol(name + 1, &end, 10) : 0;
    return at >= 1 && at <= CSV_FIELDS_MAX && *end == '\0';
}

/* A file has a header or not: places and names do not mix. */
CAN_FAIL static bool read_header_kind(const struct table_column *columns, bool *out_header,
                                      struct err *err)
{
    size_t names = 0;
    size_t places = 0;
    for (size_t i = 0; i < TARGETS; i++) {
        const char *name = columns[i].names[0];
        bool place = name != NULL && is_place(name);
        places += place;
        names += name != NULL && !place;
    }
    if (names > 0 && places > 0) {
        return FAIL_AT(err, ERR_INVALID, "--map",
                       "names columns of a header and places (#2): a file without header has only "
                       "places");
    }
    *out_header = places == 0;
    return true;
}

CAN_FAIL static bool check_whole(const struct table_column *columns, const struct mapping *m,
                                 struct err *err)
{
    bool every = false;
    for (const struct mapping_type *t = m->types; t != NULL && t->value != NULL; t++) {
        every = every || strcmp(t->value, "*") == 0;
    }
    if (!has(columns, TO_TIME)) {
        return FAIL_AT(err, ERR_INVALID, "--map", "must say occurred_at, when it happened");
    }
    if (!has(columns, TO_CUSTOMER) && !has(columns, TO_ANONYMOUS)) {
        return FAIL_AT(err, ERR_INVALID, "--map", "must say customer_id or anonymous_id");
    }
    if (!has(columns, TO_TYPE) && !every) {
        return FAIL_AT(
            err, ERR_INVALID, "--map",
            "must say type; where every row is a purchase, --types '*=purchase' says it");
    }
    return true;
}

/* ---- --types ---- */

CAN_FAIL static bool type_of(const struct pair *pair, struct mapping_type *out, struct err *err)
{
    enum event_type type = event_type_of(pair->value);
    bool left_out = strcmp(pair->value, "-") == 0;
    bool ours =
        strncmp(event_type_name(type), "unknown", 7) != 0 && type < EVENT_DERIVED_SHOPPER_BOUND;
    if (pair->name[0] == '\0' || (!left_out && !ours)) {
        return FAIL_AT(err, ERR_INVALID, "--types",
                       "must be VALUE=TYPE,...: \"%.40s\" is no type of an event, and none is -",
                       pair->value);
    }
    *out = (struct mapping_type){.value = pair->name, .type = type, .left_out = left_out};
    return true;
}

/* Those of the command line first, then those of the base. */
CAN_FAIL static bool read_types(const char *types, const struct mapping_type *base, struct arena *a,
                                const struct mapping_type **out, struct err *err)
{
    struct mapping_type *all = arena_array(a, TYPES_MAX + 1, sizeof *all);
    size_t count = 0;
    size_t any = TYPES_MAX; /* place of "*" */
    struct pair pair;
    const char *at = types != NULL ? types : "";
    while (next_pair(&at, &pair, a)) {
        if (count == TYPES_MAX) {
            return FAIL_AT(err, ERR_INVALID, "--types", "has more than %d values", TYPES_MAX);
        }
        if (!type_of(&pair, &all[count], err)) {
            return false;
        }
        any = strcmp(all[count].value, "*") == 0 ? count : any;
        count++;
    }
    if (any != TYPES_MAX) {
        /* "Every other" is the last word, wherever it was said. */
        struct mapping_type other = all[any];
        all[any] = all[count - 1];
        all[count - 1] = other;
    }
    for (; any == TYPES_MAX && base != NULL && base->value != NULL && count < TYPES_MAX; base++) {
        all[count++] = *base;
    }
    *out = all;
    return true;
}

/* ---- the whole ---- */

/* One that is not the base's own. */
static void settle(struct foreign_format *f, const struct table_column *columns, struct mapping *m)
{
    bool prices = has(columns, TO_PRICE) || has(columns, TO_TOTAL);
    f->name = "map";
    f->currency = prices && !has(columns, TO_CURRENCY) ? NULL : "";
    f->state_bytes = sizeof(struct order_rows);
    f->record = table_record;
    f->close = mapping_close;
    m->native_types = true;
    m->by_order = has(columns, TO_ORDER);
    m->order_is_cart = has(columns, TO_ORDER);
    m->title_names = !has(columns, TO_PRODUCT);
}

bool mapping_read(const char *map, const char *types, const struct foreign_format *base,
                  struct arena *a, const struct foreign_format **out, struct err *err)
{
    struct foreign_format *f = arena_alloc(a, sizeof *f);
    struct table *table = arena_alloc(a, sizeof *table);
    struct mapping *m = arena_alloc(a, sizeof *m);
    struct table_column *columns = arena_array(a, TARGETS, sizeof *columns);
    *f = base != NULL ? *base : (struct foreign_format){0};
    *table =
        base != NULL
            ? *base->table
            : (struct table){.row = mapping_row, .unread = mapping_unread, .column_count = TARGETS};
    *m = base != NULL ? *base->mapping : (struct mapping){0};
    if (base != NULL) {
        memcpy(columns, base->table->columns, TARGETS * sizeof *columns);
    }
    if (!read_types(types, m->types, a, &m->types, err) ||
        !read_columns(map != NULL ? map : "", columns, m, a, err) ||
        !read_header_kind(columns, &table->header, err) || !check_whole(columns, m, err)) {
        return false;
    }
    if (base == NULL) {
        settle(f, columns, m);
    }
    table->columns = columns;
    f->table = table;
    f->mapping = m;
    *out = f;
    return true;
}
