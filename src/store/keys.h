#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include "store/pg/db.h"

enum { SCOPE_INGEST = 1, SCOPE_READ = 2, SCOPE_OUTREACH = 4, SCOPE_ADMIN = 8 };

struct key_row {
    const char *key_id;
    uint8_t secret_hash[32];
    const char *name;
    unsigned scopes;                                          /* SCOPE_* bits */
    int64_t created_us, expires_us, revoked_us, last_used_us; /* 0: never */
};
CAN_FAIL bool store_key_put(struct db *db, const struct key_row *key, struct err *err);
CAN_FAIL bool store_key_find(struct db *db, const char *key_id, struct arena *a,
                             struct key_row *out, bool *out_found, struct err *err);
CAN_FAIL bool store_keys_list(struct db *db, struct arena *a, struct key_row **out,
                              size_t *out_count, struct err *err);
CAN_FAIL bool store_key_revoke(struct db *db, const char *key_id, int64_t now_us, bool *out_found,
                               struct err *err);
CAN_FAIL bool store_key_used(struct db *db, const char *key_id, int64_t now_us, struct err *err);

#endif
