/* Which ids are none. One place for API and import; cartwright.placeholder_fault (sql/migrations) asks the
 * same table of words, copied there, of what comes by plain SQL. */
#include "domain/shop/placeholder.h"

#include "domain/shop/clean_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum word_of { NO_ID, NOBODY };

static const struct {
    const char *word;
    size_t len;
    enum word_of of;
} words[] = {
#define PLACEHOLDER(word, of) {(word), sizeof(word) - 1, (of)},
#include "domain/shop/placeholder_table.inc"
#undef PLACEHOLDER
};

static const struct {
    const char *member; /* as a JSON pointer */
    enum id_of of;
} members[] = {
    {"/customer_id", ID_OF_SHOPPER}, {"/anonymous_id", ID_OF_SHOPPER}, {"/cart_id", ID_OF_CART},
    {"/order_id", ID_OF_ORDER},      {"/event_id", ID_OF_EVENT},
};

static const char blanks[] = " \t";

/* Whether word, of len bytes, stands in a list parted by commas. */
static bool is_listed(const char *list, const char *word, size_t len)
{
    for (const char *p = list; p != NULL && *p != '\0';) {
        p += strspn(p, ", \t");
        size_t item = strcspn(p, ",");
        size_t end = item;
        while (end > 0 && strchr(blanks, p[end - 1]) != NULL) {
            end--;
        }
        if (end == len && len > 0 && strncasecmp(p, word, len) == 0) {
            return true;
        }
        p += item;
    }
    return false;
}

static bool is_word(const char *id, size_t len, enum id_of of)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].len == len && strncasecmp(words[i].word, id, len) == 0) {
            /* a number that is no id of a shopper may well be one of an event */
            bool number = of == ID_OF_EVENT && strcmp(words[i].word, "-1") == 0;
            return (words[i].of == NO_ID || of == ID_OF_SHOPPER) && !number;
        }
    }
    return false;
}

static bool is_zeros(const char *id, size_t len, enum id_of of)
{
    bool uuid = len == 36 || len == 32;

    return strspn(id, "0-{}") >= len && memchr(id, '0', len) != NULL && (uuid || of != ID_OF_EVENT);
}

static bool is_template(const char *id, size_t len)
{
    return len > 2 && ((strncmp(id, "{{", 2) == 0 && strncmp(id + len - 2, "}}", 2) == 0) ||
                       (strncmp(id, "${", 2) == 0 && id[len - 1] == '}') ||
                       (strncmp(id, "%%", 2) == 0 && strncmp(id + len - 2, "%%", 2) == 0));
}

/* Nearly every real id has one of these digits; of the placeholders only -1, and what a template may hold. */
static bool is_plainly_real(const char *id)
{
    const char *from = id + strspn(id, blanks);
    bool digit = false;

    if (from[0] == '-') {
        return false;
    }
    for (const char *p = from; *p != '\0'; p++) {
        if (*p == '{' || *p == '%') {
            return false;
        }
        digit = digit || (*p >= '1' && *p <= '9');
    }
    return digit;
}

bool placeholder_is(const char *id, enum id_of of, const char *allowed)
{
    if (is_plainly_real(id)) {
        return false;
    }
    const char *from = id + strspn(id, blanks);
    size_t len = strlen(from);

    while (len > 0 && strchr(blanks, from[len - 1]) != NULL) {
        len--;
    }
    if (is_listed(allowed, from, len)) {
        return false;
    }
    return is_word(from, len, of) || is_zeros(from, len, of) || is_template(from, len) ||
           !text_is_visible(id);
}

/* NULL of what is neither a text nor an integer, which is its digits. */
static const char *id_text(struct jval id, struct arena *a)
{
    return jval_is(id, JSON_INTEGER) ? arena_printf(a, "%" PRId64, jval_integer(id))
                                     : jval_text(id, a);
}

static void refuse(const char *pointer, const char *id, struct err *err)
{
    char text[ERR_TEXT_MAX];

    /* a text that cannot be seen, or a whole template, says nothing when it is quoted */
    if (strlen(id) > 40 || !text_is_visible(id)) {
        (void)snprintf(text, sizeof text, "must be an id, not what stands where there is none");
    } else {
        (void)snprintf(
            text, sizeof text,
            "must be an id: \"%s\" is what programs write where there is none (where it is "
            "one, name it in ids_allowed)",
            id);
    }
    err_add(err, ERR_INVALID, pointer, text);
}

CAN_FAIL bool placeholders_refuse(struct jval doc, const char *allowed, struct arena *a,
                                  struct err *err)
{
    bool good = true;

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const char *id = id_text(jval_get(doc, members[i].member + 1), a);
        /* an empty one is the decoder's to refuse */
        if (id != NULL && id[0] != '\0' && placeholder_is(id, members[i].of, allowed)) {
            refuse(members[i].member, id, err);
            good = false;
        }
    }
    return good;
}
