/* Checkpoints of a factorization on disk. When to write one is decided by train_factors.c. */
#include "train/affinity/train_checkpoint.h"

#include "base/cleanup.h"
#include "ml/linear/cpu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char MAGIC[8] = "CWTRAIN1"; /* no terminator */
static const char PREFIX[] = "training-";

/* No padding: it is hashed and written as it lies. */
struct header {
    char magic[8];
    uint8_t key[SHA256_BYTES];
    int32_t sweeps;
    int32_t rows;
    int32_t cols;
    int32_t factors;
};

/* ---- name ---- */

static void key_of(const struct csr *m, const struct als_options *o, uint8_t out[SHA256_BYTES])
{
    struct hash_state h;
    const size_t entries = (size_t)csr_entries(m);
    const int64_t whole[] = {m->rows, m->cols, o->factors, o->sweeps, (int64_t)o->solver,
                             (int64_t)o->steps, (int64_t)o->full_floats, (int64_t)o->seed,
                             /* Kernels of another level add in another order, so a factorization
                              * resumed there would end in other bytes. */
                             (int64_t)cpu_level()};
    const float real[] = {o->reg, o->reg_exponent, o->unobserved_weight, o->shopper_exponent,
                          o->item_exponent};
    hash_begin(&h);
    hash_add(&h, whole, sizeof whole);
    hash_add(&h, real, sizeof real);
    /* All of the interactions: with one event more it is another training. */
    hash_add(&h, m->start, ((size_t)m->rows + 1) * sizeof *m->start);
    hash_add(&h, m->column, entries * sizeof *m->column);
    hash_add(&h, m->weight, entries * sizeof *m->weight);
    hash_end(&h, out);
}

bool checkpoint_name(const char *dir, const struct csr *interactions,
                     const struct als_options *options, struct checkpoint *out, struct err *err)
{
    struct checkpoint c;
    char hex[SHA256_HEX];
    key_of(interactions, options, c.key);
    /* Half of the key makes the name; all of it is in the file, and asked for (read_all). */
    int len = snprintf(c.path, sizeof c.path, "%s/%s%s.part", dir, PREFIX,
                       hash_hex(c.key, SHA256_BYTES / 2, hex));
    if (len < 0 || len >= (int)sizeof c.path) {
        return FAIL(err, ERR_INVALID, "the path of the model directory is too long");
    }
    *out = c;
    return true;
}

/* ---- writing ---- */

struct writing {
    FILE *file;
    struct hash_state hash;
};

static void write_part(struct writing *w, const void *data, size_t bytes)
{
    hash_add(&w->hash, data, bytes);
    (void)fwrite(data, 1, bytes, w->file); /* ferror tells at the end */
}

static size_t mat_bytes(const struct mat *m)
{
    /* With the padding of its rows: one read, and one hash, for all of it. */
    return (size_t)m->rows * (size_t)m->ld * sizeof *m->data;
}

/* Not synced: a kill loses nothing of it, and what a power cut leaves does not
 * pass the checksum. */
static bool write_all(FILE *file, const struct checkpoint *c, const struct als_state *s)
{
    struct writing w = {.file = file};
    struct header header = {.sweeps = s->sweeps,
                            .rows = s->shoppers.rows,
                            .cols = s->items.rows,
                            .factors = s->items.cols};
    uint8_t digest[SHA256_BYTES];
    memcpy(header.magic, MAGIC, sizeof header.magic);
    memcpy(header.key, c->key, sizeof header.key);
    hash_begin(&w.hash);
    write_part(&w, &header, sizeof header);
    write_part(&w, s->shoppers.data, mat_bytes(&s->shoppers));
    write_part(&w, s->items.data, mat_bytes(&s->items));
    hash_end(&w.hash, digest);
    return fwrite(digest, 1, sizeof digest, file) == sizeof digest && !ferror(file) &&
           fflush(file) == 0;
}

bool checkpoint_save(const struct checkpoint *c, const struct als_state *state, struct err *err)
{
    char temporary[MODEL_PATH_BYTES + 8];
    /* Beside it and renamed: a kill while this is written leaves the checkpoint before it whole. */
    (void)snprintf(temporary, sizeof temporary, "%s.new", c->path);
    FILE *file = fopen(temporary, "wbe");
    bool ok = file && write_all(file, c, state);
    if (file) {
        /* closed in any case, and asked: a full disk may tell only here */
        ok = fclose(file) == 0 && ok;
    }
    if (!ok || rename(temporary, c->path) != 0) {
        /* Before unlink, which sets its own. */
        int code = errno;
        (void)unlink(temporary);
        return FAIL(err, ERR_INTERNAL, "the checkpoint %s cannot be written: %s", c->path,
                    err_words(code));
    }
    return true;
}

/* ---- reading ---- */

static bool read_part(FILE *file, void *data, size_t bytes, struct hash_state *hash)
{
    if (fread(data, 1, bytes, file) != bytes) {
        return false;
    }
    hash_add(hash, data, bytes);
    return true;
}

static bool read_all(FILE *file, const struct checkpoint *c, struct als_state *s)
{
    struct header header;
    struct hash_state hash;
    uint8_t computed[SHA256_BYTES];
    uint8_t digest[SHA256_BYTES];
    hash_begin(&hash);
    if (!read_part(file, &header, sizeof header, &hash) ||
        memcmp(header.magic, MAGIC, sizeof header.magic) != 0 ||
        memcmp(header.key, c->key, sizeof header.key) != 0 || header.rows != s->shoppers.rows ||
        header.cols != s->items.rows || header.factors != s->items.cols || header.sweeps < 1 ||
        !read_part(file, s->shoppers.data, mat_bytes(&s->shoppers), &hash) ||
        !read_part(file, s->items.data, mat_bytes(&s->items), &hash) ||
        fread(digest, 1, sizeof digest, file) != sizeof digest || fgetc(file) != EOF) {
        return false;
    }
    hash_end(&hash, computed);
    /* Read whole before it is believed: a file cut short by a power cut has a good header. */
    s->sweeps = header.sweeps;
    return memcmp(computed, digest, sizeof digest) == 0;
}

bool checkpoint_load(const struct checkpoint *c, int rows, int cols, int factors,
                     struct als_state *out)
{
    CLEANUP(file_close) FILE *file = fopen(c->path, "rbe");
    if (!file) {
        return false;
    }
    struct als_state s = {.shoppers = mat_make(rows, factors), .items = mat_make(cols, factors)};
    /* Straight into the matrices, whose sizes are known from the interactions: a file that lies
     * about its own cannot make us allocate them. */
    if (!read_all(file, c, &s)) {
        mat_free(&s.shoppers);
        mat_free(&s.items);
        /* It would be met again by every later run of the same training, and read in vain. */
        (void)unlink(c->path);
        return false;
    }
    *out = s;
    return true;
}

void checkpoint_remove_all(const char *path)
{
    CLEANUP(dir_close) DIR *dir = opendir(path);
    if (!dir) {
        return;
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (strncmp(e->d_name, PREFIX, sizeof PREFIX - 1) == 0) {
            /* Also what a write that was killed has left under the name with .new. */
            (void)unlinkat(dirfd(dir), e->d_name, 0);
        }
    }
}
