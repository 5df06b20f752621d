/* Cuts a request body into its elements. It looks at brackets and strings only. */
#include "http/wire/batch.h"

#include "base/json/jdec.h"
#include "base/json/jlex.h"

#include <string.h>

static size_t skip_space(const char *text, size_t len, size_t at)
{
    while (at < len && jlex_is_space(text[at])) {
        at++;
    }
    return at;
}

/* Index of the comma or bracket that ends the element beginning at `at`; len if there is none. */
static size_t element_end(const char *text, size_t len, size_t at)
{
    size_t depth = 0;

    while (at < len) {
        char c = text[at];
        if (c == '"') {
            /* len + 1 where nothing ends it */
            at = (size_t)(jlex_closing_quote(text + at + 1, text + len) - text) + 1;
            continue;
        }
        if (depth == 0 && (c == ',' || c == ']' || c == '}')) {
            return at;
        }
        /* counted, not matched: [1} is cut somewhere, and the parser refuses the piece */
        if (c == '[' || c == '{') {
            depth++;
        } else if (c == ']' || c == '}') {
            depth--;
        }
        at++;
    }
    return len;
}

static struct piece trimmed(char *text, size_t from, size_t to)
{
    while (to > from && jlex_is_space(text[to - 1])) {
        to--;
    }
    return (struct piece){.text = text + from, .len = to - from};
}

static void add(struct batch *b, struct piece piece, size_t max)
{
    if (b->count == max) {
        b->over = true;
    } else {
        b->pieces[b->count++] = piece;
    }
}

/* False where the text is no array of non-empty elements. */
static bool cut_array(char *text, size_t len, size_t at, size_t max, struct batch *out)
{
    at = skip_space(text, len, at + 1);
    if (at < len && text[at] == ']') {
        return skip_space(text, len, at + 1) == len;
    }
    while (at < len && !out->over) {
        size_t end = element_end(text, len, at);
        struct piece piece = trimmed(text, at, end);
        /* nothing ends it ([1), the wrong bracket does ([1}), or it is empty ([1,]) */
        if (end >= len || text[end] == '}' || piece.len == 0) {
            return false;
        }
        add(out, piece, max);
        if (text[end] == ']') {
            return skip_space(text, len, end + 1) == len;
        }
        at = skip_space(text, len, end + 1);
    }
    /* the limit ended the loop, which is no fault of form, or the text did without its bracket */
    return out->over;
}

static void cut_lines(char *text, size_t len, size_t max, struct batch *out)
{
    for (size_t at = 0; at < len && !out->over;) {
        char *newline = memchr(text + at, '\n', len - at);
        size_t end = newline ? (size_t)(newline - text) : len;
        size_t from = skip_space(text, end, at);
        struct piece piece = trimmed(text, from, end);
        /* blank lines are no elements; the CR of a CR LF was trimmed like a blank */
        if (piece.len > 0) {
            add(out, piece, max);
        }
        at = end + 1;
    }
}

CAN_FAIL bool batch_cut(char *body, size_t len, bool lines, size_t max, struct arena *a,
                        struct batch *out, struct err *err)
{
    size_t at = skip_space(body, len, 0);
    if (at == len) {
        return FAIL(err, ERR_INVALID, "the body is empty");
    }
    /* an element takes two bytes at least, so a small body needs no room for max */
    size_t room = max < len / 2 + 1 ? max : len / 2 + 1;
    struct batch b = {.pieces = arena_array(a, room, sizeof *b.pieces), .lines = lines};
    bool whole = true;
    if (lines) {
        cut_lines(body, len, max, &b);
    } else if (body[at] == '[') {
        b.array = true;
        whole = cut_array(body, len, at, max, &b);
    } else {
        add(&b, trimmed(body, at, len), max);
    }
    if (!whole) {
        /* The whole body is parsed for the words only: what is wrong, at a line and column that
         * count from its beginning. If it parses, the cutter is wrong, not the client. */
        json_t *doc = jdec_parse(body, len, err);
        bool parsed = doc != NULL;
        jdec_free(&doc);
        return parsed ? FAIL(err, ERR_INTERNAL, "the body was not cut into its elements") : false;
    }
    *out = b;
    return true;
}
