/* The request smuggling guard. It decides on names, counts and framing only, and must never depend
 * on what a route would make of the request. */
#include "http/wire/guard.h"

#include "http/wire/codec.h"
#include "http/wire/octet.h"

#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS_MAX = 15, ID_SEGMENT = 2 };

static bool is_token(const char *name)
{
    for (const char *p = name; *p; p++) {
        if (!octet_is_token((unsigned char)*p)) {
            return false;
        }
    }
    return name[0] != '\0';
}

static bool has_control(const char *value)
{
    for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
        if (!octet_is_value(*p)) {
            return true;
        }
    }
    return false;
}

static bool is_host(const char *value)
{
    for (const char *p = value; *p; p++) {
        bool alnum =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        /* Narrower than RFC 3986, 3.2.2 (no percent codes, no sub-delims), and neither user nor
         * list: who routes by Host must see the same host as we do. */
        if (!alnum && strchr(".-_:[]", *p) == NULL) {
            return false;
        }
    }
    return true;
}

static bool read_length(const char *value, uint64_t *out)
{
    uint64_t n = 0;
    size_t digits = 0;

    for (const char *p = value; *p; p++, digits++) {
        /* RFC 9110, 8.6: digits and nothing else, where strtoull takes a sign and blanks; and too
         * few of them to overflow. */
        if (*p < '0' || *p > '9' || digits == LENGTH_DIGITS_MAX) {
            return false;
        }
        n = n * 10 + (uint64_t)(*p - '0');
    }
    *out = n;
    return digits > 0;
}

/* The other headers that are read here and are no lists: which of two counts, programs disagree on (RFC 9110, 5.3),
 * and what a proxy has checked must be what we use. */
static const char *come_twice(struct guard *g, const char *name)
{
#define ONCE(name)                                                                                 \
    {                                                                                              \
        name, "there is more than one " name                                                       \
    }
    static const struct {
        const char *name, *problem;
    } once[] = {ONCE("Authorization"), ONCE("Content-Encoding"), ONCE("Content-Type"),
                ONCE("X-Request-Id")};
#undef ONCE

    for (unsigned i = 0; i < sizeof once / sizeof *once; i++) {
        if (strcasecmp(name, once[i].name) == 0) {
            bool again = (g->once >> i & 1) != 0;
            g->once |= 1U << i;
            return again ? once[i].problem : NULL;
        }
    }
    return NULL;
}

static const char *look_at(struct guard *g, const char *name, const char *value)
{
    /* First of all: "Content-Length : 5" (a blank before the colon, RFC 9112, 5.1) comes as a
     * header of another name, and libmicrohttpd reads the body as the next request. */
    if (!is_token(name)) {
        return "a header name has characters that no header name may have";
    }
    if (has_control(value)) {
        return "a header value has control characters";
    }
    if (strcasecmp(name, "Host") == 0) {
        g->hosts++;
        return is_host(value) ? NULL : "the Host header is malformed";
    }
    if (strcasecmp(name, "Content-Length") == 0) {
        /* counted and judged in guard_end, since which of two counts is what readers disagree on */
        g->lengths++;
        return read_length(value, &g->length) ? NULL : "Content-Length must be digits only";
    }
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        g->encodings++;
        /* Stricter than RFC 9112, 7 (codings in any case, and lists of them): "xchunked", "CHUNKED"
         * or "chunked, identity" is where one program sees chunks and another does not. */
        g->chunked = strcmp(value, "chunked") == 0;
        return g->chunked ? NULL : "Transfer-Encoding must be exactly \"chunked\"";
    }
    if (strcasecmp(name, "Expect") == 0) {
        /* the only expectation there is (RFC 9110, 10.1.1) */
        g->expects_continue = strcasecmp(value, "100-continue") == 0;
        return g->expects_continue ? NULL : "Expect must be 100-continue";
    }
    if (strcasecmp(name, "traceparent") == 0) {
        g->traces++;
        return NULL;
    }
    return come_twice(g, name);
}

void guard_header(struct guard *g, const char *name, const char *value)
{
    /* the library may hand out a header without a value as NULL */
    const char *problem = look_at(g, name, value ? value : "");

    if (g->problem == NULL) {
        g->problem = problem;
    }
}

bool guard_has_body(const struct guard *g)
{
    return g->chunked || g->length > 0;
}

bool guard_ends_connection(const struct guard *g)
{
    return g->chunked;
}

CAN_FAIL bool guard_end(const struct guard *g, const char *method, const char *version,
                        struct err *err)
{
    if (g->problem != NULL) {
        return FAIL(err, ERR_INVALID, "%s", g->problem);
    }
    /* RFC 9110, 9.1: a token; the library would hand a CR out as a part of it */
    if (!is_token(method)) {
        return FAIL(err, ERR_INVALID, "the method has characters that no method may have");
    }
    bool old = strcmp(version, "HTTP/1.0") == 0;
    if (!old && strcmp(version, "HTTP/1.1") != 0) {
        return FAIL(err, ERR_INVALID, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    }
    /* RFC 9112, 3.2 asks for 400 in both cases; only HTTP/1.0 had none */
    if (g->hosts > 1 || (g->hosts == 0 && !old)) {
        return FAIL(err, ERR_INVALID, "exactly one Host header is needed, there are %d", g->hosts);
    }
    /* Also where they agree, which RFC 9110, 8.6 would let pass: no honest client sends two. */
    if (g->lengths > 1) {
        return FAIL(err, ERR_INVALID, "there is more than one Content-Length");
    }
    if (g->encodings > 1) {
        return FAIL(err, ERR_INVALID, "there is more than one Transfer-Encoding");
    }
    /* CL.TE and TE.CL, the classic smuggling: libmicrohttpd 0.9.75 takes both, and what one program
     * takes for body is the next request of the other (RFC 9112, 6.3). */
    if (g->encodings > 0 && g->lengths > 0) {
        return FAIL(err, ERR_INVALID, "Content-Length and Transfer-Encoding exclude each other");
    }
    /* HTTP/1.0 knows none (RFC 9112, 6.1): a proxy that speaks it would see another end of the body. */
    if (old && g->encodings > 0) {
        return FAIL(err, ERR_INVALID, "HTTP/1.0 has no Transfer-Encoding");
    }
    /* A proxy that sees no body here would take ours for the next request. */
    if (guard_has_body(g) && strcmp(method, "POST") != 0 && strcmp(method, "PUT") != 0 &&
        strcmp(method, "PATCH") != 0) {
        return FAIL(err, ERR_INVALID, "%.16s takes no body", method);
    }
    return true;
}

static bool is_path_char(char c)
{
    /* pchar of RFC 3986, 3.3, the slash, and the percent sign, whose code the caller looks at */
    return octet_is_token((unsigned char)c) ? strchr("#^`|", c) == NULL
                                            : strchr("()=,;:@/", c) != NULL;
}

/* "." and "..", also where a dot is written as %2e. */
static bool is_dot_segment(const char *p, size_t len)
{
    size_t dots = 0;

    for (size_t i = 0; i < len; dots++) {
        if (p[i] == '.') {
            i++;
        } else if (p[i] == '%' && len - i >= 3 && codec_percent_byte(p + i) == '.') {
            i += 3;
        } else {
            return false;
        }
    }
    return dots == 1 || dots == 2;
}

/* Bytes up to the next slash or backslash, coded as a rule. */
static size_t until_slash(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int byte = p[i] == '%' && len - i >= 3 ? codec_percent_byte(p + i) : p[i];
        if (byte == '/' || byte == '\\') {
            return i;
        }
    }
    return len;
}

/* Others remove dot segments before they route (RFC 3986, 5.2.4), and some of them decode slashes before that: what a
 * proxy forbids under /admin must not be reached as /v1/../admin, nor as the id "..%2f..%2fadmin". */
static bool has_dot_segment(const char *p, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t part = until_slash(p + at, len - at);
        if (is_dot_segment(p + at, part)) {
            return true;
        }
        at += part;
        at += at < len && p[at] == '%' ? 3 : 1;
    }
    return false;
}

CAN_FAIL static bool check_segment(const char *p, size_t len, int number, struct err *err)
{
    if (has_dot_segment(p, len)) {
        return FAIL(err, ERR_INVALID, "the path has a dot segment");
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_path_char(p[i])) {
            return FAIL(err, ERR_INVALID, "the path has a character that must be percent-coded");
        }
        if (p[i] != '%') {
            continue;
        }
        int byte = codec_percent_byte(p + i);
        /* %76%31 is "v1" to who decodes before comparing, and nothing to who compares first */
        if (number < ID_SEGMENT) {
            return FAIL(err, ERR_INVALID, "percent codes are accepted in ids only");
        }
        /* a malformed code is -1; a coded slash parts no segments here, it belongs to an id */
        if (byte < 0x20 || byte == 0x7f) {
            return FAIL(err, ERR_INVALID, "the path has a percent code that is not accepted");
        }
    }
    return true;
}

CAN_FAIL bool guard_target(const char *target, struct err *err)
{
    /* No absolute form, no asterisk (RFC 9112, 3.2): with the former, host and path stand twice.
     * NULL is what the library has for a line without a target. */
    if (target == NULL || target[0] != '/') {
        return FAIL(err, ERR_INVALID, "the request target must be an absolute path");
    }
    if (strlen(target) > GUARD_TARGET_MAX) {
        return FAIL(err, ERR_INVALID, GUARD_TARGET_TOO_LONG);
    }
    size_t path_len = strcspn(target, "?");
    int number = 0;
    for (size_t at = 1; at <= path_len; number++) {
        size_t len = strcspn(target + at, "/?");
        if (!check_segment(target + at, len, number, err)) {
            return false;
        }
        at += len + 1;
    }
    for (const unsigned char *p = (const unsigned char *)target + path_len; *p; p++) {
        if (*p <= 0x20 || *p >= 0x7f || *p == '#') {
            return FAIL(err, ERR_INVALID, "the query has a character that must be percent-coded");
        }
        int byte = *p == '%' ? codec_percent_byte((const char *)p) : 'x';
        if (byte < 0x20 || byte == 0x7f) {
            return FAIL(err, ERR_INVALID, "the query has a percent code that is not accepted");
        }
    }
    return true;
}
