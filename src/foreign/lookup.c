/* Open addressing from a key to the text of its row. What a column means is the mapping's business; but for
 * orders that are told by their distance (days_since_prior_order), which no row alone can say. */
#include "foreign/lookup.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "foreign/encoding.h"
#include "foreign/field.h"

#include <string.h>

struct entry {
    const char *key; /* NULL: free */
    const char *text;
    uint32_t len;
};

struct lookup {
    const char *key;
    const char *file;
    struct arena arena;   /* of what stays */
    struct arena scratch; /* of one row */
    struct csv_row header;
    char separator; /* 0: the header has not come */
    int key_at;
    struct entry *slots;
    size_t cap, used;
    int user_at, since_at, hour_at; /* -1: orders have times of their own */
    const char *user;               /* of the row before */
    int64_t user_us;                /* the day of that order */
};

enum { CAP_FIRST = 1 << 12 };
/* A shop that keeps no dates begins on a day of ours. */
#define SINCE_BEGIN_US INT64_C(1483228800000000) /* 2017-01-01 */

struct lookup *lookup_open(const char *key, const char *file)
{
    struct lookup *l = mem_alloc(sizeof *l);
    l->key = key;
    l->file = file;
    l->cap = CAP_FIRST;
    l->slots = mem_array(l->cap, sizeof *l->slots);
    return l;
}

void lookup_close(struct lookup **l)
{
    if (*l != NULL) {
        arena_free(&(*l)->arena);
        arena_free(&(*l)->scratch);
        mem_free(&(*l)->slots);
        mem_free(l);
    }
}

/* Columns that its rows have; a header may have one more, of ours. */
static size_t width_of(const struct lookup *l)
{
    return l->separator != '\0' ? l->header.count - (l->since_at >= 0) : 0;
}

struct csv_shape lookup_shape(const struct lookup *l)
{
    return (struct csv_shape){.rows = true, .separator = l->separator, .width = width_of(l)};
}

const char *lookup_key(const struct lookup *l)
{
    return l->key;
}

const char *lookup_file(const struct lookup *l)
{
    return l->file;
}

int lookup_column(const struct lookup *l, const char *name)
{
    return csv_column(&l->header, name);
}

static struct entry *slot_of(const struct lookup *l, const char *key)
{
    size_t i = (size_t)hash_fnv64(key, strlen(key)) & (l->cap - 1);
    while (l->slots[i].key != NULL && strcmp(l->slots[i].key, key) != 0) {
        i = (i + 1) & (l->cap - 1);
    }
    return &l->slots[i];
}

static void grow(struct lookup *l)
{
    struct lookup old = *l;
    l->cap *= 2;
    l->slots = mem_array(l->cap, sizeof *l->slots);
    for (size_t i = 0; i < old.cap; i++) {
        if (old.slots[i].key != NULL) {
            *slot_of(l, old.slots[i].key) = old.slots[i];
        }
    }
    mem_free(&old.slots);
}

static bool read_header(struct lookup *l, const struct foreign_record *record, struct err *err)
{
    char separator = csv_separator(record->text, record->len);
    if (!csv_split(record->text, record->len, separator, &l->arena, &l->header, err)) {
        err->kind = ERR_REFUSED;
        return false;
    }
    l->key_at = csv_column(&l->header, l->key);
    if (l->key_at < 0) {
        return FAIL(err, ERR_REFUSED, "the header has no column %s, which --join names", l->key);
    }
    l->since_at = csv_column(&l->header, "days_since_prior_order");
    l->user_at = csv_column(&l->header, "user_id");
    l->hour_at = csv_column(&l->header, "order_hour_of_day");
    if (l->since_at >= 0 && l->user_at >= 0 && l->hour_at >= 0 &&
        l->header.count < CSV_FIELDS_MAX) {
        l->header.field[l->header.count++] = LOOKUP_SINCE;
    } else {
        l->since_at = -1;
    }
    l->separator = separator;
    return true;
}

/* Orders of a shopper stand one below the other, each so many days after the one before. */
static bool since_time(struct lookup *l, const struct csv_row *row, int64_t *out_us,
                       struct err *err)
{
    const char *user = row->field[l->user_at];
    int64_t days = 0;
    int64_t hour = 0;
    const char *since = row->field[l->since_at];
    if ((since[0] != '\0' && !field_i64("days_since_prior_order", since, &days, err)) ||
        !field_i64("order_hour_of_day", row->field[l->hour_at], &hour, err)) {
        return false;
    }
    if (days < 0 || days > 10000 || hour < 0 || hour > 23) {
        return FAIL(err, ERR_INVALID, "says no time: %.20s days, hour %.20s", since,
                    row->field[l->hour_at]);
    }
    if (l->user == NULL || strcmp(l->user, user) != 0) {
        l->user = arena_strdup(&l->arena, user);
        l->user_us = SINCE_BEGIN_US;
    }
    l->user_us += DAYS(days);
    *out_us = l->user_us + HOURS(hour);
    return true;
}

static bool keep(struct lookup *l, const char *key, const char *text, size_t len, struct err *err)
{
    if (len > UINT32_MAX) {
        return FAIL(err, ERR_INVALID, "is too long");
    }
    /* Grown before the search, because growing moves the slot that the search found. */
    if (l->used * 10 >= l->cap * 7) {
        grow(l);
    }
    struct entry *e = slot_of(l, key);
    if (e->key == NULL) {
        e->key = arena_strdup(&l->arena, key);
        l->used++;
    }
    e->text = arena_strndup(&l->arena, text, len);
    e->len = (uint32_t)len;
    return true;
}

bool lookup_record(struct lookup *l, const struct foreign_record *record, struct err *err)
{
    arena_reset(&l->scratch);
    bool windows = false;
    struct foreign_record utf8 = encoding_utf8(record, &l->scratch, &windows);
    if (record->len == 0) {
        return true;
    }
    if (l->separator == '\0') {
        return read_header(l, &utf8, err);
    }
    struct csv_row row;
    const char *key = NULL;
    size_t own = width_of(l);
    if (!csv_split(utf8.text, utf8.len, l->separator, &l->scratch, &row, err)) {
        return false;
    }
    if (row.count != own) {
        return FAIL(err, ERR_INVALID, "has %zu column%s instead of %zu", row.count,
                    row.count == 1 ? "" : "s", own);
    }
    if (!field_id(l->key, row.field[l->key_at], &l->scratch, &key, err)) {
        return false;
    }
    if (l->since_at < 0) {
        return keep(l, key, utf8.text, utf8.len, err);
    }
    int64_t at_us = 0;
    if (!since_time(l, &row, &at_us, err)) {
        return false;
    }
    char at[CLOCK_TEXT_MAX];
    const char *text = arena_printf(&l->scratch, "%.*s%c%s", (int)utf8.len, utf8.text, l->separator,
                                    clock_format_rfc3339(at_us, at));
    return keep(l, key, text, strlen(text), err);
}

bool lookup_find(const struct lookup *l, const char *key, struct arena *a, struct csv_row *out)
{
    const struct entry *e = slot_of(l, key);
    struct err unread = {0};
    /* It was split once already, with the same result. */
    return e->key != NULL && csv_split(e->text, e->len, l->separator, a, out, &unread);
}
