#ifndef HTTP_KEY_H
#define HTTP_KEY_H

#include "base/err.h"
#include "base/hash.h"

#include <stdbool.h>
#include <stdint.h>

/* API keys: "ck_<12 hex>.<43 base64url>": the id is public, the secret is 32 random bytes. Stored is
 * the SHA-256 of the secret's text only; a slow hash would protect nothing of that entropy. */
enum { KEY_ID_LEN = 15, KEY_SECRET_LEN = 43, KEY_TEXT_MAX = KEY_ID_LEN + 1 + KEY_SECRET_LEN + 1 };

struct api_key {
    char id[KEY_ID_LEN + 1];
    uint8_t secret_hash[SHA256_BYTES];
};

/* A fresh key; text is shown once and never stored. */
void key_make(struct api_key *out, char text[KEY_TEXT_MAX]);
/* False where the text is no key at all. */
bool key_parse(const char *text, struct api_key *out);

/* "ingest,read" <-> SCOPE_* bits. Parsing fails with ERR_INVALID at path "scopes". */
CAN_FAIL bool scopes_parse(const char *list, unsigned *out, struct err *err);
enum { SCOPES_TEXT_MAX = 40 };
char *scopes_format(unsigned scopes, char out[SCOPES_TEXT_MAX]); /* returns out */

#endif
