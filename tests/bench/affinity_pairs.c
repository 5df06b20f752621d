/* Reads user-item pairs. */
#include "affinity_pairs.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 255 };

struct reading {
    const char *path;
    enum pair_format format;
    struct pair_ids *ids;
    struct triple *pairs;
    size_t count;
    size_t cap;
    long line;
};

void pair_ids_free(struct pair_ids *ids)
{
    id_table_free(&ids->users);
    id_table_free(&ids->items);
}

static bool bad_line(const struct reading *r, const char *what, struct err *err)
{
    return FAIL(err, ERR_INVALID, "%.150s: line %ld %s", r->path, r->line, what);
}

static bool token_check(const struct reading *r, const char *token, struct err *err)
{
    if (strlen(token) > ID_MAX) {
        return bad_line(r, "has an id of more than 255 bytes", err);
    }
    for (const char *c = token; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7F) {
            return bad_line(r, "has a control character in an id", err);
        }
    }
    return true;
}

static void add_pair(struct reading *r, int32_t user, const char *item)
{
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 4096;
        r->pairs = mem_grow(r->pairs, r->cap, sizeof *r->pairs);
    }
    r->pairs[r->count++] = (struct triple){user, id_table_add(&r->ids->items, item), 1};
}

static bool take_line(struct reading *r, char *text, struct err *err)
{
    static const char white[] = " \t\r\n\v\f";
    char *rest = NULL;
    char *token = strtok_r(text, white, &rest);
    int fields = 0;
    int32_t user = -1;
    for (; token; token = strtok_r(NULL, white, &rest), fields++) {
        if (!token_check(r, token, err)) {
            return false;
        }
        if (fields == 0) {
            user = id_table_add(&r->ids->users, token);
        } else if (r->format == PAIRS_LINES || fields == 1) {
            add_pair(r, user, token);
        }
    }
    if (r->format == PAIRS_MOVIELENS && fields > 0 && fields != 4) {
        return bad_line(r, "has not the 4 fields user, item, rating, time", err);
    }
    return true;
}

static bool read_lines(struct reading *r, FILE *f, struct err *err)
{
    CLEANUP(mem_free) char *text = NULL;
    size_t cap = 0;
    ssize_t len;
    while ((len = getline(&text, &cap, f)) >= 0) {
        r->line++;
        if (strlen(text) != (size_t)len) {
            return bad_line(r, "holds a zero byte", err);
        }
        if (!take_line(r, text, err)) {
            return false;
        }
    }
    return !ferror(f) || FAIL(err, ERR_INVALID, "%.150s: cannot be read", r->path);
}

bool pairs_read(const char *path, enum pair_format format, struct pair_ids *ids, struct csr *out,
                struct err *err)
{
    struct reading r = {.path = path, .format = format, .ids = ids};
    CLEANUP(file_close) FILE *f = fopen(path, "rb");
    if (!f) {
        char why[100];
        return FAIL(err, ERR_INVALID, "%.150s: %s", path, strerror_r(errno, why, sizeof why));
    }
    bool ok = read_lines(&r, f, err);
    if (ok && r.count == 0) {
        ok = FAIL(err, ERR_INVALID, "%.150s: holds no pair of a user and an item", path);
    }
    ok = ok && csr_build(ids->users.count, ids->items.count, r.pairs, r.count, out, err);
    free(r.pairs);
    for (int64_t e = 0; ok && e < csr_entries(out); e++) {
        out->weight[e] = 1; /* a pair that is there twice counts once */
    }
    return ok;
}
