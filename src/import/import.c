/* The import, from files to carts: lines -> the format's parser -> batches for the log, facts for
 * the catalogue -> fold. What a file means is the format's business (foreign/format.h), what an
 * event is the decoder's. */
#include "import/import.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/shop/money.h"
#include "fold/fold.h"
#include "foreign/format.h"
#include "import/batch.h"
#include "import/catalogue.h"
#include "import/categories.h"
#include "import/columns.h"
#include "import/joins.h"
#include "import/lines.h"
#include "import/meter.h"
#include "import/record.h"
#include "import/refusals.h"
#include "import/report.h"

#include <inttypes.h>
#include <string.h>

struct job {
    const struct import_options *options;
    struct arena arena; /* of format and joins */
    const struct foreign_format *format;
    struct joins joins;
    struct db *db;
    struct batch *batch;
    struct catalogue *catalogue;
    struct import_result *result;
    struct refusals *refusals;
    bool forget; /* nothing of the file is to be stored */
    FILE *report;
    struct meter meter;
};

static void job_free(struct job *j)
{
    refusals_close(&j->refusals);
    batch_close(&j->batch);
    catalogue_close(&j->catalogue);
    db_close(&j->db);
    joins_close(&j->joins);
    arena_free(&j->arena);
}

enum { WHY_MAX = ERR_PATH_MAX + ERR_TEXT_MAX };

/* "/cart_id must be ...". */
static void add_why(struct buf *to, const char *path, const char *text)
{
    buf_printf(to, "%s%s%s%s", to->len > 0 ? "; " : "", path, path[0] != '\0' ? " " : "", text);
}

/* One row, by what its reader says: all of it. */
static bool refuse(struct job *j, int64_t number, enum cause cause, const char *field,
                   const struct err *what, struct err *err)
{
    CLEANUP(buf_free) struct buf why = buf_make((size_t)(ERR_MORE_MAX + 1) * (WHY_MAX + 4));
    add_why(&why, what->path, what->text);
    for (int i = 0; what->more != NULL && i < what->more->count; i++) {
        add_why(&why, what->more->all[i].path, what->more->all[i].text);
    }
    const struct native_refusal refusal = {
        .number = number, .cause = cause, .field = field, .why = buf_text(&why), .rows = 1};
    return refusals_refuse(j->refusals, &refusal, err);
}

/* ---- where the parser's findings go ---- */

static void warn(struct job *j, int64_t number, const struct batch_said *said)
{
    for (size_t i = 0; i < said->warning_count; i++) {
        const struct event_warning *w = &said->warnings[i];
        char text[WHY_MAX];
        (void)snprintf(text, sizeof text, "%s %s", w->pointer, w->detail);
        refusals_warn(j->refusals, number, cause_of(w->code), text);
    }
}

static bool take_event(void *ctx, const char *json, size_t len, int64_t number, bool *out_valid,
                       struct err *err)
{
    struct job *j = ctx;
    struct batch_said said;
    struct err_more more = {.count = 0};
    struct err what = {.more = &more};
    *out_valid = batch_add(j->batch, json, len, &said, &what);
    if (*out_valid) {
        warn(j, number, &said);
        return true;
    }
    /* Anything but the event's own fault is a failed append, of events that came before. */
    if (what.kind != ERR_INVALID) {
        what.more = err->more;
        *err = what;
        return false;
    }
    return refuse(j, number, said.cause, what.path, &what, err);
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

static void take_note(void *ctx, int64_t number, enum cause cause, const char *text)
{
    struct job *j = ctx;
    refusals_warn(j->refusals, number, cause, text);
}

static bool take_refusal(void *ctx, const struct native_refusal *what, struct err *err)
{
    struct job *j = ctx;
    return refusals_refuse(j->refusals, what, err);
}

static bool take_row(void *ctx, const char *text, size_t len, struct err *err)
{
    struct job *j = ctx;
    return refusals_row(j->refusals, text, len, err);
}

/* ---- files ---- */

/* What a reader refused is malformed, everything else ends the import. */
static bool judge(struct job *j, bool done, int64_t line, const struct err *what, struct err *err)
{
    if (!done && what->kind != ERR_INVALID) {
        *err = *what;
    }
    return done || (what->kind == ERR_INVALID && refuse(j, line, CAUSE_BAD_ROW, "", what, err));
}

/* The same of a row of a format, which knows more of it. */
static bool judge_row(struct job *j, const struct foreign_parser *p, bool done, int64_t line,
                      const struct err *what, struct err *err)
{
    if (done || what->kind != ERR_INVALID) {
        return judge(j, done, line, what, err);
    }
    return refuse(j, line, p->cause, p->field, what, err);
}

CAN_FAIL static bool parse_record(struct foreign_parser *p, const struct line *line,
                                  struct err *err)
{
    struct foreign_record record;
    if (!record_of(line, &record, err)) {
        foreign_parser_skip(p);
        (void)foreign_at(p, CAUSE_TOO_LONG, "");
        return false;
    }
    return foreign_parser_record(p, &record, err);
}

static bool import_record(struct job *j, struct foreign_parser *p, const struct line *line,
                          struct err *err)
{
    struct err what = {0};
    struct err failed = {0};
    int64_t before = p->records;
    refusals_begin(j->refusals, line);
    bool parsed = parse_record(p, line, &what);
    bool done = judge_row(j, p, parsed, line->number, &what, err);
    if (parsed && p->records == before) {
        refusals_head(j->refusals, line);
    }
    if (!refusals_end(j->refusals, &failed)) {
        *err = failed;
        return false;
    }
    return done;
}

CAN_FAIL static bool expect_columns(struct job *j, const struct foreign_parser *p, struct err *err)
{
    j->forget = !columns_expect(p, err);
    return !j->forget;
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
        if (!more && p->records < COLUMNS_ROWS && !expect_columns(j, p, err)) {
            return false;
        }
        if (!more) {
            /* What only the end shows is told by the last line: there is no better place. */
            bool finished = foreign_parser_finish(p, &what);
            return judge_row(j, p, finished, number, &what, err);
        }
        if (number == 0 && lines_array(lines)) {
            take_note(j, 1, CAUSE_JSON_ARRAY,
                      "is an array of JSON, of which elements are counted instead of lines");
        }
        number = line.number;
        const int64_t before = p->records;
        if (!import_record(j, p, &line, err) ||
            (before < COLUMNS_ROWS && p->records == COLUMNS_ROWS && !expect_columns(j, p, err))) {
            return false;
        }
        meter_show(&j->meter, lines_done(lines), lines->bytes_total, p->records, "rows");
    }
}

static bool import_file(struct job *j, const char *file, struct err *err)
{
    CLEANUP(lines_close) struct line_reader lines = {0};
    CLEANUP(foreign_parser_close) struct foreign_parser parser = {0};
    struct native_sink sink = {.ctx = j,
                               .event = take_event,
                               .product = take_product,
                               .note = take_note,
                               .refused = take_refusal,
                               .row = j->options->refused != NULL ? take_row : NULL};
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
    refusals_of(j->refusals, file, true);
    j->meter = meter_begin(j->report, !j->options->quiet && !j->options->json, "import");
    bool done = import_records(j, &lines, &parser, err);
    /* An error of the database says nothing of the file, but of many files the user wants to know which. */
    if (!done && err->path[0] == '\0') {
        err_at(err, file);
    }
    meter_hide(&j->meter);
    j->result->read += parser.records;
    j->result->left_out += parser.left_out;
    columns_note(j->result, &parser);
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
    refusals_of(j->refusals, file, false);
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
    refusals_of(j->refusals, file, false);
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

CAN_FAIL static bool store_read(struct job *j, struct err *err)
{
    return batch_finish(j->batch, err) && catalogue_learn(j->catalogue, j->db, err);
}

static bool import_files(struct job *j, struct err *err)
{
    if (!read_joins(j, err)) {
        return false;
    }
    for (int i = 0; i < j->options->file_count; i++) {
        /* what was read stays, whatever the next file is */
        if ((i > 0 && !store_read(j, err)) || !import_file(j, j->options->files[i], err)) {
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
    if (!j->forget && !store_read(j, err)) {
        return false;
    }
    j->meter = meter_begin(j->report, !j->options->quiet && !j->options->json, "carts");
    bool done = fold_catch_up(database, config, show_folding, &j->meter, err);
    meter_hide(&j->meter);
    return done;
}

static void report_rest(const struct job *j)
{
    refusals_rest(j->refusals);
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
    if (!import_format(o, &j->arena, &j->format, err) ||
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
    const struct refusals_options refusals = {.path = o->refused,
                                              .max = o->max_errors,
                                              .report = j->report,
                                              .meter = &j->meter,
                                              .result = j->result};
    return refusals_open(&refusals, &j->refusals, err);
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
    struct err unseen = {0}; /* of the refused rows, where there is something else to tell */
    bool read_all = import_files(&j, &stopped);
    read_all = refusals_finish(j.refusals, read_all ? &stopped : &unseen) && read_all;
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
