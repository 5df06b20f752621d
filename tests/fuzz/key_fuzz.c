/* API keys and lists of scopes. A key is taken exactly where each character is one that a key may have
 * there, so that no two texts are one key; scopes that are taken are written and read again as the same. */
#include "fuzz.h"

#include "http/key.h"

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_url_safe(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
}

static bool is_key(const char *text)
{
    bool whole = strlen(text) == KEY_TEXT_MAX - 1 && strncmp(text, "ck_", 3) == 0;

    for (size_t i = 3; whole && i < KEY_TEXT_MAX - 1; i++) {
        whole = i < KEY_ID_LEN    ? is_hex(text[i])
                : i == KEY_ID_LEN ? text[i] == '.'
                                  : is_url_safe(text[i]);
    }
    return whole;
}

static void check_key(const char *text)
{
    struct api_key key = {0};
    bool taken = key_parse(text, &key);

    DEMAND(taken == is_key(text));
    if (taken) {
        uint8_t hash[SHA256_BYTES];
        hash_sha256(text + KEY_ID_LEN + 1, KEY_SECRET_LEN, hash);
        DEMAND(strlen(key.id) == KEY_ID_LEN && strncmp(key.id, text, KEY_ID_LEN) == 0);
        DEMAND(memcmp(hash, key.secret_hash, sizeof hash) == 0);
    }
}

static void check_scopes(const char *text)
{
    char written[SCOPES_TEXT_MAX];
    unsigned scopes = 0;
    unsigned back = 0;
    struct err err = {0};

    if (!scopes_parse(text, &scopes, &err)) {
        fuzz_refusal(&err);
        DEMAND(strcmp(err.path, "scopes") == 0);
        return;
    }
    DEMAND(scopes != 0);
    DEMAND(text[strlen(text) - 1] != ','); /* a list that goes on says something else */
    DEMAND(scopes_parse(scopes_format(scopes, written), &back, &err) && back == scopes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    check_key(text);
    check_scopes(text);
    mem_free(&text);
    return 0;
}
