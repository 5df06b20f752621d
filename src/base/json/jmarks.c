/* Reads JSON text in one pass and allocates nothing for a value, but for texts with escapes. Says only whether the
 * text is good: what is wrong with one that is not, jansson says (jdoc.c), as of all others. */
#include "base/json/jmarks.h"

#include "base/json/jdec.h"
#include "base/json/jlex.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Up to so many members of an object are held against each other; those of larger ones are sorted. */
enum { NAMES_PLAIN = 32 };

struct scan {
    const char *at;
    const char *end;
    struct jmarks *marks;
    struct arena *arena;
};

static const struct jspan no_name = {NULL, 0};

static bool accept(struct scan *s, char c)
{
    s->at = jlex_skip_space(s->at, s->end);
    if (s->at == s->end || *s->at != c) {
        return false;
    }
    s->at++;
    return true;
}

/* ---- scalars ---- */

/* A new mark; its place in all, which may move when the next is made. */
static size_t push(struct jmarks *m, struct jspan name, json_type type, struct jspan text)
{
    if (m->count == m->room) {
        bool inside = m->all == m->first;
        m->room *= 2;
        m->all = mem_grow(inside ? NULL : m->all, m->room, sizeof *m->all);
        if (inside) {
            memcpy(m->all, m->first, sizeof m->first);
        }
    }
    m->all[m->count] = (struct jmark){.name = name.text,
                                      .text = text.text,
                                      .name_len = (uint32_t)name.len,
                                      .len = (uint32_t)text.len,
                                      .span = 1,
                                      .type = (uint8_t)type};
    return m->count++;
}

/* One without members, so far. */
static size_t push_container(struct jmarks *m, struct jspan name, json_type type)
{
    size_t at = push(m, name, type, no_name);

    m->all[at].names = 0;
    return at;
}

/* A string, unescaped; kept tells whether that took a place in the arena. */
static bool read_text(struct scan *s, struct jspan *out, bool *out_kept)
{
    if (!jlex_string(&s->at, s->end, out, out_kept)) {
        return false;
    }
    if (*out_kept) {
        char *text = arena_alloc(s->arena, out->len + 1);
        *out = (struct jspan){text, jlex_unescape(*out, text)};
    }
    return true;
}

static bool read_string(struct scan *s, struct jspan name)
{
    struct jspan text;
    bool kept;

    if (!read_text(s, &text, &kept)) {
        return false;
    }
    size_t at = push(s->marks, name, JSON_STRING, text);
    s->marks->all[at].kept = kept;
    return true;
}

static bool read_number(struct scan *s, struct jspan name)
{
    struct jspan written;
    bool integer;

    if (!jlex_number(&s->at, s->end, &written, &integer)) {
        return false;
    }
    (void)push(s->marks, name, integer ? JSON_INTEGER : JSON_REAL, written);
    return true;
}

static bool read_word(struct scan *s, struct jspan name, const char *word, json_type type)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0) {
        return false;
    }
    s->at += len;
    (void)push(s->marks, name, type, no_name);
    return true;
}

/* ---- names that come twice ---- */

static bool has_name(const struct jmark *m, struct jspan name)
{
    return m->name_len == name.len && memcmp(m->name, name.text, name.len) == 0;
}

/* Whether one of the members from `from` on, all whole, has the name. */
static bool is_named(const struct jmarks *m, size_t from, struct jspan name)
{
    for (size_t i = from; i < m->count; i += m->all[i].span) {
        if (has_name(&m->all[i], name)) {
            return true;
        }
    }
    return false;
}

static int by_name(const void *x, const void *y)
{
    const struct jspan *a = x;
    const struct jspan *b = y;

    if (a->len != b->len) {
        return a->len < b->len ? -1 : 1;
    }
    return memcmp(a->text, b->text, a->len);
}

/* The same of an object of very many members, where looking at each for each would be squared work. */
static bool some_come_twice(const struct jmarks *m, size_t from, size_t count)
{
    struct jspan *names = mem_array(count, sizeof *names);
    size_t n = 0;
    bool twice = false;

    for (size_t i = from; i < m->count; i += m->all[i].span) {
        names[n++] = (struct jspan){m->all[i].name, m->all[i].name_len};
    }
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 1; i < n; i++) {
        twice = twice || by_name(&names[i - 1], &names[i]) == 0;
    }
    mem_free(&names);
    return twice;
}

/* ---- objects and arrays ---- */

static bool read_value(struct scan *s, struct jspan name, int levels);

/* A name and its colon; it must not be that of a member from `from` on. */
static bool read_name(struct scan *s, size_t from, size_t count, uint64_t *names, struct jspan *out)
{
    bool escaped;

    s->at = jlex_skip_space(s->at, s->end);
    if (s->at == s->end || *s->at != '"' || !read_text(s, out, &escaped)) {
        return false;
    }
    uint64_t bit = jmark_name_bit(out->text, out->len);
    if (count < NAMES_PLAIN && (*names & bit) != 0 && is_named(s->marks, from, *out)) {
        return false;
    }
    *names |= bit;
    return accept(s, ':');
}

/* The rest of an object whose mark is at `at`, behind the members that it has. */
static bool read_members(struct scan *s, size_t at, int levels)
{
    uint64_t names = s->marks->all[at].names;
    uint32_t count = s->marks->all[at].len;
    struct jspan name;

    if (accept(s, '}')) {
        return true;
    }
    do {
        if (!read_name(s, at + 1, count, &names, &name) || !read_value(s, name, levels)) {
            return false;
        }
        count++;
    } while (accept(s, ','));
    s->marks->all[at].len = count;
    s->marks->all[at].names = names;
    return accept(s, '}') && (count <= NAMES_PLAIN || !some_come_twice(s->marks, at + 1, count));
}

static bool read_elements(struct scan *s, size_t at, int levels)
{
    uint32_t count = 0;

    if (accept(s, ']')) {
        return true;
    }
    do {
        if (!read_value(s, no_name, levels)) {
            return false;
        }
        count++;
    } while (accept(s, ','));
    s->marks->all[at].len = count;
    return accept(s, ']');
}

static bool read_container(struct scan *s, struct jspan name, int levels)
{
    bool object = *s->at++ == '{';
    size_t at = push_container(s->marks, name, object ? JSON_OBJECT : JSON_ARRAY);

    if (levels == 0 || !(object ? read_members : read_elements)(s, at, levels - 1)) {
        return false;
    }
    s->marks->all[at].span = (uint32_t)(s->marks->count - at);
    return true;
}

/* Recurses once a level, of which there are JDEC_DEPTH_MAX. */
static bool read_value(struct scan *s, struct jspan name, int levels)
{
    s->at = jlex_skip_space(s->at, s->end);
    if (s->at == s->end) {
        return false;
    }
    switch (*s->at) {
    case '{':
    case '[':
        return read_container(s, name, levels);
    case '"':
        return read_string(s, name);
    case 't':
        return read_word(s, name, "true", JSON_TRUE);
    case 'f':
        return read_word(s, name, "false", JSON_FALSE);
    case 'n':
        return read_word(s, name, "null", JSON_NULL);
    default:
        return read_number(s, name);
    }
}

static void empty(struct jmarks *m)
{
    m->all = m->first;
    m->count = 0;
    m->room = JMARKS_FIRST;
}

bool jmarks_read(struct jmarks *m, const char *text, size_t len, struct arena *a)
{
    struct scan s = {.at = text, .end = text + len, .marks = m, .arena = a};

    empty(m);
    s.at = jlex_skip_space(s.at, s.end);
    /* marks count bytes in 32 bits, and a root is an object or an array */
    if (len > UINT32_MAX || s.at == s.end || (*s.at != '{' && *s.at != '[')) {
        return false;
    }
    return read_container(&s, no_name, JDEC_DEPTH_MAX) && jlex_skip_space(s.at, s.end) == s.end;
}

/* ---- members that lie elsewhere ---- */

void jmarks_begin(struct jmarks *m)
{
    empty(m);
    (void)push_container(m, no_name, JSON_OBJECT);
}

bool jmarks_member(struct jmarks *m, const char *name, const char *text, size_t len)
{
    const struct jspan called = {name, strlen(name)};
    const struct jspan value = {text, len};
    const uint64_t bit = jmark_name_bit(called.text, called.len);
    const bool twice = (m->all[0].names & bit) != 0 && is_named(m, 1, called);

    if (twice || len > UINT32_MAX || !jlex_is_bare(value)) {
        return false;
    }
    (void)push(m, called, JSON_STRING, value);
    m->all[0].names |= bit;
    m->all[0].len++;
    return true;
}

bool jmarks_rest(struct jmarks *m, const char *text, size_t len, struct arena *a)
{
    struct scan s = {.at = text, .end = text + len, .marks = m, .arena = a};

    if (len > UINT32_MAX || !read_members(&s, 0, JDEC_DEPTH_MAX - 1)) {
        return false;
    }
    m->all[0].span = (uint32_t)m->count;
    return jlex_skip_space(s.at, s.end) == s.end;
}

void jmarks_free(struct jmarks *m)
{
    if (m->all != m->first) {
        free(m->all);
        m->all = m->first;
    }
}
