#ifndef ML_FILE_MODEL_LAYOUT_H
#define ML_FILE_MODEL_LAYOUT_H

#include "ml/file/model_file.h"

/* The byte layout of model_file.h, shared by its writer and its reader only. Both copy these
 * structs to and from the file as they are; the endianness mark refuses the files of a machine of
 * the other kind. */

#define MODEL_MAGIC       "CWMODEL1"
#define MODEL_ENDIAN_MARK UINT32_C(0x0A0B0C0D)

enum { MODEL_VERSION = 1, MODEL_ALIGN = 64 };

struct model_header {
    char magic[8];
    uint32_t version;
    uint32_t endian_mark;
    uint64_t file_bytes;
    uint32_t section_count;
    uint32_t zero;
    char kind[MODEL_KIND_BYTES];
    uint8_t schema[SHA256_BYTES];
    uint8_t zeros[32];
};

struct model_entry {
    char name[MODEL_NAME_BYTES];
    uint32_t dtype;
    uint32_t crc;
    uint64_t count;
    uint64_t offset;
    uint64_t bytes;
    uint64_t zero;
};

_Static_assert(sizeof(struct model_header) == 128, "the header has 128 bytes");
_Static_assert(sizeof(struct model_entry) == 64, "a table entry has 64 bytes");

/* The next multiple of 64; at may not exceed MODEL_FILE_BYTES_MAX. */
static inline uint64_t model_align(uint64_t at)
{
    return (at + MODEL_ALIGN - 1) / MODEL_ALIGN * MODEL_ALIGN;
}

/* Bytes of one element; 0 for an unknown type. */
uint64_t model_dtype_bytes(uint32_t dtype);

/* CRC-32 of IEEE 802.3, as zlib's crc32. */
uint32_t model_crc32(const void *bytes, uint64_t len);

/* True if text is 1 .. size-1 characters of a-z 0-9 _ . - and only zeros after them. */
bool model_name_ok(const char *text, size_t size);

/* True if the section is not made of floats, or all of them are finite. */
bool model_section_finite(const struct model_section *section);

#endif
