#ifndef ML_FILE_MODEL_FILE_H
#define ML_FILE_MODEL_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "ml/linear/mat.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The immutable, checksummed container every trained model travels in. It holds numbers and one
 * JSON text, never code. All integers little-endian:
 *
 *   offset  bytes  field
 *        0      8  magic "CWMODEL1"
 *        8      4  format version, 1
 *       12      4  endianness mark 0x0A0B0C0D
 *       16      8  length of the whole file
 *       24      4  number of sections, 1 .. 64
 *       28      4  zero
 *       32     32  kind, e.g. "affinity-als", padded with zeros
 *       64     32  schema hash: SHA-256 of what the numbers mean (feature table, options layout)
 *       96     32  zero
 *      128   64*s  section table, one entry a section, in order of the file:
 *                     0  24  name, padded with zeros, distinct
 *                    24   4  element type: 1 f32, 2 f64, 3 i32, 4 i64, 5 u8
 *                    28   4  CRC-32 (IEEE 802.3) of the section's bytes
 *                    32   8  number of elements
 *                    40   8  offset of the section in the file, a multiple of 64
 *                    48   8  bytes of the section = elements * size of the type
 *                    56   8  zero
 *      ...         sections, each starting at the next multiple of 64 after the one before (the
 * first after the table), the gap filled with zeros: no holes, no overlaps len-32     32  SHA-256
 * of all bytes before it; starts at a multiple of 64
 *
 * A model is known by the SHA-256 of its whole file, as `sha256sum` prints it; the file is named
 * model-<that in hex>.bin and never changed. */

enum {
    MODEL_SECTIONS_MAX = 64,
    MODEL_NAME_BYTES = 24, /* longest name + its zero */
    MODEL_KIND_BYTES = 32,
    MODEL_PATH_BYTES = 1024,
};
#define MODEL_FILE_BYTES_MAX ((uint64_t)8 << 30)

enum model_dtype { MODEL_F32 = 1, MODEL_F64, MODEL_I32, MODEL_I64, MODEL_U8 };

struct model_section {
    char name[MODEL_NAME_BYTES];
    enum model_dtype dtype;
    uint64_t count;
    const void *data; /* borrowed */
};

/* ---- writing ---- */

/* What a model will hold. Borrows every array until model_builder_finish. */
struct model_builder {
    char kind[MODEL_KIND_BYTES];
    uint8_t schema[SHA256_BYTES];
    int count;
    struct model_section sections[MODEL_SECTIONS_MAX];
    struct err err; /* first mistake of an add, told by finish */
};

struct model_builder model_builder_make(const char *kind, const uint8_t schema[SHA256_BYTES]);
/* Names: 1 .. 23 of a-z 0-9 _ . - */
void model_builder_add(struct model_builder *b, const char *name, enum model_dtype dtype,
                       const void *data, uint64_t count);
/* An owned matrix with its padding (rows * mat_ld(cols) floats), so that a view of it is aligned
 * like it. */
void model_builder_add_mat(struct model_builder *b, const char *name, const struct mat *m);
void model_builder_add_text(struct model_builder *b, const char *name,
                            const char *text); /* u8, without NUL */

/* The file's bytes into *out (owned by the caller: buf_free) and its SHA-256. The same sections
 * give the same bytes. Fails with ERR_INVALID on a bad or repeated name, no section, a float that
 * is not finite, or too many bytes. */
CAN_FAIL bool model_builder_finish(const struct model_builder *b, struct buf *out,
                                   uint8_t out_sha256[SHA256_BYTES], struct err *err);

/* Writes dir/model-<sha256>.bin: temporary file in dir, fsync, rename, fsync of dir. Fills
 * out_path. Repeating it is harmless. Fails with ERR_BUSY if the disk is full, else ERR_INTERNAL.
 */
CAN_FAIL bool model_file_save(const char *dir, const void *bytes, size_t len,
                              char out_path[MODEL_PATH_BYTES], struct err *err);

/* dir/model-<sha256>.bin into out_path; false (ERR_INVALID) if it would not fit. */
CAN_FAIL bool model_file_path(const char *dir, const uint8_t sha256[SHA256_BYTES],
                              char out_path[MODEL_PATH_BYTES], struct err *err);

/* ---- reading ---- */

/* A model whose every byte was checked. Section data is borrowed from its memory or the caller's
 * bytes. */
struct model_file {
    char kind[MODEL_KIND_BYTES];
    uint8_t schema[SHA256_BYTES];
    uint8_t sha256[SHA256_BYTES]; /* of the whole file */
    int count;
    struct model_section sections[MODEL_SECTIONS_MAX];
    const uint8_t *bytes;
    size_t length;
    bool owned;
};

/* Reads path and checks everything: lengths, table, zeros, checksums, finite floats. Fails
 * with ERR_INVALID and what is wrong; *out is then untouched. The caller owns the memory
 * (model_file_close). The path's last part must not be a symbolic link. Read and not mapped: a mapped file that somebody cuts
 * short while it serves ends the process (SIGBUS), and a changed one changes what was checked. */
CAN_FAIL bool model_file_open(const char *path, struct model_file *out, struct err *err);

/* The same for bytes in memory, copied. */
CAN_FAIL bool model_file_copy(const void *bytes, size_t len, struct model_file *out,
                              struct err *err);

/* The same for bytes in memory, borrowed until the last use; they must be aligned to 8. */
CAN_FAIL bool model_file_view(const void *bytes, size_t len, struct model_file *out,
                              struct err *err);

void model_file_close(struct model_file *file); /* accepts {0} and views */

/* Fails with ERR_INVALID unless the kind and the schema hash are the expected ones. */
CAN_FAIL bool model_file_expect(const struct model_file *file, const char *kind,
                                const uint8_t schema[SHA256_BYTES], struct err *err);

/* Whether it has a section of that name. */
bool model_file_has(const struct model_file *file, const char *name);

/* Elements of the section; fails with ERR_INVALID if it is missing or of another type. */
CAN_FAIL bool model_file_count(const struct model_file *file, const char *name,
                               enum model_dtype dtype, uint64_t *out_count, struct err *err);

/* The section's elements, borrowed. Fails with ERR_INVALID if it is missing, of another type, or
 * does not have exactly `count` elements. */
CAN_FAIL bool model_file_f32(const struct model_file *file, const char *name, uint64_t count,
                             const float **out, struct err *err);
CAN_FAIL bool model_file_f64(const struct model_file *file, const char *name, uint64_t count,
                             const double **out, struct err *err);
CAN_FAIL bool model_file_i32(const struct model_file *file, const char *name, uint64_t count,
                             const int32_t **out, struct err *err);
CAN_FAIL bool model_file_i64(const struct model_file *file, const char *name, uint64_t count,
                             const int64_t **out, struct err *err);
CAN_FAIL bool model_file_u8(const struct model_file *file, const char *name, uint64_t count,
                            const uint8_t **out, struct err *err);

/* A matrix written by model_builder_add_mat; borrowed, for reading only. */
CAN_FAIL bool model_file_mat(const struct model_file *file, const char *name, int rows, int cols,
                             struct mat *out, struct err *err);

/* A text section of any length, not NUL-terminated; borrowed. */
CAN_FAIL bool model_file_text(const struct model_file *file, const char *name,
                              const char **out_text, size_t *out_len, struct err *err);

#endif
