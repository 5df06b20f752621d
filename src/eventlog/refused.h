#ifndef EVENTLOG_REFUSED_H
#define EVENTLOG_REFUSED_H

/* Counts an event that its sender believes was told, and that counts for nothing, by its type (NULL: none can be read): who missed an
 * order or a no may write to a buyer. */
void refused_count(const char *type);

#endif
