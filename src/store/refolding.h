#ifndef STORE_REFOLDING_H
#define STORE_REFOLDING_H

#include "domain/shopper/shopper.h"
#include "store/heavy.h"

/* Shoppers of very many events that are folded again a page at a time (sql/migrations/0036_refolding.sql). What a page does, fold/ says. Every call that writes is
 * part of the page's transaction. */

enum refolding_phase { REFOLDING_READ, REFOLDING_LEARN, REFOLDING_FOLD, REFOLDING_TELL };

/* How far one is. */
struct refolding {
    int64_t from_off; /* what lies behind has told nobody anything yet */
    int64_t last_off; /* of all events that are folded */
    enum refolding_phase phase;
    int64_t done_off; /* read, or told, up to here */
    int64_t
        done_us; /* folded up to here (of a browser: learnt), and what occurred then; INT64_MIN: nothing is */
    const char *done_name; /* learnt of a customer's browsers up to this one */
    int64_t events;        /* that were read */
    int64_t folded;        /* of these */
    bool says_who;         /* what lies behind from_off says who somebody is */
    const char *doc;       /* NULL: nothing is known yet */
    int64_t took_us;       /* all pages together */
    int64_t since_us;
};

/* In arena. */
CAN_FAIL bool store_refolding_read(struct db *db, struct history_key key, struct arena *a,
                                   struct refolding *out, bool *out_found, struct err *err);
CAN_FAIL bool store_refolding_put(struct db *db, struct history_key key, const struct refolding *r,
                                  struct err *err);
/* It is folded, or is to begin anew. */
CAN_FAIL bool store_refolding_end(struct db *db, struct history_key key, struct err *err);

/* What a page that was read tells of all events; arrays in parallel are of one count. */
struct refolding_page {
    const struct log_event *events; /* all of them */
    size_t event_count;
    const struct log_event *const *facts; /* that say something of all */
    size_t fact_count;
    const struct named_via *names; /* each once */
    size_t name_count;
    struct refolding_set { /* of a browser; each once */
        const char *name;
        int64_t version;
        int64_t off;
    } * sets;
    size_t set_count;
};
CAN_FAIL bool store_refolding_note(struct db *db, struct history_key key,
                                   const struct refolding_page *page, struct err *err);
/* Of all pages: the browsers that were named last, at most so many; in arena. */
CAN_FAIL bool store_refolding_names(struct db *db, struct history_key key, int64_t most,
                                    struct arena *a, struct named_via **out, size_t *out_count,
                                    struct err *err);
/* The newest binding_sets of browsers behind one, in order of the browsers; in arena. */
CAN_FAIL bool store_refolding_sets(struct db *db, struct history_key key, const char *behind,
                                   struct heavy_most most, struct arena *a, struct history *out,
                                   struct err *err);
/* What says something of all, behind a place in the order of time; in arena. */
CAN_FAIL bool store_refolding_facts(struct db *db, struct history_key key,
                                    struct heavy_place behind, struct heavy_most most,
                                    struct arena *a, struct history *out, struct err *err);

#endif
