/* Small facts about the container that its writer and its reader must agree on. */
#include "ml/file/model_layout.h"

#include <math.h>
#include <string.h>

uint64_t model_dtype_bytes(uint32_t dtype)
{
    static const uint8_t bytes[] = {
        [MODEL_F32] = 4, [MODEL_F64] = 8, [MODEL_I32] = 4, [MODEL_I64] = 8, [MODEL_U8] = 1};
    return dtype < sizeof bytes ? bytes[dtype] : 0;
}

uint32_t model_crc32(const void *bytes, uint64_t len)
{
    /* made anew at each call: some 2,000 steps beside the megabytes of a section */
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) {
            /* the polynomial of IEEE 802.3, lowest bit first */
            c = (c >> 1) ^ ((c & 1) ? UINT32_C(0xEDB88320) : 0);
        }
        table[i] = c;
    }
    const uint8_t *at = bytes;
    /* all ones before and inverted after: zeros in front would otherwise change nothing */
    uint32_t crc = UINT32_MAX;
    for (uint64_t i = 0; i < len; i++) {
        crc = (crc >> 8) ^ table[(crc ^ at[i]) & 0xFF];
    }
    return ~crc;
}

static bool name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

bool model_name_ok(const char *text, size_t size)
{
    size_t len = 0;
    while (len < size && name_character(text[len])) {
        len++;
    }
    if (len == 0 || len == size) {
        return false;
    }
    /* behind the first zero, too: a name has one sequence of bytes */
    for (size_t i = len; i < size; i++) {
        if (text[i] != '\0') {
            return false;
        }
    }
    return true;
}

bool model_section_finite(const struct model_section *section)
{
    if (section->dtype == MODEL_F32) {
        return floats_are_finite(section->data, section->count);
    }
    if (section->dtype == MODEL_F64) {
        const double *values = section->data;
        for (uint64_t i = 0; i < section->count; i++) {
            if (!isfinite(values[i])) {
                return false;
            }
        }
    }
    return true;
}
