/* Rows that hold a whole order: which texts are of which item. What the texts mean is the mapping's business. */
#include "foreign/parts.h"

#include "foreign/field.h"

#include <string.h>
#include <strings.h>

bool parts_target(enum target target)
{
    return target == TO_PRODUCT || target == TO_QUANTITY || target == TO_PRICE ||
           target == TO_TITLE || target == TO_CATEGORY || target == TO_BRAND;
}

bool parts_several(const struct mapping *m, const struct table_row *row)
{
    bool lists = false;
    for (size_t i = 0; i < TARGETS; i++) {
        lists = lists || m->list[i] != '\0';
    }
    return lists || row->nth_count > 0;
}

/* ---- pairs ---- */

/* Bytes of the name and its colon at the beginning of text; 0: no name stands there. A blank begins none: "Mug | size: L" is
 * how products are called. */
static size_t name_at(const char *text)
{
    size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return name > 0 && text[name] == ':' ? name + 1 : 0;
}

/* Up to the bar that a name follows, or to the end. */
static size_t value_at(const char *text)
{
    size_t len = strcspn(text, "|");
    while (text[len] != '\0' && name_at(text + len + 1) == 0) {
        len += 1 + strcspn(text + len + 1, "|");
    }
    return len;
}

const char *parts_pair(const char *pairs, const char *name, struct arena *a)
{
    const char *at = pairs;
    while (*at != '\0') {
        size_t head = name_at(at);
        size_t len = value_at(at + head);
        if (head == strlen(name) + 1 && strncasecmp(at, name, head - 1) == 0) {
            return field_text(arena_strndup(a, at + head, len), a);
        }
        at += head + len;
        at += *at == '|';
    }
    return "";
}

static void take_pairs(const struct mapping *m, struct parts *parts, struct arena *a)
{
    for (size_t n = 0; n < parts->count; n++) {
        for (size_t i = 0; i < TARGETS; i++) {
            if (m->pair[i] != NULL && parts->field[n][i] != NULL) {
                parts->field[n][i] = parts_pair(parts->field[n][i], m->pair[i], a);
            }
        }
    }
}

/* ---- lists ---- */

static size_t values_in(const char *text, char mark)
{
    size_t count = text[0] != '\0';
    for (const char *p = text; *p != '\0'; p++) {
        count += *p == mark;
    }
    return count;
}

/* The next value of a list, without blanks around it; moves on behind its mark. */
static const char *next_value(const char **at, char mark, struct arena *a)
{
    const char *from = *at + strspn(*at, " ");
    const char *end = strchr(from, mark);
    size_t len = end != NULL ? (size_t)(end - from) : strlen(from);
    *at = from + len + (end != NULL);
    while (len > 0 && from[len - 1] == ' ') {
        len--;
    }
    return arena_strndup(a, from, len);
}

/* What says how many there are: ids, else names, else whatever comes first. */
static size_t leading_list(const struct mapping *m)
{
    size_t first = 0;
    while (m->list[first] == '\0') {
        first++;
    }
    return m->list[TO_PRODUCT] != '\0' ? TO_PRODUCT : m->list[TO_TITLE] != '\0' ? TO_TITLE : first;
}

CAN_FAIL static bool split_lists(const struct mapping *m, const struct table_row *row,
                                 struct arena *a, struct parts *out, struct err *err)
{
    size_t lead = leading_list(m);
    out->count = values_in(row->field[lead], m->list[lead]);
    out->field = arena_array(a, out->count + 1, sizeof *out->field);
    for (size_t i = 0; i < TARGETS; i++) {
        const char *at = row->field[i];
        size_t values = m->list[i] != '\0' ? values_in(at, m->list[i]) : 0;
        /* Which of them is missing, nobody can tell. */
        if (values > 0 && values != out->count) {
            return FAIL(err, ERR_INVALID, "%s has %zu value%s, and %s has %zu", row->name[i],
                        values, values == 1 ? "" : "s", row->name[lead], out->count);
        }
        for (size_t n = 0; n < out->count; n++) {
            out->field[n][i] = m->list[i] != '\0' ? next_value(&at, m->list[i], a) : NULL;
        }
    }
    return true;
}

bool parts_of(const struct mapping *m, const struct table_row *row, struct arena *a,
              struct parts *out, struct err *err)
{
    *out = (struct parts){.count = row->nth_count, .field = row->nth};
    bool done = row->nth_count > 0 || !parts_several(m, row) || split_lists(m, row, a, out, err);
    if (done) {
        take_pairs(m, out, a);
    }
    return done;
}
