#ifndef STORE_HEAVY_H
#define STORE_HEAVY_H

#include "store/history.h"

/* What is kept of shoppers of very many events (sql/migrations/0019_heavy_shoppers.sql). */

/* One fold of everything up to known_off; doc is NULL: the shopper is not heavy, or not yet. */
struct heavy_known {
    int64_t known_off;
    const char *doc;
};
/* out[i] is of key i; in arena. */
CAN_FAIL bool store_heavy_known(struct db *db, const struct history_keys *keys, struct arena *a,
                                struct heavy_known *out, struct err *err);

struct heavy_checkpoint {
    int64_t at_us;
    int64_t events;
    const char *doc; /* NULL where it was not read */
};
/* Oldest first, without documents; in arena. */
CAN_FAIL bool store_heavy_checkpoints(struct db *db, struct history_key key, struct arena *a,
                                      struct heavy_checkpoint **out, size_t *out_count,
                                      struct err *err);
CAN_FAIL bool store_heavy_checkpoint_doc(struct db *db, struct history_key key, int64_t at_us,
                                         struct arena *a, const char **out, struct err *err);

/* So much is read, and no further than the event that goes beyond the bytes. */
struct heavy_most {
    int64_t events;
    int64_t bytes; /* of their bodies, as they lie in the log and as they were sent */
};
/* Of the events up to known_off those behind a place in the order of time and offset (offset INT64_MAX: behind that time), in that order.
 * In arena. */
struct heavy_place {
    int64_t at_us;
    int64_t off;
};
CAN_FAIL bool store_heavy_behind(struct db *db, struct history_key key, struct heavy_place behind,
                                 struct heavy_most most, struct arena *a, struct history *out,
                                 struct err *err);
/* Are there more than count of them that occurred at since_us or later? */
CAN_FAIL bool store_heavy_more_behind(struct db *db, struct history_key key, int64_t since_us,
                                      int64_t count, bool *out, struct err *err);

/* What there is to fold one shopper from as of now, or as of a time, all of one moment; in arena. */
struct heavy_view {
    int64_t newest_off; /* of the shopper's events; 0 none */
    int64_t due_us;     /* when it is folded again, if it is stale; 0 */
    bool more; /* it would take more events, or bytes, than were asked for: there are none here */
    const char *doc;              /* of everything up to known_off; NULL: there is none */
    struct heavy_checkpoint from; /* doc NULL: none stands for it */
    struct history news;          /* came in since known_off */
    struct history behind;        /* had come in before, and occurred after `from` */
    int64_t event_bytes;          /* of the bodies of both, as they were sent */
};
CAN_FAIL bool store_heavy_view(struct db *db, struct history_key key, int64_t until_us,
                               struct heavy_most most, struct arena *a, struct heavy_view *out,
                               struct err *err);

/* What a fold up to last_off leaves: its document, which events it folded, and the checkpoints: of the stored ones those of
 * kept_us, and the new ones. */
struct heavy_fold {
    int64_t last_off;
    const char *doc;
    const int64_t *kept_us;
    size_t kept_count;
    const struct heavy_checkpoint *added;
    size_t added_count;
};
CAN_FAIL bool store_heavy_write(struct db *db, struct history_key key,
                                const struct heavy_fold *fold, struct err *err);
/* The parts of that, for who writes it bit by bit: more checkpoints; then the document, of events that are known by time. */
CAN_FAIL bool store_heavy_checkpoints_add(struct db *db, struct history_key key,
                                          const struct heavy_checkpoint *added, size_t count,
                                          struct err *err);
CAN_FAIL bool store_heavy_know(struct db *db, struct history_key key, int64_t known_off,
                               const char *doc, struct err *err);
/* Forgets what is known of one shopper, but for which events it has when. */
CAN_FAIL bool store_heavy_forget(struct db *db, struct history_key key, struct err *err);
/* Forgets all of it about a lane, and whose refold goes on there: its shoppers are read whole the next time. */
CAN_FAIL bool store_heavy_drop(struct db *db, int lane, struct err *err);

#endif
