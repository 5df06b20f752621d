/* The model loader on any bytes: it refuses, or what it shows lies inside them. The second half of
 * the runs repairs the checksums first, so that the fuzzer reaches the checks behind them. */
#include "ml/file/model_file.h"
#include "ml/file/model_layout.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches every byte of every section; ASan objects if one is not there. */
static void read_all(const struct model_file *file)
{
    for (int i = 0; i < file->count; i++) {
        const struct model_section *section = &file->sections[i];
        uint64_t bytes = section->count * model_dtype_bytes(section->dtype);
        volatile uint32_t sum = model_crc32(section->data, bytes);
        (void)sum;
        if (!model_section_finite(section)) {
            abort();
        }
    }
}

static void try_view(const uint8_t *bytes, size_t size)
{
    struct err err = {0};
    struct model_file file;
    if (model_file_view(bytes, size, &file, &err)) {
        const float *floats;
        read_all(&file);
        if (model_file_f32(&file, "pairs", 1, &floats, &err) && floats[0] != floats[0]) {
            abort();
        }
    } else if (err.kind != ERR_INVALID || err.text[0] == '\0') {
        abort(); /* a refusal says why */
    }
}

/* Makes length and checksums fit whatever the table says, as far as the table stays inside. */
static void repair(uint8_t *bytes, size_t size)
{
    struct model_header header;
    struct model_entry entry;
    memcpy(&header, bytes, sizeof header);
    header.file_bytes = size;
    memcpy(bytes, &header, sizeof header);
    for (size_t i = 0, at = sizeof header; i < header.section_count && at + sizeof entry <= size;
         i++, at += sizeof entry) {
        memcpy(&entry, bytes + at, sizeof entry);
        if (entry.offset <= size && entry.bytes <= size - entry.offset) {
            entry.crc = model_crc32(bytes + entry.offset, entry.bytes);
            memcpy(bytes + at, &entry, sizeof entry);
        }
    }
    hash_sha256(bytes, size - SHA256_BYTES, bytes + size - SHA256_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = mem_alloc(size); /* its own block: aligned, and bounded for ASan */
    if (size > 0) {
        memcpy(copy, data, size);
    }
    try_view(copy, size);
    if (size >= sizeof(struct model_header) + sizeof(struct model_entry) + SHA256_BYTES) {
        repair(copy, size);
        try_view(copy, size);
    }
    free(copy);
    return 0;
}
