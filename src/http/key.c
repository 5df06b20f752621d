/* The form of API keys and scopes. It knows nothing of requests or of the database. */
#include "http/key.h"

#include "http/wire/codec.h"
#include "store/keys.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { SECRET_BYTES = 32, ID_BYTES = 6, PREFIX_LEN = 3 };

static const struct scope {
    const char *name;
    unsigned bit;
} scope_table[] = {
    {"ingest", SCOPE_INGEST},
    {"read", SCOPE_READ},
    {"outreach", SCOPE_OUTREACH},
    {"admin", SCOPE_ADMIN},
};
enum { SCOPES = sizeof scope_table / sizeof *scope_table };

void key_make(struct api_key *out, char text[KEY_TEXT_MAX])
{
    uint8_t id[ID_BYTES];
    uint8_t secret[SECRET_BYTES];
    char hex[2 * ID_BYTES + 1];
    char encoded[KEY_SECRET_LEN + 1];

    hash_random(id, sizeof id);
    hash_random(secret, sizeof secret);
    (void)snprintf(out->id, sizeof out->id, "ck_%s", hash_hex(id, sizeof id, hex));
    (void)sodium_bin2base64(encoded, sizeof encoded, secret, sizeof secret,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    /* of the text as the client sends it, so that checking needs no decoding */
    hash_sha256(encoded, strlen(encoded), out->secret_hash);
    (void)snprintf(text, KEY_TEXT_MAX, "%s.%s", out->id, encoded);
    /* the caller's text, shown once, is the only copy left; a memset of what is never read again
     * would be optimised away */
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(encoded, sizeof encoded);
}

bool key_parse(const char *text, struct api_key *out)
{
    const char *secret = text + KEY_ID_LEN + 1;

    /* the length first: only then does secret point into the text */
    if (strlen(text) != KEY_ID_LEN + 1 + KEY_SECRET_LEN || memcmp(text, "ck_", PREFIX_LEN) != 0 ||
        strspn(text + PREFIX_LEN, "0123456789abcdef") != KEY_ID_LEN - PREFIX_LEN ||
        text[KEY_ID_LEN] != '.' || !codec_base64_clean(secret)) {
        return false;
    }
    memcpy(out->id, text, KEY_ID_LEN);
    out->id[KEY_ID_LEN] = '\0';
    hash_sha256(secret, KEY_SECRET_LEN, out->secret_hash);
    return true;
}

CAN_FAIL bool scopes_parse(const char *list, unsigned *out, struct err *err)
{
    unsigned scopes = 0;

    for (const char *p = list; *p;) {
        size_t len = strcspn(p, ",");
        unsigned bit = 0;
        for (int i = 0; i < SCOPES; i++) {
            if (strlen(scope_table[i].name) == len && memcmp(p, scope_table[i].name, len) == 0) {
                bit = scope_table[i].bit;
            }
        }
        if (bit == 0) {
            return FAIL_AT(err, ERR_INVALID, "scopes",
                           "\"%.*s\" is none of ingest, read, outreach, admin", (int)len, p);
        }
        scopes |= bit;
        /* a comma at the very end is not stepped over, so that the check below meets it */
        p += len + (p[len] == ',' && p[len + 1] != '\0' ? 1 : 0);
        if (*p == ',') {
            return FAIL_AT(err, ERR_INVALID, "scopes", "a scope is empty");
        }
    }
    if (scopes == 0) {
        return FAIL_AT(err, ERR_INVALID, "scopes", "at least one scope is needed");
    }
    *out = scopes;
    return true;
}

char *scopes_format(unsigned scopes, char out[SCOPES_TEXT_MAX])
{
    size_t len = 0;

    out[0] = '\0';
    for (int i = 0; i < SCOPES; i++) {
        if (scopes & scope_table[i].bit) {
            int n = snprintf(out + len, SCOPES_TEXT_MAX - len, "%s%s", len > 0 ? "," : "",
                             scope_table[i].name);
            len += n > 0 ? (size_t)n : 0;
        }
    }
    return out;
}
