/* The table of formats, and the life of a parser. What a record means is the format's business. */
#include "foreign/format.h"

#include "base/mem.h"
#include "foreign/mapping.h"
#include "foreign/table.h"

#include <assert.h>
#include <string.h>

/* Those with code of their own; the others are rows of mapping_table.c. */
static const struct foreign_format *const formats[] = {&foreign_ga4_json, &foreign_online_retail,
                                                       &foreign_ndjson};
enum { FORMAT_COUNT = sizeof formats / sizeof formats[0] };

const struct foreign_format *foreign_format_at(size_t n)
{
    if (n < mapped_format_count) {
        return &mapped_formats[n];
    }
    return n - mapped_format_count < FORMAT_COUNT ? formats[n - mapped_format_count] : NULL;
}

const struct foreign_format *foreign_format_of(const char *name)
{
    const struct foreign_format *format = NULL;
    for (size_t n = 0; (format = foreign_format_at(n)) != NULL; n++) {
        if (strcmp(format->name, name) == 0) {
            return format;
        }
    }
    return NULL;
}

const char *foreign_format_names(struct arena *a)
{
    const char *names = foreign_format_at(0)->name;
    for (size_t n = 1; foreign_format_at(n) != NULL; n++) {
        names = arena_printf(a, "%s|%s", names, foreign_format_at(n)->name);
    }
    return names;
}

void foreign_parser_open(const struct foreign_format *format, const char *currency,
                         struct native_sink sink, struct foreign_parser *out)
{
    /* What the user says wins: a shop may have exported the usual format in its own currency. */
    const char *effective = currency != NULL ? currency : format->currency;
    *out = (struct foreign_parser){
        .format = format,
        .out = native_open(sink),
        .reading = format->table != NULL ? table_open(format->table) : NULL,
        .state = format->state_bytes > 0 ? mem_alloc(format->state_bytes) : NULL,
    };
    if (effective != NULL && effective[0] != '\0') {
        assert(strlen(effective) == 3); /* the command line was checked by import_check */
        memcpy(out->currency, effective, sizeof out->currency);
    }
}

bool foreign_is_comment(const char *text, size_t len)
{
    size_t quote = len > 0 && text[0] == '"'; /* a spreadsheet put it there */
    size_t mark = strlen(FOREIGN_COMMENT);
    return len >= quote + mark && memcmp(text + quote, FOREIGN_COMMENT, mark) == 0;
}

bool foreign_parser_record(struct foreign_parser *p, const struct foreign_record *record,
                           struct err *err)
{
    arena_reset(&p->scratch);
    /* Files end in empty lines often enough, and nothing was meant by them. */
    if (record->len == 0 || foreign_is_comment(record->text, record->len)) {
        return true;
    }
    (void)foreign_at(p, CAUSE_BAD_ROW, "");
    bool done = p->format->record(p, record, err);
    /* A good last record is whole however its source ends: many files lack the last line's end. */
    p->cut_off = !done && record->torn;
    return done;
}

void foreign_parser_join(struct foreign_parser *p, const struct lookup *lookup)
{
    assert(p->reading != NULL); /* import_check lets no other format have one */
    table_join(p->reading, lookup);
}

struct csv_shape foreign_parser_shape(const struct foreign_parser *p)
{
    return p->reading != NULL ? table_shape(p->reading) : (struct csv_shape){0};
}

void foreign_parser_skip(struct foreign_parser *p)
{
    p->records++;
}

bool foreign_parser_finish(struct foreign_parser *p, struct err *err)
{
    return p->format->finish == NULL || p->format->finish(p, err);
}

void foreign_parser_close(struct foreign_parser *p)
{
    /* The format goes first: what its state owns can only be reached through the state. */
    if (p->format != NULL && p->format->close != NULL) {
        p->format->close(p);
    }
    table_close(&p->reading);
    native_close(&p->out);
    arena_free(&p->scratch);
    mem_free(&p->state);
    p->format = NULL;
}
