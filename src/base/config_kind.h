#ifndef BASE_CONFIG_KIND_H
#define BASE_CONFIG_KIND_H

#include "base/config.h"

#include <stddef.h>

/* The settings table as data, and how a value of each kind is read and written. For config*.c only. */
enum config_kind {
    KIND_text,
    KIND_choice,
    KIND_address,
    KIND_integer,
    KIND_duration,
    KIND_ratio,
    KIND_flag
};

struct setting {
    const char *name;
    const char *def;
    const char *help;
    enum config_kind kind;
    int64_t min; /* text, address: bytes; duration: microseconds; integer and ratio: the value */
    int64_t max;
    size_t offset; /* in struct config */
};

extern const struct setting settings[CONFIG_COUNT];

/* The kind's word in the usage: "TEXT", "N", ... */
const char *config_kind_word(enum config_kind kind);

/* Reads text into the setting's member. Fails with path = the setting's name. */
CAN_FAIL bool config_value_read(const struct setting *s, const char *text, struct config *config,
                                struct err *err);

/* Appends what values it takes: "1 to 200", "10ms to 10m". */
void config_bounds_write(const struct setting *s, struct buf *out);

/* Appends the member as the settings file would have it; passwords are masked. */
void config_value_write(const struct setting *s, const struct config *config, struct buf *out);

#endif
