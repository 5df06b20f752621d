/* The text exposition format 0.0.4 of Prometheus, and the rules of `promtool check metrics`. It must not know the
 * product. */
#ifndef SUPPORT_EXPOSITION_H
#define SUPPORT_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

/* False: *out_why (size bytes) says what is wrong first, and in which line. Checked are: the grammar of every line; HELP,
 * TYPE and rows of a family together, in this order and once; no row twice; a counter not below 0 and its name in
 * _total, no other's; names in snake case without a type's name, an abbreviated unit or any but a base unit;
 * _bucket, _sum, _count and le of histograms alone, whose buckets grow up to +Inf, which is their count. */
bool exposition_check(const char *text, char *out_why, size_t size);

#endif
