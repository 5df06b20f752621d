#ifndef DOMAIN_SHOPPER_SHOPPER_FIELDS_H
#define DOMAIN_SHOPPER_SHOPPER_FIELDS_H

#include "domain/shopper/shopper.h"

/* The canonical text of a shopper as tables: encoder, decoder and copy all walk them, so a new member is
 * one row. Members stand in the text in the order of their rows. */

enum field_kind {
    FIELD_COUNT,    /* int64_t >= 0; 0 is left out */
    FIELD_QUANTITY, /* int64_t > 0, thousandths, as a decimal number; 0 is left out */
    FIELD_AMOUNT,   /* int64_t >= 0; MONEY_UNKNOWN is left out */
    FIELD_FROM,     /* int64_t time; INT64_MIN is left out */
    FIELD_UNTIL,    /* int64_t time; INT64_MAX is left out */
    FIELD_BOOL,     /* true is written, false left out */
    FIELD_TEXT,     /* char *; NULL is left out */
    FIELD_CURRENCY, /* char[4]; "" is left out */
    FIELD_STATUS,   /* enum cart_status; open is left out */
    FIELD_TYPE,     /* enum event_type */
    FIELD_RELEASED, /* int64_t[STEPS_MAX], zeros at the end left out */
    FIELD_LIST,     /* objects or rows of a further table; an empty one is left out */
};

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    const struct field_list *list;
};

struct field_list {
    const struct field *fields;
    size_t field_count;
    bool rows; /* written as arrays in order of the fields, null for what objects leave out */
    size_t
        row_min; /* rows: fields that are always written. Those behind came later: left out up to the last one that is
                       there, so that what was stored before them reads as before */
    size_t size; /* of an element */
    size_t max;  /* elements */
    size_t count_offset; /* of the size_t beside the elements */
    bool is_pointer;     /* elements behind a pointer, with room by cart_lines_capacity */
    bool named;          /* the first field of each element is always there */
};

extern const struct field_list shopper_fields; /* the shopper itself */

/* True if the object's member has the value that objects leave out and rows write as null. */
bool field_is_absent(const struct field *f, const void *object);

#endif
