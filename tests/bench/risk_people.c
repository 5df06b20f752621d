/* Who is on both sides of a split. */
#include "bench/risk_people.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FEW_VALUES = 30, ROWS_A_VALUE = 10 };

/* One row's value and its side. */
struct place {
    uint64_t value;
    int32_t side;
};

static int by_value(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    if (x->value != y->value) {
        return x->value < y->value ? -1 : 1;
    }
    return (x->side > y->side) - (x->side < y->side);
}

static bool is_whole(const char *text)
{
    text += *text == '-';
    const char *digits = text;
    while (isdigit((unsigned char)*text)) {
        text++;
    }
    return text > digits && *text == '\0';
}

/* Like the name of an id: these words, or an "id" at the end. */
static bool names_somebody(const char *name)
{
    static const char *const words[] = {"visitor", "user",   "customer", "shopper", "session",
                                        "person",  "member", "client",   "account", "email"};
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasestr(name, words[i])) {
            return true;
        }
    }
    return length >= 2 && strcasecmp(name + length - 2, "id") == 0;
}

/* Appends the rows of a table that hold a value; false if one is a number with a fraction, which names nobody. */
static bool places_add(const struct csv_table *t, const char *name, const int32_t *fold,
                       int32_t side, struct place *places, int *count)
{
    const int column = csv_table_column(t, name);
    for (int r = 0; column >= 0 && r < t->rows; r++) {
        const char *text = csv_table_cell(t, r, column);
        double number = 0;
        if (risk_text_is_missing(text)) {
            continue;
        }
        if (!is_whole(text) && risk_text_number(text, &number)) {
            return false;
        }
        places[(*count)++] = (struct place){hash_fnv64(text, strlen(text)), fold ? fold[r] : side};
    }
    return true;
}

/* Of sorted places: different values, and rows whose value has rows on another side too. */
static void count_values(const struct place *places, int count, int *out_values, int *out_shared)
{
    *out_values = 0;
    *out_shared = 0;
    for (int from = 0, to = 0; from < count; from = to) {
        while (to < count && places[to].value == places[from].value) {
            to++;
        }
        ++*out_values;
        *out_shared += places[to - 1].side != places[from].side ? to - from : 0;
    }
}

static bool warn_of(const struct csv_table *first, const struct csv_table *second,
                    const int32_t *fold, const char *name, FILE *to)
{
    const int rows = first->rows + (second ? second->rows : 0);
    CLEANUP(mem_free) struct place *places = mem_array((size_t)rows + 1, sizeof *places);
    int count = 0;
    int values = 0;
    int shared = 0;
    if (!places_add(first, name, fold, 0, places, &count) ||
        (second && !places_add(second, name, NULL, 1, places, &count))) {
        return false;
    }
    qsort(places, (size_t)count, sizeof *places, by_value);
    count_values(places, count, &values, &shared);
    if (values <= FEW_VALUES || (values < count / ROWS_A_VALUE && !names_somebody(name)) ||
        shared == 0) {
        return false;
    }
    (void)fprintf(
        to,
        "eval risk: warning: the dropped column '%s' looks like ids of somebody, and %d of %d rows share theirs with rows on the "
        "other side of a split, so that the figures are of people met before; --group %s keeps each on one side\n",
        name, shared, rows, name);
    return true;
}

int risk_people_warn(const struct csv_table *first, const struct csv_table *second,
                     const int32_t *fold, const struct risk_columns *columns, FILE *to)
{
    int named = 0;
    for (int i = 0; i < columns->drops; i++) {
        named += warn_of(first, second, fold, columns->drop[i], to);
    }
    return named;
}
