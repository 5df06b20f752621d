#include "base/hash.h"

#include <assert.h>
#include <sodium.h>

static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct hash_state),
              "hash_state is too small");
static_assert(_Alignof(crypto_hash_sha256_state) <= _Alignof(struct hash_state),
              "hash_state is misaligned");
static_assert((int)SHA256_BYTES == (int)crypto_hash_sha256_BYTES, "a SHA-256 has 32 bytes");

static crypto_hash_sha256_state *inner(struct hash_state *s)
{
    return (crypto_hash_sha256_state *)(void *)s->opaque;
}

void hash_sha256(const void *data, size_t len, uint8_t out[SHA256_BYTES])
{
    crypto_hash_sha256(out, data, len);
}

void hash_begin(struct hash_state *s)
{
    crypto_hash_sha256_init(inner(s));
}

void hash_add(struct hash_state *s, const void *data, size_t len)
{
    crypto_hash_sha256_update(inner(s), data, len);
}

void hash_end(struct hash_state *s, uint8_t out[SHA256_BYTES])
{
    crypto_hash_sha256_final(inner(s), out);
}

char *hash_hex(const uint8_t *bytes, size_t len, char *out)
{
    return sodium_bin2hex(out, 2 * len + 1, bytes, len);
}

uint64_t hash_fnv64(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    uint64_t h = UINT64_C(14695981039346656037);

    /* FNV-1a, not FNV-1: xor before the product, so that the last byte is spread as well */
    for (size_t i = 0; i < len; i++) {
        h = (h ^ bytes[i]) * UINT64_C(1099511628211);
    }
    return h;
}

void hash_random(void *out, size_t len)
{
    randombytes_buf(out, len);
}

_Bool hash_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}
