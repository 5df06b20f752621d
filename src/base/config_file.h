#ifndef BASE_CONFIG_FILE_H
#define BASE_CONFIG_FILE_H

#include "base/err.h"

/* Takes one `name = value` of a settings file; line counts from 1. */
typedef bool config_file_take(void *context, const char *name, const char *value, int line,
                              struct err *err);

/* Reads a settings file: a setting a line, # begins a comment (at the start or after a blank), a
 * value may stand in double quotes with \" and \\ inside. A missing file is no failure unless
 * required. It must be a regular file (or /dev/null) of at most 1 MiB, in UTF-8; a byte order mark is skipped. For config.c only. */
CAN_FAIL bool config_file_read(const char *path, bool required, config_file_take *take,
                               void *context, struct err *err);

#endif
