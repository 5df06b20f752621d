/* The states of a connection: which byte may follow which, and what of it is let through. The grammar
 * is that of RFC 9112; where this is stricter, the line says so. */
#include "http/wire/gate.h"

#include "http/wire/gate_head.h"
#include "http/wire/guard.h"
#include "http/wire/octet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DIGITS_MAX = 8 };

/* What a piece of input is being turned into. */
struct piece {
    const unsigned char *at;
    const unsigned char *end;
    char *out;
    size_t len; /* of out */
};

void gate_open(struct gate *g, uint64_t body_max)
{
    *g = (struct gate){.head = buf_make(GATE_HEAD_MAX), .body_max = body_max};
}

void gate_close(struct gate *g)
{
    buf_free(&g->head);
}

size_t gate_held(const struct gate *g)
{
    return g->head.len;
}

bool gate_busy(const struct gate *g)
{
    return g->state != GATE_START && g->state != GATE_EMPTY_LF && g->state != GATE_OVER;
}

void gate_refuse(struct gate *g, int status, const char *why)
{
    /* the first thing wrong is told */
    if (g->refused == 0) {
        g->refused = status;
        g->why = why;
    }
}

static void put(struct piece *p, const char *text)
{
    size_t len = strlen(text);

    memcpy(p->out + p->len, text, len);
    p->len += len;
}

static void pass_data(struct gate *g, struct piece *p)
{
    size_t have = (size_t)(p->end - p->at);
    size_t n = g->left < have ? (size_t)g->left : have;

    memcpy(p->out + p->len, p->at, n);
    p->len += n;
    p->at += n;
    g->left -= n;
}

/* ---- between requests ---- */

/* Not a byte is taken here that belongs to a request. */
static void step_start(struct gate *g, struct piece *p)
{
    if (*p->at == '\r' && !g->empty_line) {
        /* RFC 9112, 2.2: an empty line before a request SHOULD be ignored. One: clients of old sent
         * it behind a body; more are no client's. */
        g->empty_line = true;
        g->state = GATE_EMPTY_LF;
        p->at++;
        return;
    }
    g->fields = 0;
    g->state = GATE_METHOD;
}

static void step_empty(struct gate *g, struct piece *p)
{
    if (*p->at == '\n') {
        g->state = GATE_START;
        p->at++;
    } else {
        gate_refuse(g, 400, "a bare CR stands before the request");
    }
}

/* ---- heads and trailers ---- */

static void step_lines(struct gate *g, struct piece *p)
{
    size_t max = g->trailer ? GATE_TRAILER_MAX : GATE_HEAD_MAX;
    size_t have = (size_t)(p->end - p->at);
    size_t room = max - g->head.len;
    size_t n = gate_take_lines(g, p->at, have < room ? have : room);

    buf_add(&g->head, p->at, n);
    p->at += n;
    if (g->refused != 0) {
        return;
    }
    if (g->state == GATE_COMPLETE && g->trailer) {
        if (gate_trailers_pass(g)) {
            put(p, "0\r\n\r\n");
            g->state = GATE_OVER;
        }
    } else if (g->state == GATE_COMPLETE) {
        p->len += gate_pass_head(g, p->out + p->len);
    } else if (g->head.len == max && g->state == GATE_TARGET) {
        gate_refuse(g, 414, GUARD_TARGET_TOO_LONG);
    } else if (g->head.len == max) {
        gate_refuse(g, 431,
                    g->trailer ? "the trailers are larger than 1024 bytes"
                               : "the request's head is larger than 24576 bytes");
    }
}

/* ---- chunks ---- */

static void size_ends(struct gate *g, struct piece *p)
{
    char line[GATE_SLACK];

    g->body += g->left;
    if (g->body > g->body_max) {
        gate_refuse(g, 413, "the body is larger than is read here");
    } else if (g->left > 0) {
        (void)snprintf(line, sizeof line, "%" PRIx64 "\r\n", g->left);
        put(p, line);
        g->state = GATE_DATA;
    } else {
        /* the last chunk comes out with the empty line behind the trailers, not before they are
         * known to be right */
        g->trailer = true;
        g->fields = 0;
        g->state = GATE_LINE;
    }
}

static void step_size(struct gate *g, unsigned char c)
{
    int digit = octet_hex(c);

    if (digit >= 0 && g->digits > 0 && g->left == 0) {
        /* Stricter than RFC 9112, 7.1: nobody writes them, and some read only so many digits. */
        gate_refuse(g, 400, "the size of a chunk begins with a zero");
    } else if (digit >= 0 && g->digits < DIGITS_MAX) {
        g->left = g->left << 4 | (uint64_t)digit;
        g->digits++;
    } else if (g->digits > 0 && c == '\r') {
        g->state = GATE_SIZE_LF;
    } else if (g->digits > 0 && c == ';') {
        g->at = 0;
        g->state = GATE_EXTENSION;
    } else if (digit >= 0) {
        gate_refuse(g, 413, "the size of a chunk has more than 8 digits");
    } else {
        gate_refuse(g, 400, "the size of a chunk must be hexadecimal digits, then CR LF");
    }
}

static const char bad_extension[] = "an extension of a chunk is malformed";

/* RFC 9110, 5.6.4 */
static void step_quoted(struct gate *g, unsigned char c)
{
    if (!octet_is_value(c)) {
        gate_refuse(g, 400, bad_extension);
    } else if (g->state == GATE_QUOTED_PAIR) {
        g->state = GATE_QUOTED;
    } else if (c == '\\') {
        g->state = GATE_QUOTED_PAIR;
    } else if (c == '"') {
        g->state = GATE_QUOTED_END;
    }
}

/* RFC 9112, 7.1.1: a name, and a value where there is one. Stricter: no blanks around them. */
static void step_extension(struct gate *g, unsigned char c)
{
    bool named = g->state != GATE_EXTENSION || g->at > 0;

    if (g->state == GATE_EXTENSION_VALUE) {
        g->state = c == '"' ? GATE_QUOTED : GATE_TOKEN;
        if (c != '"' && !octet_is_token(c)) {
            gate_refuse(g, 400, bad_extension);
        }
    } else if (octet_is_token(c) && g->state != GATE_QUOTED_END) {
        g->at++;
    } else if (named && c == '\r') {
        g->state = GATE_SIZE_LF;
    } else if (named && c == ';') {
        g->at = 0;
        g->state = GATE_EXTENSION;
    } else if (named && c == '=' && g->state == GATE_EXTENSION) {
        g->state = GATE_EXTENSION_VALUE;
    } else {
        gate_refuse(g, 400, bad_extension);
    }
}

/* A byte of the line with a chunk's size. */
static void step_size_line(struct gate *g, struct piece *p)
{
    unsigned char c = *p->at++;

    if (++g->line > GATE_LINE_MAX) {
        gate_refuse(g, 400, "the extensions of a chunk are longer than 256 bytes");
    } else if (g->state == GATE_SIZE) {
        step_size(g, c);
    } else if (g->state == GATE_QUOTED || g->state == GATE_QUOTED_PAIR) {
        step_quoted(g, c);
    } else if (g->state != GATE_SIZE_LF) {
        step_extension(g, c);
    } else if (c == '\n') {
        size_ends(g, p);
    } else {
        gate_refuse(g, 400, "the size of a chunk ends in a bare CR");
    }
}

static void size_begins(struct gate *g)
{
    g->digits = 0;
    g->line = 0;
    g->state = GATE_SIZE;
}

/* Behind the bytes of a chunk. */
static void step_data_end(struct gate *g, struct piece *p)
{
    unsigned char c = *p->at++;

    if (g->state == GATE_DATA_CR && c == '\r') {
        g->state = GATE_DATA_LF;
    } else if (g->state == GATE_DATA_LF && c == '\n') {
        put(p, "\r\n");
        size_begins(g);
    } else {
        gate_refuse(g, 400, "no CR LF stands behind the bytes of a chunk");
    }
}

/* ---- all of it ---- */

static enum gate_state after_body(const struct gate *g)
{
    return g->last ? GATE_OVER : GATE_START;
}

void gate_body_begins(struct gate *g, bool chunked, uint64_t length)
{
    g->empty_line = false;
    g->left = length;
    g->state = length > 0 ? GATE_LENGTH : after_body(g);
    if (chunked) {
        size_begins(g);
    }
}

static void step(struct gate *g, struct piece *p)
{
    switch (g->state) {
    case GATE_START:
        step_start(g, p);
        break;
    case GATE_EMPTY_LF:
        step_empty(g, p);
        break;
    case GATE_LENGTH:
        pass_data(g, p);
        g->state = g->left > 0 ? GATE_LENGTH : after_body(g);
        break;
    case GATE_DATA:
        pass_data(g, p);
        g->state = g->left > 0 ? GATE_DATA : GATE_DATA_CR;
        break;
    case GATE_DATA_CR:
    case GATE_DATA_LF:
        step_data_end(g, p);
        break;
    case GATE_OVER:
        p->at = p->end;
        break;
    case GATE_SIZE:
    case GATE_EXTENSION:
    case GATE_EXTENSION_VALUE:
    case GATE_TOKEN:
    case GATE_QUOTED:
    case GATE_QUOTED_PAIR:
    case GATE_QUOTED_END:
    case GATE_SIZE_LF:
        step_size_line(g, p);
        break;
    case GATE_METHOD:
    case GATE_TARGET:
    case GATE_VERSION:
    case GATE_LINE:
    case GATE_NAME:
    case GATE_VALUE:
    case GATE_VALUE_LF:
    case GATE_END_LF:
    case GATE_COMPLETE:
        step_lines(g, p);
        break;
    }
}

/* Ends what is refused. True: all of it; else out is full. */
static void end_refused(struct gate *g, struct piece *p, size_t room)
{
    if (g->state == GATE_LENGTH || g->state == GATE_DATA) {
        /* the library waits for as many bytes as were announced; nobody will read them */
        size_t space = room - p->len - GATE_SLACK;
        size_t n = g->left < space ? (size_t)g->left : space;
        memset(p->out + p->len, ' ', n);
        p->len += n;
        g->left -= n;
        if (g->left > 0) {
            return;
        }
        put(p, g->state == GATE_DATA ? "\r\n0\r\n\r\n" : "");
    } else if (g->state == GATE_DATA_CR || g->state == GATE_DATA_LF) {
        put(p, "\r\n0\r\n\r\n");
    } else if (g->trailer || g->state >= GATE_SIZE) {
        put(p, "0\r\n\r\n");
    } else {
        p->len += gate_refused_head(g, p->out + p->len);
    }
    buf_reset(&g->head);
    g->state = GATE_OVER;
}

size_t gate_feed(struct gate *g, const void *in, size_t len, char *out)
{
    struct piece p = {.at = in, .end = (const unsigned char *)in + len};
    size_t room = g->head.len + len + GATE_SLACK;

    p.out = out;
    while (p.at < p.end && g->refused == 0) {
        step(g, &p);
    }
    if (g->refused != 0 && g->state != GATE_OVER) {
        end_refused(g, &p, room);
    }
    return p.len;
}

size_t gate_end(struct gate *g, int status, const char *why, char *out, size_t room)
{
    struct piece p = {0};

    p.out = out;
    if (!gate_busy(g)) {
        return 0;
    }
    gate_refuse(g, status, why);
    end_refused(g, &p, room);
    return p.len;
}
