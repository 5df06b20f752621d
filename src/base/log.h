#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

/* JSON lines on stderr: {"at":..,"level":..,"event":..,"text":..}. Only edges log (HTTP handler,
 * worker loop, main). Never a body, a secret or contact data. */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* "debug", "info", "warn" or "error", as in the setting log_level. */
CAN_FAIL bool log_level_parse(const char *name, enum log_level *out, struct err *err);

void log_set_level(enum log_level level);
void log_set_plain(int on); /* 1: "level event key=value" for a person at a terminal */

/* event is a short constant name ("fold_failed"); fmt gives the human text, cut at 2 KiB. One
 * write(2) a line, so lines of several threads do not mix. Keeps errno. */
void log_line(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
