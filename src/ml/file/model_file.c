/* Reads a model file: nothing in it is believed before it is checked, and nothing is copied. */
#include "ml/file/model_file.h"

#include "base/cleanup.h"
#include "ml/file/model_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- checks, in the order in which they make the next one safe ---- */

static bool all_zero(const void *bytes, uint64_t len)
{
    const uint8_t *at = bytes;
    for (uint64_t i = 0; i < len; i++) {
        if (at[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool header_check(const struct model_header *h, size_t len, struct err *err)
{
    /* Magic, byte order and version come first: behind another one of these the
     * other fields mean something else. */
    if (memcmp(h->magic, MODEL_MAGIC, sizeof h->magic) != 0) {
        return FAIL(err, ERR_INVALID, "not a model file: it does not start with " MODEL_MAGIC);
    }
    if (h->endian_mark != MODEL_ENDIAN_MARK) {
        return FAIL(err, ERR_INVALID,
                    "the model file was written by a machine of the other byte order");
    }
    if (h->version != MODEL_VERSION) {
        return FAIL(err, ERR_INVALID, "the model file has format version %u, this program reads %d",
                    h->version, MODEL_VERSION);
    }
    /* cut off or appended to, e.g. by a copy that broke */
    if (h->file_bytes != len) {
        return FAIL(err, ERR_INVALID, "the model file has %zu bytes, its header says %llu", len,
                    (unsigned long long)h->file_bytes);
    }
    /* by division, where no number of sections can overflow; so the table lies within the bytes */
    if (h->section_count < 1 || h->section_count > MODEL_SECTIONS_MAX ||
        h->section_count > (len - sizeof *h) / sizeof(struct model_entry)) {
        return FAIL(err, ERR_INVALID, "the model file cannot have %u sections", h->section_count);
    }
    /* Unused bytes must be zero: the same model is the same bytes, and a later
     * version may give them a meaning. */
    if (!model_name_ok(h->kind, sizeof h->kind) || h->zero != 0 ||
        !all_zero(h->zeros, sizeof h->zeros)) {
        return FAIL(err, ERR_INVALID, "the model file's header is damaged");
    }
    return true;
}

/* `from` is where the section before ended; the section must start at the next boundary and end
 * before `limit`. */
static bool entry_check(const struct model_entry *e, const uint8_t *bytes, uint64_t from,
                        uint64_t limit, struct err *err)
{
    if (!model_name_ok(e->name, sizeof e->name)) {
        return FAIL(err, ERR_INVALID, "a section of the model file has no proper name");
    }
    /* 0 for a type of a later version, which is refused as well */
    uint64_t size = model_dtype_bytes(e->dtype);
    uint64_t expected;
    if (size == 0 || __builtin_mul_overflow(e->count, size, &expected) || expected != e->bytes ||
        e->zero != 0) {
        return FAIL(err, ERR_INVALID, "section '%s' has type %u and %llu elements in %llu bytes",
                    e->name, e->dtype, (unsigned long long)e->count, (unsigned long long)e->bytes);
    }
    /* At one place only: sections that overlap or leave a hole cannot be told. Subtracted, not
     * added: offset plus bytes might wrap round. */
    if (e->offset != model_align(from) || e->offset > limit || e->bytes > limit - e->offset) {
        return FAIL(err, ERR_INVALID, "section '%s' lies outside its place", e->name);
    }
    if (!all_zero(bytes + from, e->offset - from)) {
        return FAIL(err, ERR_INVALID, "the gap before section '%s' is not empty", e->name);
    }
    /* names the section; whether the whole is what was written, the SHA-256 says */
    if (model_crc32(bytes + e->offset, e->bytes) != e->crc) {
        return FAIL(err, ERR_INVALID, "section '%s' is damaged: its checksum differs", e->name);
    }
    return true;
}

static const struct model_section *find(const struct model_file *file, const char *name)
{
    for (int i = 0; i < file->count; i++) {
        if (strcmp(file->sections[i].name, name) == 0) {
            return &file->sections[i];
        }
    }
    return NULL;
}

/* Reads the table into file->sections. */
static bool table_check(const uint8_t *bytes, uint32_t count, uint64_t limit,
                        struct model_file *file, struct err *err)
{
    /* count is at most MODEL_SECTIONS_MAX here, so this does not overflow */
    uint64_t from = sizeof(struct model_header) + count * sizeof(struct model_entry);
    if (from > limit) {
        return FAIL(err, ERR_INVALID, "the model file ends inside its table");
    }
    for (uint32_t i = 0; i < count; i++) {
        struct model_entry entry;
        /* copied out, since the bytes are anybody's: no pointer of a struct into them */
        memcpy(&entry, bytes + sizeof(struct model_header) + i * sizeof entry, sizeof entry);
        if (!entry_check(&entry, bytes, from, limit, err)) {
            return false;
        }
        if (find(file, entry.name)) {
            return FAIL(err, ERR_INVALID, "section '%s' is there twice", entry.name);
        }
        struct model_section *section = &file->sections[file->count++];
        *section = (struct model_section){.dtype = (enum model_dtype)entry.dtype,
                                          .count = entry.count,
                                          .data = bytes + entry.offset};
        memcpy(section->name, entry.name, sizeof section->name);
        /* One NaN among the factors would make scores NaN one by one,
         * long after the load said "fine". */
        if (!model_section_finite(section)) {
            return FAIL(err, ERR_INVALID, "section '%s' holds a number that is not finite",
                        entry.name);
        }
        from = entry.offset + entry.bytes;
    }
    /* nothing behind the last section that no check has seen */
    if (model_align(from) != limit || !all_zero(bytes + from, limit - from)) {
        return FAIL(err, ERR_INVALID, "the model file does not end after its last section");
    }
    return true;
}

/* One pass over the bytes gives both digests: the one stored at the end, and the one of
 * the whole file. */
static bool digest_check(const uint8_t *bytes, size_t len, struct model_file *file, struct err *err)
{
    struct hash_state state;
    uint8_t digest[SHA256_BYTES];
    hash_begin(&state);
    hash_add(&state, bytes, len - SHA256_BYTES);
    /* the state is copied before it ends: the second digest goes on where the first stops */
    struct hash_state whole = state;
    hash_end(&state, digest);
    if (!hash_equal(digest, bytes + len - SHA256_BYTES, SHA256_BYTES)) {
        return FAIL(err, ERR_INVALID, "the model file is damaged: its SHA-256 differs");
    }
    hash_add(&whole, bytes + len - SHA256_BYTES, SHA256_BYTES);
    hash_end(&whole, file->sha256);
    return true;
}

bool model_file_view(const void *bytes, size_t len, struct model_file *out, struct err *err)
{
    struct model_header header;
    if (len < sizeof header + sizeof(struct model_entry) + SHA256_BYTES ||
        len > MODEL_FILE_BYTES_MAX) {
        return FAIL(err, ERR_INVALID, "%zu bytes cannot be a model file", len);
    }
    /* Sections lie at multiples of 64 of the start: with it aligned, they are
     * handed out as arrays of their type. */
    if ((uintptr_t)bytes % alignof(double) != 0) {
        return FAIL(err, ERR_INTERNAL, "model bytes must be aligned to %zu", alignof(double));
    }
    memcpy(&header, bytes, sizeof header);
    struct model_file file = {.bytes = bytes, .length = len};
    if (!header_check(&header, len, err) ||
        !table_check(bytes, header.section_count, len - SHA256_BYTES, &file, err) ||
        !digest_check(bytes, len, &file, err)) {
        return false;
    }
    /* kind and schema only now, when every byte has been checked;
     * *out stays untouched until then */
    memcpy(file.kind, header.kind, sizeof file.kind);
    memcpy(file.schema, header.schema, sizeof file.schema);
    *out = file;
    return true;
}

/* ---- memory ---- */

static void fd_close(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static bool not_opened(struct err *err, const char *path, int code)
{
    return FAIL(err, ERR_INVALID, "cannot read the model file %s: %s", path, err_words(code));
}

/* Memory that begins a page, as sections want; model_file_close gives it back. */
static void *pages(size_t len, struct err *err)
{
    void *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) {
        (void)FAIL(err, ERR_BUSY, "no memory for a model of %zu bytes", len);
        return NULL;
    }
    return bytes;
}

/* False with errno; 0 where the file ended early. */
static bool read_all(int fd, void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        /* a read may end early, by a signal: on with what is left */
        ssize_t n = read(fd, (uint8_t *)bytes + done, len - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? 0 : errno;
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* Takes over the pages. */
static bool take(void *bytes, size_t len, struct model_file *out, struct err *err)
{
    if (!model_file_view(bytes, len, out, err)) {
        (void)munmap(bytes, len);
        return false;
    }
    /* nothing writes to it any more, by mistake either */
    (void)mprotect(bytes, len, PROT_READ);
    /* a view of the caller's bytes must not be unmapped */
    out->owned = true;
    return true;
}

bool model_file_open(const char *path, struct model_file *out, struct err *err)
{
    /* O_NOFOLLOW: the name must be the file itself. O_NONBLOCK: opening a pipe would wait for a
     * writer, before fstat could refuse it. */
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        return not_opened(err, path, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return FAIL(err, ERR_INVALID, "%s is not a plain file", path);
    }
    if (status.st_size <= 0 || (uint64_t)status.st_size > MODEL_FILE_BYTES_MAX) {
        return FAIL(err, ERR_INVALID, "%lld bytes cannot be a model file",
                    (long long)status.st_size);
    }
    size_t len = (size_t)status.st_size;
    void *bytes = pages(len, err);
    if (bytes == NULL) {
        return false;
    }
    if (!read_all(fd, bytes, len)) {
        int problem = errno;
        (void)munmap(bytes, len);
        return problem == 0
                   ? FAIL(err, ERR_INVALID, "the model file %s got shorter while it was read", path)
                   : not_opened(err, path, problem);
    }
    return take(bytes, len, out, err);
}

bool model_file_copy(const void *bytes, size_t len, struct model_file *out, struct err *err)
{
    /* here and not only in model_file_view: mmap gives no 0 bytes, which would read as
     * want of memory */
    if (len == 0 || len > MODEL_FILE_BYTES_MAX) {
        return FAIL(err, ERR_INVALID, "%zu bytes cannot be a model file", len);
    }
    void *copy = pages(len, err);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, bytes, len);
    return take(copy, len, out, err);
}

void model_file_close(struct model_file *file)
{
    if (file->owned) {
        union {
            const uint8_t *in;
            void *out;
        } bytes = {.in = file->bytes};
        (void)munmap(bytes.out, file->length);
    }
    *file = (struct model_file){0};
}

/* ---- getters ---- */

bool model_file_expect(const struct model_file *file, const char *kind,
                       const uint8_t schema[SHA256_BYTES], struct err *err)
{
    /* the kind first: another kind has another schema too, and is the better answer */
    if (strcmp(file->kind, kind) != 0) {
        return FAIL(err, ERR_INVALID, "the model is of kind '%s', not '%s'", file->kind, kind);
    }
    if (memcmp(file->schema, schema, SHA256_BYTES) != 0) {
        return FAIL(err, ERR_INVALID,
                    "the '%s' model was trained for another schema: train it again", kind);
    }
    return true;
}

static bool typed(const struct model_file *file, const char *name, enum model_dtype dtype,
                  const struct model_section **out, struct err *err)
{
    const struct model_section *section = find(file, name);
    if (!section) {
        return FAIL(err, ERR_INVALID, "the model has no section '%s'", name);
    }
    /* the bytes of one type read as another would be numbers, and wrong */
    if (section->dtype != dtype) {
        return FAIL(err, ERR_INVALID, "section '%s' has type %d, not %d", name, (int)section->dtype,
                    (int)dtype);
    }
    *out = section;
    return true;
}

bool model_file_has(const struct model_file *file, const char *name)
{
    for (int i = 0; i < file->count; i++) {
        if (strcmp(file->sections[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool model_file_count(const struct model_file *file, const char *name, enum model_dtype dtype,
                      uint64_t *out_count, struct err *err)
{
    const struct model_section *section;
    if (!typed(file, name, dtype, &section, err)) {
        return false;
    }
    *out_count = section->count;
    return true;
}

static bool counted(const struct model_file *file, const char *name, enum model_dtype dtype,
                    uint64_t count, const void **out, struct err *err)
{
    const struct model_section *section;
    if (!typed(file, name, dtype, &section, err)) {
        return false;
    }
    if (section->count != count) {
        return FAIL(err, ERR_INVALID, "section '%s' has %llu elements, not %llu", name,
                    (unsigned long long)section->count, (unsigned long long)count);
    }
    *out = section->data;
    return true;
}

/* One typed getter a line: the type in C and the type in the file belong together. */
#define GETTER(suffix, dtype, type)                                                                \
    bool model_file_##suffix(const struct model_file *file, const char *name, uint64_t count,      \
                             const type **out, struct err *err)                                    \
    {                                                                                              \
        const void *data;                                                                          \
        if (!counted(file, name, dtype, count, &data, err)) {                                      \
            return false;                                                                          \
        }                                                                                          \
        *out = data;                                                                               \
        return true;                                                                               \
    }

GETTER(f32, MODEL_F32, float)
GETTER(f64, MODEL_F64, double)
GETTER(i32, MODEL_I32, int32_t)
GETTER(i64, MODEL_I64, int64_t)
GETTER(u8, MODEL_U8, uint8_t)

bool model_file_mat(const struct model_file *file, const char *name, int rows, int cols,
                    struct mat *out, struct err *err)
{
    const float *data;
    /* The numbers may come from a file: out of range they must be an
     * error, and not the assert of mat_ld. */
    if (rows < 0 || cols < 0 || cols > INT32_MAX - MAT_ALIGN_FLOATS) {
        return FAIL(err, ERR_INVALID, "matrix '%s' cannot have %d rows and %d columns", name, rows,
                    cols);
    }
    if (!model_file_f32(file, name, (uint64_t)rows * (uint64_t)mat_ld(cols), &data, err)) {
        return false;
    }
    *out = mat_view(data, rows, cols, mat_ld(cols));
    return true;
}

bool model_file_text(const struct model_file *file, const char *name, const char **out_text,
                     size_t *out_len, struct err *err)
{
    const struct model_section *section;
    if (!typed(file, name, MODEL_U8, &section, err)) {
        return false;
    }
    *out_text = section->data;
    *out_len = section->count;
    return true;
}
