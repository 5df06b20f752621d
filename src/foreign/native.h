#ifndef FOREIGN_NATIVE_H
#define FOREIGN_NATIVE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/jenc.h"
#include "domain/shop/event.h"
#include "domain/shop/product.h"
#include "foreign/cause.h"

/* What every foreign record ends in: native events as JSON text, and facts about products. */

/* Rows that were refused. */
struct native_refusal {
    int64_t number; /* of the first of them */
    enum cause cause;
    const char *field; /* the column at fault; "": none alone */
    const char *why;
    int64_t rows;
};

/* Where they go. Everything handed over is borrowed during the call. */
struct native_sink {
    void *ctx;
    /* One event of record `number`. A sink that finds it invalid reports it itself, sets *out_valid
     * false and returns true. */
    bool (*event)(void *ctx, const char *json, size_t len, int64_t number, bool *out_valid,
                  struct err *err);
    /* What a record says about a product; updated_us is when it said so. */
    bool (*product)(void *ctx, const struct product *facts, struct err *err);
    /* How the source was taken where it could have been taken otherwise; NULL: nobody listens. */
    void (*note)(void *ctx, int64_t number, enum cause cause, const char *text);
    /* Rows before the one being read, which were good and are refused with another of their order; NULL: nobody listens. */
    bool (*refused)(void *ctx, const struct native_refusal *what, struct err *err);
    /* A row that was taken and belongs to one that was refused (foreign/kept_rows.h), as it came; NULL: nobody keeps them. */
    bool (*row)(void *ctx, const char *text, size_t len, struct err *err);
};

struct native_writer {
    struct native_sink sink;
    struct buf json; /* the event being written */
};

/* NULL and "" are left out. */
struct native_envelope {
    const char *event_id;
    enum event_type type;
    const char *customer_id;
    const char *anonymous_id;
    const char *session_id;
    const char *order_id;
    const char *cart_id;
    int64_t occurred_us;
};

struct native_writer native_open(struct native_sink sink);
void native_close(struct native_writer *w); /* accepts {0} */

/* Begins an event with its envelope; items and properties follow, native_end hands it to the sink. */
struct jenc native_begin(struct native_writer *w, const struct native_envelope *e);
void native_item(struct jenc *j, const struct event_item *item); /* inside the array "items" */
/* Of an item: what stands where its quantity or price would and cannot be read; NULL: it can. */
struct native_unread {
    const char *quantity, *price;
};
/* An order of which something cannot be read is an order: what stands there (text) goes on in its place, and is left out where events are judged; for a
 * product "" does. False: the event is none, and err says what is wrong with it. */
CAN_FAIL bool native_goes_on(enum event_type type, const char *text, const char **out,
                             struct err *err);
/* The same with that text, for the decoder to refuse: what is left of the item counts in an order (domain/shop/event_salvage.h). */
void native_item_unread(struct jenc *j, const struct event_item *item,
                        const struct native_unread *unread);
/* *out_valid false: the sink refused and reported it. ERR_INVALID: too large for an event. */
CAN_FAIL bool native_end(struct native_writer *w, struct jenc *j, int64_t number, bool *out_valid,
                         struct err *err);
/* The usual event: the envelope and one product. */
CAN_FAIL bool native_one(struct native_writer *w, const struct native_envelope *e,
                         const struct event_item *item, int64_t number, bool *out_valid,
                         struct err *err);
/* Its texts are cleaned; those that no catalogue takes are left out. */
CAN_FAIL bool native_product(struct native_writer *w, const struct product *facts, struct err *err);

/* Tells the sink's note; of 200 bytes at most. */
void native_note(const struct native_writer *w, int64_t number, enum cause cause, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));

#endif
