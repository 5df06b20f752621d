/* The last words of an import. */
#include "import/report.h"

#include "base/cleanup.h"
#include "base/jenc.h"
#include "domain/shop/event.h"
#include "foreign/cause.h"

#include <inttypes.h>

enum { REPORT_MAX = 1 << 16 };

static const char *type_word(size_t type)
{
    return type == EVENT_UNKNOWN ? "unknown" : event_type_name((enum event_type)type);
}

static bool any_cause(const struct import_result *r, bool refuses)
{
    bool any = false;
    for (unsigned c = 0; c < CAUSES; c++) {
        any = any || (cause_refuses((enum cause)c) == refuses && r->by_cause[c] > 0);
    }
    return any;
}

/* Refused rows by cause, or warnings; nothing where there are none. */
static void report_causes_json(const struct import_result *r, const char *name, bool refuses,
                               struct jenc *j)
{
    if (!any_cause(r, refuses)) {
        return;
    }
    jenc_object(j, name);
    for (unsigned c = 0; c < CAUSES; c++) {
        if (cause_refuses((enum cause)c) == refuses && r->by_cause[c] > 0) {
            jenc_i64(j, cause_code((enum cause)c), r->by_cause[c]);
        }
    }
    jenc_object_end(j);
}

static void report_columns_json(const struct import_result *r, struct jenc *j)
{
    if (r->column_count == 0) {
        return;
    }
    jenc_object(j, "unread_columns");
    for (size_t i = 0; i < r->column_count; i++) {
        jenc_object(j, r->columns[i].name);
        jenc_i64(j, "unread", r->columns[i].unread);
        jenc_i64(j, "lines", r->columns[i].lines);
        jenc_object_end(j);
    }
    jenc_object_end(j);
}

static void report_json(const struct import_result *r, FILE *out)
{
    CLEANUP(buf_free) struct buf text = buf_make(REPORT_MAX);
    struct jenc j = jenc_begin(&text);
    jenc_object(&j, NULL);
    jenc_i64(&j, "read", r->read);
    jenc_i64(&j, "stored", r->stored);
    jenc_i64(&j, "duplicate", r->duplicate);
    /* A zero would make everybody look up what a conflict is. */
    if (r->conflict > 0) {
        jenc_i64(&j, "conflict", r->conflict);
    }
    jenc_i64(&j, "malformed", r->malformed);
    report_causes_json(r, "malformed_by", true, &j);
    report_causes_json(r, "warnings", false, &j);
    report_columns_json(r, &j);
    if (r->left_out > 0) {
        jenc_i64(&j, "left_out", r->left_out);
    }
    jenc_object(&j, "by_type");
    for (size_t i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (r->by_type[i] > 0) {
            jenc_i64(&j, type_word(i), r->by_type[i]);
        }
    }
    jenc_object_end(&j);
    jenc_object_end(&j);
    (void)fprintf(out, "%s\n", buf_text(&text));
}

/* 97381 -> "97,381", right-aligned. */
static void report_row(FILE *out, const char *what, int64_t n)
{
    /* By hand, from the last digit: printf groups only as the machine's locale says. */
    char text[32];
    size_t at = sizeof text;
    text[--at] = '\0';
    for (int digits = 0; n > 0 || digits == 0; digits++, n /= 10) {
        if (digits > 0 && digits % 3 == 0) {
            text[--at] = ',';
        }
        text[--at] = (char)('0' + n % 10);
    }
    (void)fprintf(out, "%-20s %12s\n", what, text + at);
}

static void report_causes(const struct import_result *r, bool refuses, FILE *out)
{
    char what[32];
    for (unsigned c = 0; c < CAUSES; c++) {
        if (cause_refuses((enum cause)c) == refuses && r->by_cause[c] > 0) {
            (void)snprintf(what, sizeof what, "  %s", cause_code((enum cause)c));
            report_row(out, what, r->by_cause[c]);
        }
    }
}

static void report_table(const struct import_result *r, FILE *out)
{
    report_row(out, "rows read", r->read);
    report_row(out, "events stored", r->stored);
    report_row(out, "duplicate", r->duplicate);
    if (r->conflict > 0) {
        report_row(out, "conflict", r->conflict);
    }
    report_row(out, "malformed", r->malformed);
    report_causes(r, true, out);
    if (r->left_out > 0) {
        report_row(out, "left out", r->left_out);
    }
    if (any_cause(r, false)) {
        (void)fprintf(out, "warnings\n");
        report_causes(r, false, out);
    }
    for (size_t i = 0; i < r->column_count; i++) {
        const struct foreign_column *c = &r->columns[i];
        (void)fprintf(
            out,
            "column \"%s\" could not be read in %" PRId64 " of %" PRId64 " lines of orders%s\n",
            c->name, c->unread, c->lines, c->unread == c->lines ? ": is it the right one?" : "");
    }
    for (size_t i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (r->by_type[i] > 0) {
            report_row(out, type_word(i), r->by_type[i]);
        }
    }
}

void import_report(const struct import_result *result, bool json, FILE *out)
{
    if (json) {
        report_json(result, out);
    } else {
        report_table(result, out);
    }
    (void)fflush(out);
}
