/* The request smuggling guard. It decides on names, counts and framing only, and must never depend
 * on what a route would make of the request. */
#include "http/wire/guard.h"

#include "http/wire/codec.h"

#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS_MAX = 15, TARGET_MAX = 4096, ID_SEGMENT = 2 };

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(const char *name)
{
    for (const char *p = name; *p; p++) {
        if (!is_token_char(*p)) {
            return false;
        }
    }
    return name[0] != '\0';
}

static bool has_control(const char *value)
{
    for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
        if ((*p < 0x20 && *p != '\t') || *p == 0x7f) {
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
        if (*p < '0' || *p > '9' || digits == LENGTH_DIGITS_MAX) {
            return false;
        }
        n = n * 10 + (uint64_t)(*p - '0');
    }
    *out = n;
    return digits > 0;
}

static const char *look_at(struct guard *g, const char *name, const char *value)
{
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
        g->lengths++;
        return read_length(value, &g->length) ? NULL : "Content-Length must be digits only";
    }
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        g->encodings++;
        g->chunked = strcmp(value, "chunked") == 0;
        return g->chunked ? NULL : "Transfer-Encoding must be exactly \"chunked\"";
    }
    if (strcasecmp(name, "Expect") == 0) {
        g->expects_continue = strcasecmp(value, "100-continue") == 0;
        return g->expects_continue ? NULL : "Expect must be 100-continue";
    }
    return NULL;
}

void guard_header(struct guard *g, const char *name, const char *value)
{
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
    if (!is_token(method)) {
        return FAIL(err, ERR_INVALID, "the method has characters that no method may have");
    }
    if (strcmp(version, "HTTP/1.1") != 0) {
        return FAIL(err, ERR_INVALID, "only HTTP/1.1 is spoken here");
    }
    if (g->hosts != 1) {
        return FAIL(err, ERR_INVALID, "exactly one Host header is needed, there are %d", g->hosts);
    }
    if (g->lengths > 1) {
        return FAIL(err, ERR_INVALID, "there is more than one Content-Length");
    }
    if (g->encodings > 1) {
        return FAIL(err, ERR_INVALID, "there is more than one Transfer-Encoding");
    }
    if (g->encodings > 0 && g->lengths > 0) {
        return FAIL(err, ERR_INVALID, "Content-Length and Transfer-Encoding exclude each other");
    }
    /* A proxy that sees no body here would take ours for the next request. */
    if (guard_has_body(g) && strcmp(method, "POST") != 0 && strcmp(method, "PUT") != 0) {
        return FAIL(err, ERR_INVALID, "%.16s takes no body", method);
    }
    return true;
}

static bool is_path_char(char c)
{
    return is_token_char(c) ? strchr("#^`|", c) == NULL : strchr("()=,;:@/", c) != NULL;
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

CAN_FAIL static bool check_segment(const char *p, size_t len, int number, struct err *err)
{
    if (is_dot_segment(p, len)) {
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
        if (number < ID_SEGMENT) {
            return FAIL(err, ERR_INVALID, "percent codes are accepted in ids only");
        }
        if (byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\') {
            return FAIL(err, ERR_INVALID, "the path has a percent code that is not accepted");
        }
    }
    return true;
}

CAN_FAIL bool guard_target(const char *target, struct err *err)
{
    if (target == NULL || target[0] != '/' || strlen(target) > TARGET_MAX) {
        return FAIL(err, ERR_INVALID, "the request target must be an absolute path");
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
