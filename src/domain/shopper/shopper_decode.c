/* Canonical text to shopper. A reader of exactly what shopper_encode writes: every event costs one of
 * these, and a general JSON tree was several times slower (./dev bench fold). */
#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "base/utf8.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_fields.h"

#include <string.h>

/* Sticky: after the first failure nothing is read any more. */
struct reader {
    const char *start;
    const char *at;
    const char *end;
    struct arena *arena;
    bool failed;
};

static bool fail(struct reader *r)
{
    r->failed = true;
    r->end = r->at;
    return false;
}

static bool accept(struct reader *r, const char *text, size_t len)
{
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0) {
        return false;
    }
    r->at += len;
    return true;
}

static bool accept_char(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c) {
        return false;
    }
    r->at++;
    return true;
}

static void expect_char(struct reader *r, char c)
{
    if (!accept_char(r, c)) {
        (void)fail(r);
    }
}

/* ---- values ---- */

static int64_t read_i64(struct reader *r)
{
    bool negative = accept_char(r, '-');
    const char *first = r->at;
    int64_t value = 0;
    bool overflow = false;

    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        overflow = overflow || __builtin_mul_overflow(value, 10, &value) ||
                   __builtin_sub_overflow(value, *r->at - '0', &value);
    }
    overflow = overflow || (!negative && value == INT64_MIN);
    if (overflow || r->at == first || (*first == '0' && (negative || r->at - first > 1))) {
        (void)fail(r);
        return 0;
    }
    return negative ? value : -value;
}

/* What sums and times of a shopper can be: differences of any two do not overflow. */
static int64_t read_count(struct reader *r)
{
    int64_t value = read_i64(r);

    if (value < 0 || value > INT64_MAX / 2) {
        (void)fail(r);
        return 0;
    }
    return value;
}

/* Thousandths, as quantity_text writes them. */
static int64_t read_quantity(struct reader *r)
{
    int64_t milli = 0;
    int64_t unit = QUANTITY_ONE;

    if (__builtin_mul_overflow(read_count(r), unit, &milli) || milli > INT64_MAX / 2) {
        (void)fail(r);
        return 0;
    }
    if (accept_char(r, '.')) {
        const char *first = r->at;
        for (; r->at < r->end && *r->at >= '0' && *r->at <= '9' && unit > 1; r->at++) {
            unit /= 10;
            milli += (*r->at - '0') * unit;
        }
        if (r->at == first || r->at[-1] == '0') {
            (void)fail(r);
        }
    }
    return milli;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The escapes that jenc writes, which are of characters below U+0020; 0 for another one. */
static char read_escape(struct reader *r)
{
    static const char letters[] = "\"\\bfnrt";
    static const char names[] = "\"\\\b\f\n\r\t";
    const char *letter = r->at < r->end && *r->at != '\0' ? strchr(letters, *r->at) : NULL;

    if (letter != NULL) {
        r->at++;
        return names[letter - letters];
    }
    if (accept(r, "u00", 3) && r->end - r->at >= 2) {
        int high = hex_digit(r->at[0]);
        int low = hex_digit(r->at[1]);
        r->at += 2;
        char c = (char)(high * 16 + low);
        /* one that has a letter is never written in digits */
        if ((high == 0 || high == 1) && low >= 0 && strchr(names, c) == NULL) {
            return c;
        }
    }
    return '\0';
}

/* The quote that ends the string which has begun; NULL if none does. */
static const char *closing_quote(const struct reader *r)
{
    for (const char *at = r->at; at < r->end; at++) {
        if (*at == '"') {
            return at;
        }
        at += *at == '\\';
    }
    return NULL;
}

/* A string; what stands between the quotes is unescaped into the arena. */
static char *read_text(struct reader *r)
{
    expect_char(r, '"');
    const char *close = closing_quote(r);
    if (close == NULL) {
        (void)fail(r);
        return NULL;
    }
    char *text = arena_alloc(r->arena, (size_t)(close - r->at) + 1);
    size_t len = 0;
    unsigned char bits = 0; /* of all bytes */
    while (r->at < close) {
        char c = *r->at++;
        if (c == '\\') {
            c = read_escape(r);
        } else if ((unsigned char)c < 0x20) {
            c = '\0';
        }
        if (c == '\0') {
            (void)fail(r);
            return NULL;
        }
        bits |= (unsigned char)c;
        text[len++] = c;
    }
    expect_char(r, '"');
    /* jenc never writes what is no UTF-8; ASCII, nearly every text, need not be looked at again */
    if (bits >= 0x80 && !utf8_valid(text)) {
        (void)fail(r);
        return NULL;
    }
    return text;
}

/* A string that is one of count names; 0 and a failure for another. */
static size_t read_name(struct reader *r, const char *(*name_of)(size_t), size_t count)
{
    const char *first = r->at + 1;

    expect_char(r, '"');
    while (r->at < r->end && *r->at != '"') {
        r->at++;
    }
    size_t len = r->failed ? 0 : (size_t)(r->at - first);
    expect_char(r, '"');
    for (size_t i = 0; i < count && !r->failed; i++) {
        const char *name = name_of(i);
        if (strlen(name) == len && memcmp(name, first, len) == 0) {
            return i;
        }
    }
    (void)fail(r);
    return 0;
}

static const char *status_of(size_t i)
{
    return cart_status_name((enum cart_status)i);
}

static const char *type_of(size_t i)
{
    return event_type_name((enum event_type)i);
}

static void read_currency(struct reader *r, char out[4])
{
    const char *text = read_text(r);

    if (text != NULL && money_currency_valid(text)) {
        memcpy(out, text, 4);
    } else {
        (void)fail(r);
    }
}

static void read_released(struct reader *r, int64_t *out)
{
    size_t count = 0;

    expect_char(r, '[');
    do {
        if (count == STEPS_MAX) {
            (void)fail(r);
            return;
        }
        out[count++] = read_count(r);
    } while (accept_char(r, ','));
    expect_char(r, ']');
    if (out[count - 1] == 0) {
        (void)fail(r); /* the list ends with its last release */
    }
}

/* ---- objects by table ---- */

static void *at_offset(void *object, size_t offset)
{
    return (char *)object + offset;
}

static void set_absent(const struct field *f, void *object)
{
    int64_t value = f->kind == FIELD_AMOUNT  ? MONEY_UNKNOWN
                    : f->kind == FIELD_FROM  ? INT64_MIN
                    : f->kind == FIELD_UNTIL ? INT64_MAX
                                             : 0;

    if (value != 0) { /* the memory is zero */
        *(int64_t *)at_offset(object, f->offset) = value;
    }
}

static void read_list(struct reader *r, const struct field *f, void *object);

static void read_value(struct reader *r, const struct field *f, void *object)
{
    void *value = at_offset(object, f->offset);

    switch (f->kind) {
    case FIELD_COUNT:
    case FIELD_AMOUNT:
    case FIELD_FROM:
    case FIELD_UNTIL:
        *(int64_t *)value = read_count(r);
        break;
    case FIELD_QUANTITY:
        *(int64_t *)value = read_quantity(r);
        break;
    case FIELD_BOOL:
        *(bool *)value = accept(r, "true", 4) || fail(r);
        break;
    case FIELD_TEXT:
        *(char **)value = read_text(r);
        break;
    case FIELD_CURRENCY:
        read_currency(r, value);
        break;
    case FIELD_STATUS:
        *(enum cart_status *)value = (enum cart_status)read_name(r, status_of, CART_MERGED + 1);
        break;
    case FIELD_TYPE:
        *(enum event_type *)value = (enum event_type)read_name(r, type_of, EVENT_TYPE_COUNT);
        break;
    case FIELD_RELEASED:
        read_released(r, value);
        break;
    case FIELD_LIST:
        read_list(r, f, object);
        break;
    }
}

static void read_field(struct reader *r, const struct field *f, void *object)
{
    read_value(r, f, object);
    if (field_is_absent(f, object)) {
        (void)fail(r); /* would not have been written */
    }
}

/* True if the next member is of that name; eats the comma before it and the name. */
static bool accept_name(struct reader *r, const char *name, bool first)
{
    const char *before = r->at;
    size_t len = strlen(name);

    if ((first || accept_char(r, ',')) && accept_char(r, '"') && accept(r, name, len) &&
        accept(r, "\":", 2)) {
        return true;
    }
    r->at = before;
    return false;
}

static void read_object(struct reader *r, const struct field_list *list, void *object)
{
    bool first = true;

    expect_char(r, '{');
    for (size_t i = 0; i < list->field_count && !r->failed; i++) {
        const struct field *f = &list->fields[i];
        if (accept_name(r, f->name, first)) {
            read_field(r, f, object);
            first = false;
        } else {
            set_absent(f, object);
        }
    }
    expect_char(r, '}');
}

static void read_null(struct reader *r, const struct field *f, void *object)
{
    set_absent(f, object);
    if (!field_is_absent(f, object)) {
        (void)fail(r); /* there is always one of these, and no null for it */
    }
}

static void read_row(struct reader *r, const struct field_list *list, void *object)
{
    size_t last = 0; /* behind the last field that is there */
    size_t i = 0;

    expect_char(r, '[');
    for (; i < list->field_count && !r->failed; i++) {
        if (i >= list->row_min && r->at < r->end && *r->at == ']') {
            break;
        }
        if (i > 0) {
            expect_char(r, ',');
        }
        const struct field *f = &list->fields[i];
        if (!accept(r, "null", 4)) {
            read_field(r, f, object);
            last = i + 1;
        } else {
            read_null(r, f, object);
        }
    }
    if (i > list->row_min && last < i) {
        (void)fail(r); /* a null at the end would not have been written */
    }
    for (; i < list->field_count; i++) {
        set_absent(&list->fields[i], object);
    }
    expect_char(r, ']');
}

/* Room for one more element behind a pointer. */
static void *grow(struct reader *r, void *elements, size_t count, size_t size)
{
    if (count > 0 && count < cart_lines_capacity(count)) {
        return elements;
    }
    void *grown = arena_array(r->arena, cart_lines_capacity(count + 1), size);
    return count == 0 ? grown : memcpy(grown, elements, count * size);
}

static void read_list(struct reader *r, const struct field *f, void *object)
{
    const struct field_list *list = f->list;
    size_t *count = at_offset(object, list->count_offset);
    void *elements = at_offset(object, f->offset);

    expect_char(r, '[');
    do {
        if (*count == list->max) {
            (void)fail(r);
            return;
        }
        if (list->is_pointer) {
            elements = grow(r, elements, *count, list->size);
            memcpy(at_offset(object, f->offset), &elements, sizeof elements);
        }
        void *element = at_offset(elements, (*count)++ * list->size);
        if (list->rows) {
            read_row(r, list, element);
        } else {
            read_object(r, list, element);
        }
        if (list->named && field_is_absent(&list->fields[0], element)) {
            (void)fail(r);
        }
    } while (accept_char(r, ','));
    expect_char(r, ']');
}

/* ---- what the text may not leave out ---- */

/* No amount without its currency. */
static bool lines_are_whole(const struct cart_line *lines, size_t count)
{
    bool whole = true;

    for (size_t i = 0; i < count; i++) {
        const bool priced = lines[i].price_minor != MONEY_UNKNOWN;
        whole = whole && priced == (lines[i].currency[0] != '\0');
    }
    return whole;
}

static bool cart_is_whole(const struct cart *c)
{
    return c->round > 0 && lines_are_whole(c->lines, c->line_count) &&
           lines_are_whole(c->adjustments, c->adjustment_count);
}

static bool is_whole(const struct shopper *s)
{
    bool whole = s->format <= SHOPPER_FORMAT && s->key != NULL &&
                 (s->key[0] == 'a' || s->key[0] == 'c') && s->key[1] == ':';

    for (size_t i = 0; i < s->cart_count; i++) {
        whole = whole && cart_is_whole(&s->carts[i]);
    }
    return whole;
}

bool shopper_decode(const char *text, size_t len, struct arena *a, struct shopper **out,
                    struct err *err)
{
    struct reader r = {.start = text, .at = text, .end = text + len, .arena = a};
    struct shopper *s = arena_alloc(a, sizeof *s);

    read_object(&r, &shopper_fields, s);
    if (r.failed || r.at != r.end) {
        return FAIL(err, ERR_INVALID, "shopper is not in canonical form at byte %zu",
                    (size_t)(r.at - r.start));
    }
    if (!is_whole(s)) {
        return FAIL(
            err, ERR_INVALID,
            "shopper is of a newer format, lacks a key, a list one of its names, or a price its "
            "currency");
    }
    *out = s;
    return true;
}

bool shopper_rules_of_doc(const char *doc, int64_t *out_stamp)
{
    struct err err = {0};
    CLEANUP(jdec_free) json_t *tree = jdec_parse(doc, strlen(doc), &err);
    const json_t *stamp = json_object_get(tree, "rules");

    *out_stamp = json_integer_value(stamp);
    return json_is_integer(stamp);
}
