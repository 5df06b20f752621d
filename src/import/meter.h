#ifndef IMPORT_METER_H
#define IMPORT_METER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The progress bar of a long job on a terminal: one line, drawn anew ten times a second at most. */
struct meter {
    FILE *out; /* borrowed; NULL: nobody looks */
    const char *what;
    int64_t begun_us;
    int64_t drawn_us;
};

/* Draws only where out is a terminal and wanted. */
struct meter meter_begin(FILE *out, bool wanted, const char *what);
/* done of total (-1: not known), and how many things ("rows") that were. */
void meter_show(struct meter *m, int64_t done, int64_t total, int64_t things, const char *unit);
/* Takes the bar away, so that an ordinary line can be written; it comes back with the next
 * meter_show. */
void meter_hide(struct meter *m);

#endif
