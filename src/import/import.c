/* The import, from files to carts: lines -> the format's parser -> batches for the log, facts for
 * the catalogue -> fold. What a file means is the format's business (foreign/format.h), what an
 * event is the decoder's. */
#include "import/import.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/shop/money.h"
#include "fold/fold.h"
#include "foreign/format.h"
#include "foreign/mapping.h"
#include "import/batch.h"
#include "import/catalogue.h"
#include "import/categories.h"
#include "import/joins.h"
#include "import/lines.h"
#include "import/meter.h"
#include "import/record.h"
#include "import/report.h"

#include <inttypes.h>
#include <string.h>

enum { MALFORMED_SHOWN = 20 };

struct job {
    const struct import_options *options;
    struct arena arena; /* of format and joins */
    const struct foreign_format *format;
    struct joins joins;
    struct db *db;
    struct batch *batch;
    struct catalogue *catalogue;
    struct import_result *result;
    FILE *report;
    const char *file; /* being read */
    struct meter meter;
};

static void job_free(struct job *j)
{
    batch_close(&j->batch);
    catalogue_close(&j->catalogue);
    db_close(&j->db);
    joins_close(&j->joins);
    arena_free(&j->arena);
}

/* The format that the options say, with the columns and types they say otherwise. In arena. */
CAN_FAIL static bool find_format(const struct import_options *o, struct arena *a,
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
        return FAIL_AT(err, ERR_INVALID, "--currency", "is required: prices of %s files have none",
                       format->name);
    }
    return true;
}

bool import_check(const struct import_options *o, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(joins_close) struct joins joins = {0};
    const struct foreign_format *format = NULL;
    if (!find_format(o, &a, &format, err) || !joins_parse(o->join, &a, &joins, err)) {
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
    return stdins <= 1 || FAIL(err, ERR_INVALID, "standard input can be read once only");
}

static const char *shown_name(const struct job *j)
{
    return strcmp(j->file, "-") == 0 ? "stdin" : j->file;
}

/* Counts and shows one malformed line; fails when it is one too many. */
static bool malformed(struct job *j, int64_t line, const struct err *what, struct err *err)
{
    j->result->malformed++;
    /* The first ones tell what is wrong with a file; a million of them would hide it. */
    if (j->result->malformed <= MALFORMED_SHOWN) {
        meter_hide(&j->meter);
        (void)fprintf(j->report, "%s:%" PRId64 ": %s%s%s\n", shown_name(j), line, what->path,
                      what->path[0] != '\0' ? " " : "", what->text);
    }
    if (j->result->malformed > j->options->max_errors) {
        return FAIL(err, ERR_REFUSED,
                    "gave up after %" PRId64 " malformed lines (--max-errors %" PRId64 ")",
                    j->result->malformed, j->options->max_errors);
    }
    return true;
}

/* ---- where the parser's findings go ---- */

static bool take_event(void *ctx, const char *json, size_t len, int64_t number, bool *out_valid,
                       struct err *err)
{
    struct job *j = ctx;
    struct err what = {0};
    *out_valid = batch_add(j->batch, json, len, &what);
    if (*out_valid) {
        return true;
    }
    /* Anything but the event's own fault is a failed append, of events that came before. */
    if (what.kind != ERR_INVALID) {
        *err = what;
        return false;
    }
    return malformed(j, number, &what, err);
}

static bool take_product(void *ctx, const struct product *facts, struct err *err)
{
    struct job *j = ctx;
    /* Before its events are in the log: facts about a product that nobody bought yet do no harm. */
    if (catalogue_full(j->catalogue) && !catalogue_learn(j->catalogue, j->db, err)) {
        return false;
    }
    catalogue_add(j->catalogue, facts);
    return true;
}

static void take_note(void *ctx, int64_t number, const char *text)
{
    struct job *j = ctx;
    meter_hide(&j->meter);
    (void)fprintf(j->report, "%s:%" PRId64 ": %s\n", shown_name(j), number, text);
}

/* ---- files ---- */

/* What the parser refused is malformed, everything else ends the import. */
static bool judge(struct job *j, bool done, int64_t line, const struct err *what, struct err *err)
{
    if (done) {
        return true;
    }
    if (what->kind == ERR_INVALID) {
        return malformed(j, line, what, err);
    }
    *err = *what;
    return false;
}

CAN_FAIL static bool parse_record(struct foreign_parser *p, const struct line *line,
                                  struct err *err)
{
    struct foreign_record record;
    if (!record_of(line, &record, err)) {
        foreign_parser_skip(p);
        return false;
    }
    return foreign_parser_record(p, &record, err);
}

static bool import_records(struct job *j, struct line_reader *lines, struct foreign_parser *p,
                           struct err *err)
{
    int64_t number = 0;
    for (;;) {
        struct line line;
        struct err what = {0};
        bool more = false;
        struct csv_shape shape = foreign_parser_shape(p);
        if (!record_next(lines, &shape, &line, &more, err)) {
            return false;
        }
        if (!more) {
            /* What only the end shows is told by the last line: there is no better place. */
            return judge(j, foreign_parser_finish(p, &what), number, &what, err);
        }
        if (number == 0 && lines_array(lines)) {
            take_note(j, 1, "is an array of JSON, of which elements are counted instead of lines");
        }
        number = line.number;
        if (!judge(j, parse_record(p, &line, &what), number, &what, err)) {
            return false;
        }
        meter_show(&j->meter, lines_done(lines), lines->bytes_total, p->records, "rows");
    }
}

static bool import_file(struct job *j, const char *file, struct err *err)
{
    CLEANUP(lines_close) struct line_reader lines = {0};
    CLEANUP(foreign_parser_close) struct foreign_parser parser = {0};
    struct native_sink sink = {
        .ctx = j, .event = take_event, .product = take_product, .note = take_note};
    if (!lines_open(file, &lines, err)) {
        return false;
    }
    foreign_parser_open(j->format, j->options->currency, sink, &parser);
    parser.dates_1904 = j->options->dates == 1904;
    if (!foreign_parser_shape(&parser).rows) {
        lines_expect_json(&lines);
    }
    for (size_t i = 0; i < j->joins.count; i++) {
        foreign_parser_join(&parser, j->joins.lookups[i]);
    }
    j->file = file;
    j->meter = meter_begin(j->report, !j->options->quiet && !j->options->json, "import");
    bool done = import_records(j, &lines, &parser, err);
    /* An error of the database says nothing of the file, but of many files the user wants to know which. */
    if (!done && err->path[0] == '\0') {
        err_at(err, file);
    }
    meter_hide(&j->meter);
    j->result->read += parser.records;
    j->result->left_out += parser.left_out;
    return done;
}

/* ---- joined files ---- */

CAN_FAIL static bool read_join(struct job *j, const char *file, struct lookup *lookup,
                               struct err *err)
{
    CLEANUP(lines_close) struct line_reader lines = {0};
    if (!lines_open(file, &lines, err)) {
        return false;
    }
    j->file = file;
    for (;;) {
        struct line line;
        struct foreign_record record;
        struct err what = {0};
        bool more = false;
        struct csv_shape shape = lookup_shape(lookup);
        if (!record_next(&lines, &shape, &line, &more, err)) {
            return false;
        }
        if (!more) {
            return true;
        }
        bool done = record_of(&line, &record, &what) && lookup_record(lookup, &record, &what);
        if (!judge(j, done, line.number, &what, err)) {
            return false;
        }
    }
}

static bool read_joins(struct job *j, struct err *err)
{
    bool done = true;
    for (size_t i = 0; done && i < j->joins.count; i++) {
        done = read_join(j, j->joins.files[i], j->joins.lookups[i], err);
        if (!done && err->path[0] == '\0') {
            err_at(err, j->joins.files[i]);
        }
    }
    return done;
}

/* ---- categories ---- */

typedef bool category_line_fn(struct job *j, struct category_tree *tree, const struct line *line,
                              struct err *err);

static bool tree_line(struct job *j, struct category_tree *tree, const struct line *line,
                      struct err *err)
{
    (void)j;
    return category_tree_line(tree, line, err);
}

static bool item_line(struct job *j, struct category_tree *tree, const struct line *line,
                      struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const char *category = NULL;
    /* Taken as of now: the file does not say since when it is so. */
    struct product facts = {
        .price_minor = MONEY_UNKNOWN, .stock = -1, .updated_us = clock_now_us()};
    if (!category_item_line(line, &a, &facts.product_id, &category, err)) {
        return false;
    }
    facts.category = category_path(tree, category, &a);
    product_clean(&facts, &a);
    return take_product(j, &facts, err);
}

/* All lines of a category file behind its header. */
static bool category_file(struct job *j, const char *file, struct category_tree *tree,
                          category_line_fn *take, struct err *err)
{
    CLEANUP(lines_close) struct line_reader lines = {0};
    if (!lines_open(file, &lines, err)) {
        return false;
    }
    j->file = file;
    for (;;) {
        struct line line;
        struct err what = {0};
        bool more = false;
        if (!lines_next(&lines, &line, &more, err)) {
            return false;
        }
        if (!more) {
            return true;
        }
        /* The first line is their header, whose words differ between copies and are not needed. */
        bool skip = line.number == 1 || (line.len == 0 && !line.too_long);
        if (!judge(j, skip || take(j, tree, &line, &what), line.number, &what, err)) {
            return false;
        }
    }
}

static bool import_categories(struct job *j, struct err *err)
{
    if (j->options->categories_item == NULL) {
        return true;
    }
    /* The tree first, whole: an item's path needs every level of it. */
    CLEANUP(category_tree_close) struct category_tree *tree = category_tree_open();
    return category_file(j, j->options->categories_tree, tree, tree_line, err) &&
           category_file(j, j->options->categories_item, tree, item_line, err);
}

/* ---- the whole ---- */

static bool import_files(struct job *j, struct err *err)
{
    if (!read_joins(j, err)) {
        return false;
    }
    for (int i = 0; i < j->options->file_count; i++) {
        if (!import_file(j, j->options->files[i], err)) {
            return false;
        }
    }
    return import_categories(j, err);
}

static void show_folding(void *ctx, int64_t folded)
{
    meter_show(ctx, 0, -1, folded, "events");
}

/* What was read is stored, learnt and folded, also when the file turned out to be no good half-way.
 */
static bool settle(struct job *j, const struct database *database, const struct config *config,
                   struct err *err)
{
    if (!batch_finish(j->batch, err) || !catalogue_learn(j->catalogue, j->db, err)) {
        return false;
    }
    j->meter = meter_begin(j->report, !j->options->quiet && !j->options->json, "carts");
    bool done = fold_catch_up(database, config, show_folding, &j->meter, err);
    meter_hide(&j->meter);
    return done;
}

static void report_rest(const struct job *j)
{
    if (j->result->malformed > MALFORMED_SHOWN) {
        (void)fprintf(j->report, "and %" PRId64 " more malformed lines\n",
                      j->result->malformed - MALFORMED_SHOWN);
    }
    if (j->result->conflict > 0) {
        (void)fprintf(j->report,
                      "conflict: the log has other contents under such an id, as of an order of "
                      "which one export has a part; it stays as it is\n");
    }
}

/* A script must not go on to train on nothing. What is in the log already was stored once. */
CAN_FAIL static bool expect_something(const struct import_result *r, struct err *err)
{
    bool nothing = r->stored == 0 && r->duplicate == 0 && r->conflict == 0;
    return !nothing || r->malformed == 0 ||
           FAIL(err, ERR_REFUSED, "stored nothing: %" PRId64 " of %" PRId64 " rows are malformed",
                r->malformed, r->read);
}

static bool open_job(struct job *j, const struct database *database, const struct config *config,
                     struct err *err)
{
    const struct import_options *o = j->options;
    if (!find_format(o, &j->arena, &j->format, err) ||
        !joins_parse(o->join, &j->arena, &j->joins, err)) {
        return false;
    }
    const char *allowed = j->format->ids_allowed != NULL ? j->format->ids_allowed : "";
    allowed = arena_printf(&j->arena, "%s,%s", config->ids_allowed, allowed);
    if (!database_connect(database, &j->db, err) ||
        !batch_open(database, allowed, j->result, &j->batch, err)) {
        return false;
    }
    j->catalogue = catalogue_open();
    return true;
}

bool import_run(const struct database *database, const struct config *config,
                const struct import_options *options, FILE *out, FILE *report,
                struct import_result *result, struct err *err)
{
    *result = (struct import_result){0};
    if (!import_check(options, err)) {
        return false;
    }
    CLEANUP(job_free) struct job j = {.options = options, .result = result, .report = report};
    if (!open_job(&j, database, config, err)) {
        return false;
    }

    /* A file that is no good half-way leaves what it had before that in the log: it is true, and a repeat
     * adds nothing to it. Only a database that failed ends all at once. */
    struct err stopped = {0};
    bool read_all = import_files(&j, &stopped);
    bool file_ended = read_all || stopped.kind == ERR_REFUSED || stopped.kind == ERR_INVALID;
    if (file_ended && !settle(&j, database, config, err)) {
        return false;
    }
    report_rest(&j);
    if (!file_ended) {
        *err = stopped;
        return false;
    }
    import_report(result, options->json, out);
    if (!read_all) {
        *err = stopped;
    }
    return read_all && expect_something(result, err);
}
