#include "store/carts.h"

#include "base/utf8.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Pages of carts. A cursor is the sort position of the last row shown, so a page costs the same however deep it lies, and rows
 * that move meanwhile are neither lost nor shown twice for it. */

/* Where a page begins: after this row. As text: order, sort value in hex, lane, length of key, key and cart id. */
struct position {
    int64_t seen_us; /* CARTS_BY_SEEN */
    double risk;     /* CARTS_BY_RISK; -1 never scored */
    int lane;
    const char *key;
    const char *cart_id;
};

enum { CURSOR_MAX = 2048 };

/* What PostgreSQL can hold, with room to spare: no cursor of ours is outside. */
#define SEEN_MIN_US (-INT64_C(60000000000000000))
#define SEEN_MAX_US INT64_C(260000000000000000)

static const char order_letters[] = {[CARTS_BY_SEEN] = 's', [CARTS_BY_RISK] = 'r'};

static uint64_t sort_bits(enum cart_order order, const struct position *at)
{
    uint64_t bits = (uint64_t)at->seen_us;
    if (order == CARTS_BY_RISK) {
        /* The bits and not a decimal text: the next page begins at exactly this risk, or a row
         * would be shown twice or never. */
        memcpy(&bits, &at->risk, sizeof bits);
    }
    return bits;
}

const char *store_carts_cursor(enum cart_order order, const struct cart_row *last, struct arena *a)
{
    /* As the statement sorts: what was never scored lies below every risk. */
    struct position at = {.seen_us = last->seen_us, .risk = isnan(last->risk) ? -1 : last->risk};
    const char *plain =
        arena_printf(a, "%c %" PRIx64 " %d %zu %s%s", order_letters[order], sort_bits(order, &at),
                     last->lane, strlen(last->key), last->key, last->cart_id);
    size_t len = strlen(plain);
    size_t size = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return sodium_bin2base64(arena_alloc(a, size), size, (const unsigned char *)plain, len,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* Reads one number and the blank behind it; *at moves on. */
static bool read_number(const char **at, int base, uint64_t max, uint64_t *out)
{
    char *end;
    if (!isxdigit((unsigned char)**at)) {
        return false; /* strtoull would take a sign or blanks */
    }
    errno = 0;
    *out = strtoull(*at, &end, base);
    if (errno != 0 || *out > max || *end != ' ') {
        return false;
    }
    *at = end + 1;
    return true;
}

/* text: the decoded cursor. */
static bool position_parse(enum cart_order order, const char *text, struct arena *a,
                           struct position *out)
{
    uint64_t bits;
    uint64_t lane;
    uint64_t key_len;
    if (text[0] != order_letters[order] || text[1] != ' ') {
        return false;
    }
    text += 2;
    /* A cart id has at least one character, behind a key of the told length. */
    if (!read_number(&text, 16, UINT64_MAX, &bits) || !read_number(&text, 10, 255, &lane) ||
        !read_number(&text, 10, CURSOR_MAX, &key_len) || strlen(text) <= key_len) {
        return false;
    }
    *out = (struct position){.lane = (int)lane, .seen_us = (int64_t)bits};
    memcpy(&out->risk, &bits, sizeof bits);
    out->key = arena_strndup(a, text, key_len);
    out->cart_id = arena_strdup(a, text + key_len);
    if (!utf8_valid(out->key) || !utf8_valid(out->cart_id)) { /* each: the split may cut one */
        return false;
    }
    /* What comes from outside must not reach PostgreSQL as a value it refuses: that would be our
     * error instead of the caller's. */
    return order == CARTS_BY_RISK ? (bool)isfinite(out->risk)
                                  : out->seen_us > SEEN_MIN_US && out->seen_us < SEEN_MAX_US;
}

static bool cursor_parse(enum cart_order order, const char *cursor, struct arena *a,
                         struct position *out, struct err *err)
{
    /* Longer is none of ours: keys and ids are bounded. */
    unsigned char plain[CURSOR_MAX + 1];
    size_t len = 0;
    const char *end = NULL;
    if (sodium_base642bin(plain, CURSOR_MAX, cursor, strlen(cursor), NULL, &len, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        *end != '\0' || memchr(plain, '\0', len) != NULL) {
        return FAIL_AT(err, ERR_INVALID, "cursor", "is not one that this list handed out");
    }
    plain[len] = '\0';
    return position_parse(order, (const char *)plain, a, out) ||
           FAIL_AT(err, ERR_INVALID, "cursor", "is not one that this list handed out");
}

static void add_filter(struct params *p, const struct cart_filter *f)
{
    static const char *const all[] = {"open", "bought", "emptied", "merged"};
    /* Named one by one: the index begins with the status, and each is a range of its own in it. */
    if (f->status == NULL) {
        param_text_array(p, all, sizeof all / sizeof *all);
    } else {
        const char *const some[] = {f->status, f->or_status};
        param_text_array(p, some, f->or_status == NULL ? 1 : 2);
    }
    param_time(p, f->seen_from_us);
    param_time(p, f->seen_until_us);
}

/* at NULL: the top of the list, above whatever there can be. */
static void add_position(struct params *p, enum cart_order order, const struct position *at)
{
    static const struct position top = {.seen_us = INT64_MAX, .risk = 2, .key = "", .cart_id = ""};
    const struct position *from = at == NULL ? &top : at;
    if (order == CARTS_BY_RISK) {
        param_f64(p, from->risk);
    } else {
        param_time(p, from->seen_us);
    }
    param_i32(p, from->lane);
    param_text(p, from->key);
    param_text(p, from->cart_id);
}

static struct cart_row *carts_copy(const PGresult *rows, size_t count, struct arena *a)
{
    struct cart_row *out = arena_array(a, count, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i] = cart_row_at(rows, (int)i);
        out[i].key = arena_strdup(a, out[i].key);
        out[i].cart_id = arena_strdup(a, out[i].cart_id);
        out[i].status = arena_strdup(a, out[i].status);
        out[i].currency = row_text_copy(rows, (int)i, 8, a);
        out[i].risk_model = row_text_copy(rows, (int)i, 16, a);
    }
    return out;
}

bool store_carts_page(struct db *db, const struct cart_filter *f, struct arena *a,
                      struct cart_row **out, size_t *out_count, const char **out_next_cursor,
                      struct err *err)
{
    assert(f->limit > 0);
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct position at = {0};
    if (f->cursor != NULL && !cursor_parse(f->order, f->cursor, a, &at, err)) {
        return false;
    }
    if (f->seen_from_us >=
        f->seen_until_us) { /* PostgreSQL has no range that ends before it begins */
        *out = NULL;
        *out_count = 0;
        *out_next_cursor = NULL;
        return true;
    }
    struct params p = params_make(a);
    add_filter(&p, f);
    add_position(&p, f->order, f->cursor == NULL ? NULL : &at);
    param_i64(&p, (int64_t)f->limit + 1); /* one more tells whether there is a next page */
    if (!db_query(db, f->order == CARTS_BY_RISK ? Q_carts_by_risk : Q_carts_by_seen, &p, &rows,
                  err)) {
        return false;
    }
    /* The extra row is not shown; it begins the next page, whose cursor is the last one shown. */
    size_t found = (size_t)PQntuples(rows);
    size_t count = found > (size_t)f->limit ? (size_t)f->limit : found;
    struct cart_row *carts = carts_copy(rows, count, a);
    *out = carts;
    *out_count = count;
    *out_next_cursor = found > count ? store_carts_cursor(f->order, &carts[count - 1], a) : NULL;
    return true;
}
