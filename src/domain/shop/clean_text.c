/* Texts of other systems, made fit for people. The one place for it, whoever sends them; it must not know
 * what the text is the name of. */
#include "domain/shop/clean_text.h"

#include "base/look.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- entities ---- */

struct entity {
    const char *name;
    uint32_t c;
};

static const struct entity entities[] = {
#define ENTITY(name, c) {(name), (c)},
#include "domain/shop/entity_table.inc"
#undef ENTITY
};

enum { ENTITY_NAME_MAX = 14, UNICODE_MAX = 0x10ffff };

/* What &#128; to &#159; are meant to be: Windows-1252 (HTML 5, 13.2.5.80). */
static const uint16_t windows[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                     0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                     0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                     0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

static int by_name(const void *name, const void *entity)
{
    return strcmp(name, ((const struct entity *)entity)->name);
}

static uint32_t named(const char *text, size_t len)
{
    char name[ENTITY_NAME_MAX + 1];

    if (len == 0 || len > ENTITY_NAME_MAX) {
        return 0;
    }
    memcpy(name, text, len);
    name[len] = '\0';
    const struct entity *e =
        bsearch(name, entities, sizeof entities / sizeof entities[0], sizeof entities[0], by_name);
    return e == NULL ? 0 : e->c;
}

static uint32_t numbered(const char *text, size_t len)
{
    bool hex = len > 0 && (text[0] == 'x' || text[0] == 'X');
    const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
    size_t from = hex ? 1 : 0;

    /* no more digits than keep the sum in range */
    if (len == from || len - from > 7 || strspn(text + from, digits) < len - from) {
        return 0;
    }
    unsigned long c = strtoul(text + from, NULL, hex ? 16 : 10);
    if (c >= 0x80 && c <= 0x9f) {
        return windows[c - 0x80];
    }
    return c <= UNICODE_MAX ? (uint32_t)c : 0;
}

/* The character that the entity at text (an "&") stands for, and its bytes; 0 if there is none. */
static uint32_t entity_at(const char *text, size_t *out_len)
{
    size_t len = strcspn(text + 1, "; &<");

    if (text[1 + len] != ';') {
        return 0;
    }
    *out_len = len + 2;
    return text[1] == '#' ? numbered(text + 2, len > 0 ? len - 1 : 0) : named(text + 1, len);
}

/* ---- tags ---- */

/* Elements of HTML. A text between angle brackets that is none of them is the shop's own ("<3", "size <M>"). Dropped
 * without a trace are those in which text runs on; the others part words. */
static const char *const inline_tags[] = {
    "a",     "abbr", "acronym", "b",      "bdi", "bdo",   "big",  "cite", "code", "del", "dfn",
    "em",    "font", "i",       "ins",    "kbd", "label", "mark", "o:p",  "q",    "s",   "samp",
    "small", "span", "strike",  "strong", "sub", "sup",   "tt",   "u",    "var",  "wbr",
};
static const char *const block_tags[] = {
    "address", "article",  "aside",      "blockquote", "body",    "br",      "button",   "caption",
    "center",  "col",      "colgroup",   "dd",         "details", "div",     "dl",       "dt",
    "embed",   "fieldset", "figcaption", "figure",     "footer",  "form",    "h1",       "h2",
    "h3",      "h4",       "h5",         "h6",         "head",    "header",  "hr",       "html",
    "iframe",  "img",      "input",      "legend",     "li",      "link",    "main",     "map",
    "meta",    "nav",      "noscript",   "object",     "ol",      "option",  "p",        "picture",
    "pre",     "rp",       "rt",         "ruby",       "script",  "section", "select",   "source",
    "style",   "summary",  "svg",        "table",      "tbody",   "td",      "textarea", "tfoot",
    "th",      "thead",    "title",      "tr",         "ul",      "video",
};

struct tag {
    size_t len;
    bool parts; /* what stands before from what stands behind */
};

static bool is_listed(const char *const *names, size_t count, const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Bytes up to and with the ">" that ends a tag, past quoted values; 0 if it has no end. */
static size_t tag_length(const char *text)
{
    char quote = '\0';

    for (size_t i = 1; text[i] != '\0'; i++) {
        if (quote != '\0') {
            quote = (char)(text[i] == quote ? '\0' : quote);
        } else if (text[i] == '"' || text[i] == '\'') {
            quote = text[i];
        } else if (text[i] == '>') {
            return i + 1;
        }
    }
    /* an apostrophe that opens nothing: the next bracket is the end */
    const char *end = strchr(text, '>');
    return end == NULL ? 0 : (size_t)(end - text) + 1;
}

/* Length of the marker at text with all up to its end, 0 if it is none or has no end. */
static size_t marked(const char *text, const char *begin, const char *end)
{
    if (strncasecmp(text, begin, strlen(begin)) != 0) {
        return 0;
    }
    /* "<!-->" is a whole comment: the ends may share their hyphens */
    const char *at = strstr(text + 2, end);
    return at == NULL ? 0 : (size_t)(at - text) + strlen(end);
}

/* The element whose content is no text, up to the tag that closes it. */
static size_t hidden_length(const char *text, const char *name, size_t name_len, size_t len)
{
    if (text[1] == '/' ||
        !(is_listed((const char *const[]){"script", "style"}, 2, name, name_len))) {
        return len;
    }
    for (const char *at = strstr(text + len, "</"); at != NULL; at = strstr(at + 2, "</")) {
        if (strncasecmp(at + 2, name, name_len) == 0) {
            size_t rest = tag_length(at);
            return rest == 0 ? len : (size_t)(at - text) + rest;
        }
    }
    return len;
}

/* What to drop at text (a "<"); length 0: nothing, it is text. */
static struct tag tag_at(const char *text)
{
    static const char cdata[] = "<![CDATA[";
    size_t comment = marked(text, "<!--", "-->");
    size_t doctype = marked(text, "<!doctype", ">");

    if (comment > 0 || doctype > 0) {
        return (struct tag){.len = comment > 0 ? comment : doctype};
    }
    if (strncmp(text, cdata, sizeof cdata - 1) == 0) {
        return (struct tag){.len =
                                sizeof cdata - 1}; /* its content is text; for its end see below */
    }
    const char *name = text[1] == '/' ? text + 2 : text + 1;
    size_t len = strcspn(name, " \t\r\n\f/>");
    bool runs_on = is_listed(inline_tags, sizeof inline_tags / sizeof inline_tags[0], name, len);
    if (!runs_on && !is_listed(block_tags, sizeof block_tags / sizeof block_tags[0], name, len)) {
        return (struct tag){.len = 0};
    }
    size_t whole = tag_length(text);
    return (struct tag){.len = whole == 0 ? 0 : hidden_length(text, name, len, whole),
                        .parts = !runs_on};
}

/* ---- the whole ---- */

/* What is being written: never more than was read. */
struct cleaned {
    char *text;
    size_t len;
    bool space; /* waits for something to stand before */
};

static void put(struct cleaned *out, uint32_t c)
{
    enum look look = look_of(c);

    if (look == LOOK_SPACE) {
        out->space = true;
    } else if (look != LOOK_DROPPED) {
        if (out->space && out->len > 0) {
            out->text[out->len++] = ' ';
        }
        out->space = false;
        out->len += utf8_encode(c, out->text + out->len);
    }
}

/* Reads what stands at text, writes what is left of it, and returns how many bytes it was. */
static size_t clean_one(const char *text, size_t left, struct cleaned *out)
{
    size_t len = 0;

    if (text[0] == '&') {
        uint32_t c = entity_at(text, &len);
        if (c != 0) {
            put(out, c);
            return len;
        }
    } else if (text[0] == '<') {
        struct tag tag = tag_at(text);
        if (tag.len > 0) {
            out->space = out->space || tag.parts;
            return tag.len;
        }
    } else if (strncmp(text, "]]>", 3) == 0) {
        return 3;
    }
    len = utf8_length((const unsigned char *)text, left);
    if (len == 0) { /* no UTF-8: nothing that could be shown */
        return 1;
    }
    put(out, utf8_decode((const unsigned char *)text, len));
    return len;
}

static size_t clean_once(const char *text, char *to)
{
    struct cleaned out = {.text = to};
    size_t left = strlen(text);

    while (left > 0) {
        size_t len = clean_one(text, left, &out);
        text += len;
        left -= len;
    }
    to[out.len] = '\0';
    return out.len;
}

/* Most names are plain: printable ASCII with single blanks inside. */
static bool is_plain(const char *text)
{
    char before = ' ';

    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~' || *text == '<' || *text == '&' || *text == ']' ||
            (*text == ' ' && before == ' ')) {
            return false;
        }
        before = *text;
    }
    return before != ' ';
}

bool text_is_visible(const char *text)
{
    size_t left = strlen(text);

    for (size_t len = 1; left > 0; text += len, left -= len) {
        len = utf8_length((const unsigned char *)text, left);
        if (len == 0) {
            return true; /* not for us to judge */
        }
        if (look_of(utf8_decode((const unsigned char *)text, len)) == LOOK_SEEN) {
            return true;
        }
    }
    return false;
}

const char *clean_text(const char *text, struct arena *a)
{
    if (is_plain(text)) {
        return text;
    }
    size_t room = strlen(text) + 1;
    char *now = arena_alloc(a, room);
    char *next = arena_alloc(a, room);
    (void)clean_once(text, now);
    /* What was decoded may be coded once more ("&amp;amp;"), and a dropped tag bring another one together. Every
     * change makes it shorter. */
    for (size_t len = clean_once(now, next); len < strlen(now); len = clean_once(now, next)) {
        char *last = now;
        now = next;
        next = last;
    }
    assert(strlen(now) < room);
    if (!text_is_visible(now)) {
        return NULL;
    }
    return strcmp(now, text) == 0 ? text : now;
}

const char *text_bare(const char *text, struct arena *a)
{
    size_t left = strlen(text);
    const char *first = NULL; /* that can be seen */
    const char *end = text;   /* behind the last */
    size_t len = 1;

    for (const char *at = text; left > 0; at += len, left -= len) {
        len = utf8_length((const unsigned char *)at, left);
        if (len == 0) {
            return text; /* not for us to judge */
        }
        if (look_of(utf8_decode((const unsigned char *)at, len)) == LOOK_SEEN) {
            first = first == NULL ? at : first;
            end = at + len;
        }
    }
    bool bare = first == NULL || (first == text && *end == '\0');
    return bare ? text : arena_strndup(a, first, (size_t)(end - first));
}

/* ---- addresses ---- */

static const char blanks[] = " \t\r\n\f\v";

/* Reads the first code of an "&" in text; false where there is none. */
static bool decode_ampersand(char *text)
{
    static const char *const codes[] = {"&amp;", "&#038;", "&#38;"};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char *at = strstr(text, codes[i]);
        if (at != NULL) {
            const char *rest = at + strlen(codes[i]);
            memmove(at + 1, rest, strlen(rest) + 1); /* the "&" stays */
            return true;
        }
    }
    return false;
}

const char *clean_url(const char *url, struct arena *a)
{
    const char *from = url + strspn(url, blanks);
    size_t len = strlen(from);

    while (len > 0 && strchr(blanks, from[len - 1]) != NULL) {
        len--;
    }
    if (len == 0) {
        return NULL;
    }
    char *out = strncmp(from, "//", 2) == 0 ? arena_printf(a, "https:%.*s", (int)len, from)
                                            : arena_strndup(a, from, len);
    while (decode_ampersand(out)) {
        /* coded more than once, it is read as often */
    }
    return out;
}
