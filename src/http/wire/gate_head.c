/* The lines of heads and trailers: their grammar byte for byte, and then what they say. */
#include "http/wire/gate_head.h"

#include "http/wire/guard.h"
#include "http/wire/octet.h"

#include <string.h>
#include <strings.h>

static const char version_text[] = "HTTP/1.1\r\n";
enum { LINE_END = 2, VERSION_LEN = sizeof version_text - 1, MINOR = VERSION_LEN - LINE_END - 1 };

/* ---- the grammar ---- */

static const char bare_lf[] = "a line ends in a bare LF";

static void wrong(struct gate *g, const char *why)
{
    gate_refuse(g, 400, why);
}

static void after_method(struct gate *g, unsigned char c, bool empty)
{
    if (c != ' ' || empty) {
        wrong(g, "the method has characters that no method may have");
        return;
    }
    g->at = 0;
    g->state = GATE_TARGET;
}

static void after_target(struct gate *g, unsigned char c)
{
    if (g->at == 0) {
        wrong(g, "exactly one blank stands behind the method");
    } else if (c != ' ') {
        wrong(g, "the request target has a character that must be percent-coded");
    } else {
        g->at = 0;
        g->state = GATE_VERSION;
    }
}

static void step_version(struct gate *g, unsigned char c)
{
    if (c != (unsigned char)version_text[g->at] && !(g->at == MINOR && c == '0')) {
        wrong(g, g->at >= VERSION_LEN - LINE_END
                     ? "the request line does not end in its version and CR LF"
                 : c == ' ' ? "exactly one blank stands before the version"
                            : "only HTTP/1.1 and HTTP/1.0 are spoken here");
        return;
    }
    g->at++;
    g->state = g->at == VERSION_LEN ? GATE_LINE : GATE_VERSION;
}

/* The first byte of a line. */
static void step_line(struct gate *g, unsigned char c)
{
    if (c == '\r') {
        g->state = GATE_END_LF;
    } else if (octet_is_token(c)) {
        g->state = GATE_NAME;
        if (++g->fields > GATE_FIELDS_MAX) {
            gate_refuse(g, 431, "there are more than 100 headers");
        }
    } else {
        wrong(g, c == ' ' || c == '\t' ? "a header is folded over two lines"
                 : c == '\n'           ? bare_lf
                 : c == ':'            ? "a header has no name"
                            : "a header name has characters that no header name may have");
    }
}

static void after_name(struct gate *g, unsigned char c)
{
    if (c == ':') {
        g->state = GATE_VALUE;
    } else {
        wrong(g, c == '\r' || c == '\n'
                     ? "a header has no colon"
                     : "a header name has characters that no header name may have");
    }
}

static void after_value(struct gate *g, unsigned char c)
{
    if (c == '\r') {
        g->state = GATE_VALUE_LF;
    } else {
        wrong(g, c == '\n' ? bare_lf : "a header value has control characters");
    }
}

static void step_lf(struct gate *g, unsigned char c)
{
    if (c != '\n') {
        wrong(g, "a line has a bare CR");
        return;
    }
    g->state = g->state == GATE_VALUE_LF ? GATE_LINE : GATE_COMPLETE;
}

/* Past what may stand in this state, however much of it comes at once. */
static size_t run_of(struct gate *g, const unsigned char *p, size_t len)
{
    size_t n = 0;

    if (g->state == GATE_VALUE) {
        while (n < len && octet_is_value(p[n])) {
            n++;
        }
    } else if (g->state == GATE_NAME || g->state == GATE_METHOD) {
        while (n < len && octet_is_token(p[n])) {
            n++;
        }
    } else if (g->state == GATE_TARGET) {
        while (n < len && octet_is_visible(p[n])) {
            n++;
        }
        g->at += n;
    }
    return n;
}

static void step(struct gate *g, unsigned char c, bool first)
{
    if (g->state == GATE_VALUE) {
        after_value(g, c);
    } else if (g->state == GATE_LINE) {
        step_line(g, c);
    } else if (g->state == GATE_NAME) {
        after_name(g, c);
    } else if (g->state == GATE_METHOD) {
        after_method(g, c, first);
    } else if (g->state == GATE_TARGET) {
        after_target(g, c);
    } else if (g->state == GATE_VERSION) {
        step_version(g, c);
    } else {
        step_lf(g, c);
    }
}

size_t gate_take_lines(struct gate *g, const unsigned char *bytes, size_t len)
{
    size_t n = 0;

    while (n < len && g->refused == 0 && g->state != GATE_COMPLETE) {
        n += run_of(g, bytes + n, len - n);
        if (n < len) {
            step(g, bytes[n], g->head.len + n == 0);
            n++;
        }
    }
    return n;
}

/* ---- what it says ---- */

/* A line of a head that is right, cut where its parts end; whole as it was after `mend`. */
struct field {
    char *line;
    char *name_end;
    char *value;
    char *value_end;
    char behind; /* what stood at value_end */
    char *next;
};

static bool is_named(const struct field *f, const char *name)
{
    return strcasecmp(f->line, name) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The field at `line`, with NUL behind name and value; false at the empty line. */
static bool cut_field(char *line, struct field *out)
{
    if (line[0] == '\r') {
        return false;
    }
    struct field f = {.line = line, .name_end = strchr(line, ':')};
    f.value = f.name_end + 1 + strspn(f.name_end + 1, " \t");
    f.value_end = f.value + strcspn(f.value, "\r");
    f.next = f.value_end + LINE_END;
    *f.name_end = '\0';
    /* RFC 9110, 5.5: blanks around a value are not part of it. Stricter where they stand behind a coding: it is
     * there that one program sees chunks and another does not, and no client writes them. */
    while (f.value_end > f.value && is_blank(f.value_end[-1]) &&
           !is_named(&f, "Transfer-Encoding")) {
        f.value_end--;
    }
    f.behind = *f.value_end;
    *f.value_end = '\0';
    *out = f;
    return true;
}

static void mend(const struct field *f)
{
    *f->name_end = ':';
    *f->value_end = f->behind;
}

static void end_line(char *out)
{
    out[0] = '\r';
    out[1] = '\n';
}

/* A field that is mended, without the blanks behind its value. How many bytes came out. */
static size_t copy_field(const struct field *f, char *out)
{
    size_t len = (size_t)(f->value_end - f->line);

    memcpy(out, f->line, len);
    end_line(out + len);
    return len + LINE_END;
}

static size_t count_of(const char *text, char c)
{
    size_t n = 0;

    for (const char *p = text; (p = strchr(p, c)) != NULL; p++) {
        n++;
    }
    return n;
}

/* What the fields of a head say. */
struct said {
    bool old; /* in HTTP/1.0 */
    struct guard guard;
    size_t cookies;
};

/* Whether the field is to be let through. */
static bool look_at(struct said *said, const struct field *f)
{
    /* RFC 9110, 10.1.1: a 1.0 client that expects to be told to go on MUST be ignored in that */
    if (said->old && is_named(f, "Expect")) {
        return false;
    }
    bool cookie = is_named(f, "Cookie");
    guard_header(&said->guard, f->line, f->value);
    said->cookies += cookie ? 1 + count_of(f->value, ';') : 0;
    return !cookie;
}

/* HTTP/1.0 has no Host; the library demands one. Nobody's: who needs one to be let in (wire/host.h) must say it. */
static size_t add_host(char *out)
{
    static const char host[] = "Host: -\r\n";

    _Static_assert(sizeof host - 1 <= GATE_SLACK, "room for what did not come in");
    memcpy(out, host, sizeof host - 1);
    return sizeof host - 1;
}

/* The fields one by one. How many bytes came out. */
static size_t copy_fields(char *line, struct said *said, char *out)
{
    size_t len = 0;
    struct field f;

    while (cut_field(line, &f)) {
        bool through = look_at(said, &f);
        mend(&f);
        len += through ? copy_field(&f, out + len) : 0;
        line = f.next;
    }
    len += said->old && said->guard.hosts == 0 ? add_host(out + len) : 0;
    end_line(out + len);
    return len + LINE_END;
}

/* Method and target of the line, which is left as it was. */
static bool judge(struct gate *g, char *line, const struct said *said)
{
    struct err err = {0};
    char *target = strchr(line, ' ') + 1;
    char *target_end = strchr(target, ' ');

    target[-1] = '\0';
    *target_end = '\0';
    size_t params = count_of(target, '&');
    bool right = guard_target(target, &err) &&
                 guard_end(&said->guard, line, said->old ? "HTTP/1.0" : "HTTP/1.1", &err);
    target[-1] = ' ';
    *target_end = ' ';
    if (target_end - target > GUARD_TARGET_MAX) {
        gate_refuse(g, 414, GUARD_TARGET_TOO_LONG);
    } else if (!right) {
        memcpy(g->why_text, err.text, sizeof err.text);
        gate_refuse(g, 400, g->why_text);
    } else if (params >= GATE_PARAMS_MAX) {
        gate_refuse(g, 400, "the query has more than 100 parameters");
    } else if (said->cookies > GATE_COOKIES_MAX) {
        gate_refuse(g, 431, "there are more than 200 cookies");
    }
    return g->refused == 0;
}

size_t gate_pass_head(struct gate *g, char *out)
{
    char *line = g->head.data;
    char *fields = strchr(line, '\n') + 1;
    size_t len = (size_t)(fields - line);
    struct said said = {.old = line[len - LINE_END - 1] == '0'};

    memcpy(out, line, len);
    out[len - LINE_END - 1] = '1';
    len += copy_fields(fields, &said, out + len);
    if (!judge(g, line, &said)) {
        return 0; /* written over by the refusal */
    }
    buf_reset(&g->head);
    g->heads++;
    g->last = said.old;
    gate_body_begins(g, said.guard.chunked, said.guard.length);
    return len;
}

static bool is_id(const struct field *f)
{
    return strcasecmp(f->line, "X-Request-Id") == 0 || strcasecmp(f->line, "traceparent") == 0;
}

size_t gate_refused_head(struct gate *g, char *out)
{
    static const char nothing[] = "GET / HTTP/1.1\r\nHost: -\r\n";
    size_t len = sizeof nothing - 1;
    struct field f;

    memcpy(out, nothing, len);
    /* of a head with a wrong byte nothing is believed */
    char *line = g->state == GATE_COMPLETE ? strchr(g->head.data, '\n') + 1 : NULL;
    while (line != NULL && cut_field(line, &f)) {
        bool id = is_id(&f);
        mend(&f);
        len += id ? copy_field(&f, out + len) : 0;
        line = f.next;
    }
    end_line(out + len);
    g->heads++;
    return len + LINE_END;
}

/* RFC 9110, 6.5.1: what frames, routes or authorizes a message must not come behind it. */
static bool may_trail(const char *name)
{
    static const char *const never[] = {"Host",   "Transfer-Encoding", "Trailer",    "TE",
                                        "Expect", "Authorization",     "Connection", "Cookie",
                                        "Upgrade"};

    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        if (strcasecmp(name, never[i]) == 0) {
            return false;
        }
    }
    return strncasecmp(name, "Content-", strlen("Content-")) != 0;
}

bool gate_trailers_pass(struct gate *g)
{
    struct field f;

    for (char *line = g->head.data; cut_field(line, &f); line = f.next) {
        if (!may_trail(f.line)) {
            wrong(g, "a header stands in the trailers that must not stand there");
            return false;
        }
        mend(&f);
    }
    return true;
}
