#ifndef BASE_LOG_H
#define BASE_LOG_H

/* JSON lines on stderr: {"at":..,"level":..,"event":..,...}. Only edges log (HTTP handler, worker loop, main). Never
 * a body, a secret or contact data. */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level);
void log_set_plain(int plain); /* 1: "level event key=value" for a person at a terminal */

/* event is a short constant name ("fold_failed"); fmt gives the human text. */
void log_line(enum log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
