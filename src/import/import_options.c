/* What an import is asked to do, and whether that makes sense. */
#include "import/import_options.h"

#include "base/cleanup.h"
#include "domain/shop/money.h"
#include "foreign/mapping.h"
#include "import/joins.h"
#include "import/refusals.h"

#include <string.h>

bool import_format(const struct import_options *o, struct arena *a,
                   const struct foreign_format **out, struct err *err)
{
    const struct foreign_format *format = o->format != NULL ? foreign_format_of(o->format) : NULL;
    if (format == NULL && (o->format != NULL || o->map == NULL)) {
        return FAIL_AT(err, ERR_INVALID, "--format", "must be one of %s%s", foreign_format_names(a),
                       o->format == NULL ? ", or --map says the columns" : "");
    }
    bool said = o->map != NULL || o->types != NULL;
    if (said && format != NULL && format->mapping == NULL) {
        return FAIL_AT(err, ERR_INVALID, o->map != NULL ? "--map" : "--types",
                       "does not go with --format %s, whose rows are not events", format->name);
    }
    if (o->join != NULL && format != NULL && format->mapping == NULL) {
        return FAIL_AT(err, ERR_INVALID, "--join", "does not go with --format %s", format->name);
    }
    if (said) {
        return mapping_read(o->map, o->types, format, a, out, err);
    }
    *out = format;
    return true;
}

CAN_FAIL static bool check_currency(const struct import_options *o,
                                    const struct foreign_format *format, struct err *err)
{
    if (o->currency != NULL && !money_currency_valid(o->currency)) {
        return FAIL_AT(err, ERR_INVALID, "--currency", "must be three upper-case letters");
    }
    /* No default: prices in the wrong currency look right, and end up in messages. */
    if (o->currency == NULL && format->currency == NULL) {
        return FAIL_AT(err, ERR_INVALID, "--currency",
                       "is required: the prices of these files have none");
    }
    return true;
}

bool import_check(const struct import_options *o, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(joins_close) struct joins joins = {0};
    const struct foreign_format *format = NULL;
    if (!import_format(o, &a, &format, err) || !joins_parse(o->join, &a, &joins, err)) {
        return false;
    }
    if (o->file_count == 0) {
        return FAIL(err, ERR_INVALID, "no file is named; - is standard input");
    }
    if (!check_currency(o, format, err)) {
        return false;
    }
    if (o->categories_item != NULL && strcmp(format->name, "retailrocket") != 0) {
        return FAIL_AT(err, ERR_INVALID, "--categories", "goes with --format retailrocket only");
    }
    if (o->dates != 0 && o->dates != 1900 && o->dates != 1904) {
        return FAIL_AT(err, ERR_INVALID, "--dates", "must be 1900 or 1904, where the days begin");
    }
    if (o->max_errors < 0) {
        return FAIL_AT(err, ERR_INVALID, "--max-errors", "must not be negative");
    }
    int stdins = 0;
    for (int i = 0; i < o->file_count; i++) {
        stdins += strcmp(o->files[i], "-") == 0;
    }
    /* the second would be empty, and look like a file without rows */
    if (stdins > 1) {
        return FAIL(err, ERR_INVALID, "standard input can be read once only");
    }
    /* it has one header */
    if (o->refused != NULL && o->file_count > 1) {
        return FAIL_AT(err, ERR_INVALID, "--refused", "goes with one file at a time");
    }
    if (o->refused != NULL && strcmp(o->refused, "-") == 0) {
        return FAIL_AT(err, ERR_INVALID, "--refused",
                       "must name a file; counts go to standard output");
    }
    return refusals_check(o->refused, err);
}
