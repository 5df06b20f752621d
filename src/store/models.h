#ifndef STORE_MODELS_H
#define STORE_MODELS_H

#include "store/pg/db.h"

struct model_row {
    const char *version;
    const char *kind;
    const char *algorithm;
    int number;
    uint8_t sha256[32];
    int64_t bytes;
    const char *card; /* JSON */
    const char *verdict;
    const char *reason;
    int64_t created_us;
    bool champion;
    int64_t promoted_us; /* 0 never */
};

/* Whoever has trained for an hour waits for another one's file to be stored: for the patience (store/pg/db.h) of a transaction that stores or
 * promotes. */
#define MODELS_PATIENCE_US INT64_C(60000000)

/* Stores row and chunks in one transaction; number and version are chosen here ("affinity-als-3")
 * and returned in arena. */
CAN_FAIL bool store_model_put(struct db *db, const struct model_row *m, const void *file,
                              size_t len, struct arena *a, const char **out_version,
                              struct err *err);
CAN_FAIL bool store_models_list(struct db *db, struct arena *a, struct model_row **out,
                                size_t *out_count, struct err *err); /* by kind, number */
CAN_FAIL bool store_model_find(struct db *db, const char *version, struct arena *a,
                               struct model_row *out, bool *out_found, struct err *err);
CAN_FAIL bool store_model_champion(struct db *db, const char *kind, struct arena *a,
                                   struct model_row *out, bool *out_found, struct err *err);
CAN_FAIL bool store_model_file(struct db *db, const char *version,
                               void **out_bytes /* owns: free() */, size_t *out_len,
                               struct err *err);
/* action: "promote" or "rollback". Promoting what serves already leaves the history as it is, so that
 * a rollback goes to another model. */
CAN_FAIL bool store_model_promote(struct db *db, const char *kind, const char *version,
                                  const char *action, bool forced, int64_t now_us, struct err *err);
/* The champion before this one ("rollback" walks back past rollbacks); *out_version NULL: there is
 * none. */
CAN_FAIL bool store_model_previous(struct db *db, const char *kind, struct arena *a,
                                   const char **out_version, struct err *err);

#endif
