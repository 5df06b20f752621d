#include "support/exposition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = 128, LINE_MAX_LEN = 2048, FAMILIES_MAX = 512, ROWS_MAX = 4096 };

struct row {
    char series[LINE_MAX_LEN]; /* name and labels as written */
    char name[NAME_MAX_LEN];
    char le[NAME_MAX_LEN];
    double value;
};

struct family {
    char name[NAME_MAX_LEN];
    char type[NAME_MAX_LEN];
    bool help;
    double last_bucket; /* of the histogram's rows so far */
    double last_le;
    bool sum;
    bool count;
    size_t rows;
};

struct check {
    struct family families[FAMILIES_MAX];
    size_t family_count;
    char *series[ROWS_MAX];
    size_t row_count;
    const char *why; /* NULL: nothing wrong */
};

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t name_length(const char *text)
{
    size_t n = 0;

    while (is_name_start(text[n]) || text[n] == ':' ||
           (n > 0 && text[n] >= '0' && text[n] <= '9')) {
        n++;
    }
    return n;
}

/* Whether the name has this word between underscores or at an end. */
static bool has_word(const char *name, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = name; (p = strstr(p, word)) != NULL; p++) {
        if ((p == name || p[-1] == '_') && (p[len] == '\0' || p[len] == '_')) {
            return true;
        }
    }
    return false;
}

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name);
    size_t end_len = strlen(end);

    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static const char *const short_units[] = {"s",  "ms", "us", "ns", "sec", "b", "kb",
                                          "mb", "gb", "tb", "pb", "m",   "h", "d"};
static const char *const long_units[] = {
    "minutes",   "hours",     "days", "weeks",   "kilobytes", "kibibytes", "megabytes", "mebibytes",
    "gigabytes", "gibibytes", "bits", "percent", "micro",     "milli",     "nano",      "kilo"};
static const char *const prefixes[] = {"pico", "nano", "micro", "milli", "centi", "deci",
                                       "kilo", "mega", "giga",  "kibi",  "mibi"};
static const char *const bases[] = {"seconds", "bytes", "meters",  "grams",
                                    "joules",  "volts", "amperes", "celsius"};

static const char *unit_fault(const char *name)
{
    for (size_t i = 0; i < sizeof short_units / sizeof *short_units; i++) {
        if (has_word(name, short_units[i])) {
            return "the unit is abbreviated";
        }
    }
    for (size_t i = 0; i < sizeof long_units / sizeof *long_units; i++) {
        if (has_word(name, long_units[i])) {
            return "the unit is no base unit";
        }
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        for (size_t k = 0; k < sizeof bases / sizeof *bases; k++) {
            char word[NAME_MAX_LEN];
            (void)snprintf(word, sizeof word, "%s%s", prefixes[i], bases[k]);
            if (has_word(name, word)) {
                return "the unit is no base unit";
            }
        }
    }
    return NULL;
}

static const char *type_word_fault(const char *name)
{
    return has_word(name, "counter") || has_word(name, "gauge") || has_word(name, "histogram") ||
                   has_word(name, "summary")
               ? "the name has a type in it"
               : NULL;
}

static const char *suffix_fault(const struct family *f)
{
    bool counter = strcmp(f->type, "counter") == 0;

    if (counter != ends_in(f->name, "_total")) {
        return counter ? "a counter without _total" : "_total on what is no counter";
    }
    if (ends_in(f->name, "_bucket") || ends_in(f->name, "_sum") || ends_in(f->name, "_count")) {
        return "a suffix that is a histogram's";
    }
    return NULL;
}

/* What promtool says of a family's name. */
static const char *name_fault(const struct family *f)
{
    for (const char *p = f->name; *p; p++) {
        if (*p == ':' || (*p >= 'A' && *p <= 'Z')) {
            return "a name that is not in snake case";
        }
    }
    const char *why = suffix_fault(f);
    why = why != NULL ? why : unit_fault(f->name);
    return why != NULL ? why : type_word_fault(f->name);
}

/* ---- families ---- */

static struct family *newest(struct check *c)
{
    return c->family_count > 0 ? &c->families[c->family_count - 1] : NULL;
}

static void end_family(struct check *c)
{
    const struct family *f = newest(c);

    if (f == NULL || c->why != NULL) {
        return;
    }
    if (f->type[0] == '\0') {
        c->why = "a family with HELP and no TYPE";
    } else if (strcmp(f->type, "histogram") == 0 && f->rows > 0 &&
               (!f->sum || !f->count || !isinf(f->last_le))) {
        c->why = "a histogram without sum, count or the bucket +Inf";
    }
}

static void take_help(struct check *c, const char *name, size_t len, const char *rest)
{
    end_family(c);
    for (size_t i = 0; i < c->family_count; i++) {
        if (strlen(c->families[i].name) == len && memcmp(c->families[i].name, name, len) == 0) {
            c->why = "a family that was there before";
        }
    }
    if (rest[0] != ' ' || strlen(rest) < 2 || c->family_count == FAMILIES_MAX) {
        c->why = "HELP without words";
        return;
    }
    struct family *f = &c->families[c->family_count++];
    *f = (struct family){.help = true, .last_le = (double)-INFINITY};
    memcpy(f->name, name, len);
}

static void take_type(struct check *c, const char *name, size_t len, const char *rest)
{
    struct family *f = newest(c);

    if (f == NULL || strlen(f->name) != len || memcmp(f->name, name, len) != 0 ||
        f->type[0] != '\0') {
        c->why = "TYPE not right behind its HELP";
        return;
    }
    (void)snprintf(f->type, sizeof f->type, "%s", rest[0] == ' ' ? rest + 1 : "");
    if (strcmp(f->type, "counter") != 0 && strcmp(f->type, "gauge") != 0 &&
        strcmp(f->type, "histogram") != 0) {
        c->why = "a type that is none";
    } else {
        c->why = name_fault(f);
    }
}

static void take_comment(struct check *c, const char *line)
{
    const char *name = line + strlen("# HELP ");
    size_t len = strlen(line) > strlen("# HELP ") ? name_length(name) : 0;
    bool named = len > 0 && len < NAME_MAX_LEN;

    if (named && strncmp(line, "# HELP ", strlen("# HELP ")) == 0) {
        take_help(c, name, len, name + len);
    } else if (named && strncmp(line, "# TYPE ", strlen("# TYPE ")) == 0) {
        take_type(c, name, len, name + len);
    } else {
        c->why = "a comment that is neither HELP nor TYPE of a family";
    }
}

/* ---- rows ---- */

/* Past one label `name="value"`; NULL where it is none. */
static const char *take_label(const char *p, struct row *r)
{
    size_t len = name_length(p);
    char *le = len == 2 && memcmp(p, "le", 2) == 0 ? r->le : NULL;

    if (len == 0 || memchr(p, ':', len) != NULL || p[len] != '=' || p[len + 1] != '"') {
        return NULL;
    }
    for (p += len + 2; *p != '"'; p++) {
        if (*p == '\0' || (*p == '\\' && strchr("\\\"n", *++p) == NULL)) {
            return NULL;
        }
        if (le != NULL && le < r->le + sizeof r->le - 1) {
            *le++ = *p;
        }
    }
    return p + 1;
}

static const char *take_labels(const char *p, struct row *r)
{
    if (*p != '{') {
        return p;
    }
    do {
        p = take_label(p + 1, r);
    } while (p != NULL && *p == ',');
    return p != NULL && *p == '}' ? p + 1 : NULL;
}

static bool parse_row(const char *line, struct row *r)
{
    size_t len = name_length(line);

    *r = (struct row){.value = 0};
    if (len == 0 || len >= sizeof r->name) {
        return false;
    }
    memcpy(r->name, line, len);
    const char *p = take_labels(line + len, r);
    if (p == NULL || *p != ' ') {
        return false;
    }
    memcpy(r->series, line, (size_t)(p - line));
    char *end = NULL;
    r->value = strtod(p + 1, &end);
    return end != p + 1 && *end == '\0' && strchr(" \t", p[1]) == NULL;
}

/* A histogram's row, by what stands behind the family's name. */
static const char *histogram_fault(struct family *f, const struct row *r, const char *suffix)
{
    if (strcmp(suffix, "_bucket") == 0) {
        double le = strtod(r->le, NULL);
        bool grows = r->le[0] != '\0' && le > f->last_le && r->value >= f->last_bucket;
        f->last_le = le;
        f->last_bucket = r->value;
        return grows ? NULL : "buckets that do not grow";
    }
    if (strcmp(suffix, "_sum") == 0) {
        f->sum = true;
        return NULL;
    }
    if (strcmp(suffix, "_count") == 0) {
        f->count = true;
        return r->value == f->last_bucket ? NULL : "a count that is not that of the bucket +Inf";
    }
    return "a row of another family";
}

static const char *row_fault(struct check *c, const struct row *r)
{
    struct family *f = newest(c);
    size_t len = f != NULL ? strlen(f->name) : 0;

    if (f == NULL || f->type[0] == '\0' || strncmp(r->name, f->name, len) != 0) {
        return "a row of another family";
    }
    for (size_t i = 0; i < c->row_count; i++) {
        if (strcmp(c->series[i], r->series) == 0) {
            return "a row that was there before";
        }
    }
    f->rows++;
    if (strcmp(f->type, "histogram") == 0) {
        return histogram_fault(f, r, r->name + len);
    }
    if (r->name[len] != '\0') {
        return "a row of another family";
    }
    if (r->le[0] != '\0') {
        return "le on what is no histogram";
    }
    return strcmp(f->type, "counter") == 0 && !(r->value >= 0) ? "a counter below 0" : NULL;
}

static void take_row(struct check *c, const char *line)
{
    struct row r;

    if (!parse_row(line, &r)) {
        c->why = "a line that is none of the format";
        return;
    }
    c->why = c->row_count < ROWS_MAX ? row_fault(c, &r) : "more rows than are checked";
    if (c->why == NULL) {
        c->series[c->row_count++] = strdup(r.series);
    }
}

bool exposition_check(const char *text, char *out_why, size_t size)
{
    struct check *c = calloc(1, sizeof *c);
    char line[LINE_MAX_LEN] = "";

    if (c == NULL) {
        abort();
    }
    if (text[0] == '\0' || text[strlen(text) - 1] != '\n') {
        c->why = "no line, or one that does not end";
    }
    while (*text && c->why == NULL) {
        size_t len = strcspn(text, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)len, text);
        if (len >= sizeof line) {
            c->why = "a line too long to be checked";
        } else if (line[0] == '#') {
            take_comment(c, line);
        } else {
            take_row(c, line);
        }
        text += len + 1;
    }
    end_family(c);
    (void)snprintf(out_why, size, "%s: %.200s", c->why != NULL ? c->why : "", line);
    bool right = c->why == NULL;
    for (size_t i = 0; i < c->row_count; i++) {
        free(c->series[i]);
    }
    free(c);
    return right;
}
