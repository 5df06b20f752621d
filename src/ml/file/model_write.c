/* Builds a model file in memory and puts it on disk so that it is there whole or not at all. */
#include "base/cleanup.h"
#include "ml/file/model_file.h"
#include "ml/file/model_layout.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- builder ---- */

/* Copies a name into a zero-padded field; one that is too long or odd is refused when checked. */
static bool name_put(char *field, size_t size, const char *name)
{
    memset(field, 0, size);
    size_t len = strlen(name);
    /* one that is too long fills the field without a zero, and is refused by the answer */
    memcpy(field, name, len < size ? len : size);
    return len < size && model_name_ok(field, size);
}

struct model_builder model_builder_make(const char *kind, const uint8_t schema[SHA256_BYTES])
{
    struct model_builder b = {0};
    memcpy(b.schema, schema, SHA256_BYTES);
    if (!name_put(b.kind, sizeof b.kind, kind)) {
        err_fill(&b.err, ERR_INVALID, "'%s' is not a model kind: 1 to %d of a-z 0-9 _ . -", kind,
                 MODEL_KIND_BYTES - 1);
    }
    return b;
}

static bool name_taken(const struct model_builder *b, const char *name)
{
    for (int i = 0; i < b->count; i++) {
        if (strcmp(b->sections[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool section_check(const struct model_builder *b, const char *name,
                          const struct model_section *section, bool name_fits, struct err *err)
{
    if (b->count == MODEL_SECTIONS_MAX) {
        return FAIL(err, ERR_INVALID, "a model has at most %d sections", MODEL_SECTIONS_MAX);
    }
    if (!name_fits) {
        return FAIL(err, ERR_INVALID, "'%s' is not a section name: 1 to %d of a-z 0-9 _ . -", name,
                    MODEL_NAME_BYTES - 1);
    }
    if (name_taken(b, name)) {
        return FAIL(err, ERR_INVALID, "section '%s' is there twice", name);
    }
    uint64_t size = model_dtype_bytes(section->dtype);
    /* by division, as the product may overflow; and before the numbers are read, which goes
     * by the count */
    if (size == 0 || section->count > MODEL_FILE_BYTES_MAX / size) {
        return FAIL(err, ERR_INVALID, "section '%s' has an unknown type or too many elements",
                    name);
    }
    /* the reader would refuse it (table_check): better no file than one that nobody can load */
    if (!model_section_finite(section)) {
        return FAIL(err, ERR_INVALID, "section '%s' holds a number that is not finite", name);
    }
    return true;
}

void model_builder_add(struct model_builder *b, const char *name, enum model_dtype dtype,
                       const void *data, uint64_t count)
{
    assert(data || count == 0);
    struct model_section section = {.dtype = dtype, .count = count, .data = data};
    bool name_fits = name_put(section.name, sizeof section.name, name);
    /* The first mistake stays, and finish tells it: the many adds of a model need no check each. */
    if (b->err.kind == ERR_NONE && section_check(b, name, &section, name_fits, &b->err)) {
        b->sections[b->count++] = section;
    }
}

void model_builder_add_mat(struct model_builder *b, const char *name, const struct mat *m)
{
    /* padding included: a view of the file has rows aligned like those of a matrix of ours */
    assert(m->ld == mat_ld(m->cols));
    model_builder_add(b, name, MODEL_F32, m->data, (uint64_t)m->rows * (uint64_t)m->ld);
}

void model_builder_add_text(struct model_builder *b, const char *name, const char *text)
{
    model_builder_add(b, name, MODEL_U8, text, strlen(text));
}

static uint64_t section_bytes(const struct model_section *section)
{
    return section->count * model_dtype_bytes(section->dtype);
}

/* Lays the sections out; returns the length of the whole file, 0 if too long. */
static uint64_t lay_out(const struct model_builder *b, struct model_entry *entries)
{
    uint64_t at = sizeof(struct model_header) + (uint64_t)b->count * sizeof *entries;
    for (int i = 0; i < b->count; i++) {
        const struct model_section *section = &b->sections[i];
        entries[i] = (struct model_entry){
            .dtype = section->dtype,
            .crc = model_crc32(section->data, section_bytes(section)),
            .count = section->count,
            .offset = at,
            .bytes = section_bytes(section),
        };
        memcpy(entries[i].name, section->name, sizeof section->name);
        /* checked section by section: each is at most the limit, so
         * the sum cannot wrap round before */
        at = model_align(at + entries[i].bytes);
        if (at > MODEL_FILE_BYTES_MAX - SHA256_BYTES) {
            return 0;
        }
    }
    return at + SHA256_BYTES;
}

static void add_padding(struct buf *out)
{
    static const char zeros[MODEL_ALIGN];
    buf_add(out, zeros, model_align(out->len) - out->len);
}

bool model_builder_finish(const struct model_builder *b, struct buf *out,
                          uint8_t out_sha256[SHA256_BYTES], struct err *err)
{
    if (b->err.kind != ERR_NONE) {
        return FAIL(err, b->err.kind, "%s", b->err.text);
    }
    if (b->count == 0) {
        return FAIL(err, ERR_INVALID, "a model without sections says nothing");
    }
    struct model_entry entries[MODEL_SECTIONS_MAX];
    struct model_header header = {
        .magic = MODEL_MAGIC,
        .version = MODEL_VERSION,
        .endian_mark = MODEL_ENDIAN_MARK,
        .file_bytes = lay_out(b, entries),
        .section_count = (uint32_t)b->count,
    };
    memcpy(header.kind, b->kind, sizeof header.kind);
    memcpy(header.schema, b->schema, sizeof header.schema);
    if (header.file_bytes == 0) {
        return FAIL(err, ERR_INVALID, "the model is longer than %llu bytes",
                    (unsigned long long)MODEL_FILE_BYTES_MAX);
    }
    /* the exact length is its limit: a layout that does not add up fails the assert below */
    struct buf bytes = buf_make(header.file_bytes);
    buf_add(&bytes, &header, sizeof header);
    buf_add(&bytes, entries, (size_t)b->count * sizeof *entries);
    for (int i = 0; i < b->count; i++) {
        add_padding(&bytes);
        buf_add(&bytes, b->sections[i].data, entries[i].bytes);
    }
    add_padding(&bytes);
    uint8_t digest[SHA256_BYTES];
    hash_sha256(bytes.data, bytes.len, digest);
    buf_add(&bytes, digest, sizeof digest);
    assert(buf_ok(&bytes) && bytes.len == header.file_bytes);
    /* with the digest at the end included: what sha256sum says of the file, and its name */
    hash_sha256(bytes.data, bytes.len, out_sha256);
    *out = bytes;
    return true;
}

/* ---- saving ---- */

bool model_file_path(const char *dir, const uint8_t sha256[SHA256_BYTES],
                     char out_path[MODEL_PATH_BYTES], struct err *err)
{
    char hex[SHA256_HEX];
    char path[MODEL_PATH_BYTES];
    int len =
        snprintf(path, sizeof path, "%s/model-%s.bin", dir, hash_hex(sha256, SHA256_BYTES, hex));
    if (len < 0 || len >= MODEL_PATH_BYTES) {
        return FAIL(err, ERR_INVALID, "the path of the model directory is too long");
    }
    memcpy(out_path, path, (size_t)len + 1);
    return true;
}

static bool io_failed(struct err *err, const char *what, int code)
{
    /* BUSY: trying again may help once there is room, anything else needs somebody */
    bool full = code == ENOSPC || code == EDQUOT;
    return FAIL(err, full ? ERR_BUSY : ERR_INTERNAL, "%s a model file failed: %s", what,
                err_words(code));
}

static bool write_all(int fd, const uint8_t *bytes, size_t len, struct err *err)
{
    while (len > 0) {
        ssize_t wrote = write(fd, bytes, len);
        /* a write may end early, by a signal or a full disk: on with what is left */
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            return io_failed(err, "writing", errno);
        }
        bytes += wrote;
        len -= (size_t)wrote;
    }
    /* Read-only: the name is the content's hash, and changed bytes would not load any more. Synced
     * before the rename, or a power cut could leave the name on an empty file. */
    if (fchmod(fd, S_IRUSR | S_IRGRP | S_IROTH) != 0 || fsync(fd) != 0) {
        return io_failed(err, "syncing", errno);
    }
    return true;
}

/* The rename itself must survive a power cut, too. */
static bool sync_dir(const char *dir, struct err *err)
{
    /* the name is an entry of the directory, which has blocks of its own */
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return io_failed(err, "opening the directory of", errno);
    }
    bool ok = fsync(fd) == 0 || io_failed(err, "syncing the directory of", errno);
    (void)close(fd);
    return ok;
}

bool model_file_save(const char *dir, const void *bytes, size_t len,
                     char out_path[MODEL_PATH_BYTES], struct err *err)
{
    uint8_t sha256[SHA256_BYTES];
    char path[MODEL_PATH_BYTES];
    char temporary[MODEL_PATH_BYTES + 8];
    hash_sha256(bytes, len, sha256);
    if (!model_file_path(dir, sha256, path, err)) {
        return false;
    }
    /* beside the file, as a rename is atomic within one file system only */
    (void)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    /* a name of its own: two that write the same model at once do not meet */
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return io_failed(err, "creating", errno);
    }
    bool ok = write_all(fd, bytes, len, err);
    /* what close could report, fsync has */
    (void)close(fd);
    /* Over one that is there already: the name is the content's hash, so it has the same bytes. */
    if (ok && rename(temporary, path) != 0) {
        ok = io_failed(err, "renaming", errno);
    }
    if (!ok) {
        (void)unlink(temporary);
        return false;
    }
    if (!sync_dir(dir, err)) {
        return false;
    }
    memcpy(out_path, path, sizeof path);
    return true;
}
