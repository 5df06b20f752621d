#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX = 65 };

void hash_sha256(const void *data, size_t len, uint8_t out[SHA256_BYTES]);

/* Streaming form, for files. */
struct hash_state {
    uint64_t opaque[16]; /* holds crypto_hash_sha256_state */
};
void hash_begin(struct hash_state *s);
void hash_add(struct hash_state *s, const void *data, size_t len);
void hash_end(struct hash_state *s, uint8_t out[SHA256_BYTES]);

/* Lower-case hex; out holds 2*len+1 bytes. Returns out. */
char *hash_hex(const uint8_t *bytes, size_t len, char *out);

/* 64-bit FNV-1a, for in-memory hash tables and feature hashing only, never across the wire. */
uint64_t hash_fnv64(const void *data, size_t len);

/* Fills out with random bytes of the kernel (libsodium). */
void hash_random(void *out, size_t len);
/* Equal, in time that does not depend on where they differ. */
_Bool hash_equal(const void *a, const void *b, size_t len);

#endif
