/* Where an array's elements begin and end. What they say is not its business. */
#include "import/elements.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A byte order mark is passed on, as in any text: the first line loses it. */
static bool is_mark(char c)
{
    return c == '\xEF' || c == '\xBB' || c == '\xBF';
}

static char in_string(struct elements *e, char c)
{
    e->string = e->escaped || c != '"';
    e->escaped = !e->escaped && c == '\\';
    /* An end of line is no character of a string, and must not end the element's: a tab is none either, and refused as one. */
    if (c == '\n' || c == '\r') {
        return '\t';
    }
    return c;
}

/* What stands for c, between strings; NUL: nothing. */
static char between(struct elements *e, char c)
{
    bool outside = e->depth == 0;
    if (outside && (c == ',' || c == ']')) {
        e->at = c == ']' ? ELEMENTS_BEHIND : ELEMENTS_INSIDE;
        return '\n';
    }
    e->string = c == '"';
    e->depth += c == '{' || c == '[';
    e->depth -= !outside && (c == '}' || c == ']');
    if (is_blank(c)) {
        return '\0';
    }
    return c;
}

static char one(struct elements *e, char c)
{
    if (e->at == ELEMENTS_BEGIN && c == '[') {
        e->at = ELEMENTS_INSIDE;
        return '\0';
    }
    if (e->at == ELEMENTS_BEGIN && !is_blank(c) && !is_mark(c)) {
        e->at = ELEMENTS_NONE;
    }
    if (e->at == ELEMENTS_INSIDE) {
        if (e->string) {
            return in_string(e, c);
        }
        return between(e, c);
    }
    /* What follows the array is told as a line that cannot be read. */
    if (e->at == ELEMENTS_BEHIND && is_blank(c)) {
        return '\0';
    }
    return c;
}

size_t elements_cut(struct elements *e, char *text, size_t len)
{
    size_t kept = 0;
    if (e->at == ELEMENTS_NONE) {
        return len;
    }
    for (size_t i = 0; i < len; i++) {
        char c = one(e, text[i]);
        /* A NUL of the file itself stays, to be refused. */
        if (c != '\0' || text[i] == '\0') {
            text[kept++] = c;
        }
    }
    return kept;
}

bool elements_open(const struct elements *e)
{
    return e->at == ELEMENTS_INSIDE;
}

bool elements_seen(const struct elements *e)
{
    return e->at == ELEMENTS_INSIDE || e->at == ELEMENTS_BEHIND;
}
