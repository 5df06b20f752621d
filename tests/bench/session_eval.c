/* Reading the files of the protocol, and scoring. */
#include "session_eval.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TOP = 20, DIGITS_MAX = 18 };

/* Numbers of a file, line by line. */
struct lines {
    int64_t count;
    int64_t *start; /* (count + 1) */
    int64_t *id;
    int64_t room_lines, room_ids;
};

static void lines_free(struct lines *l)
{
    mem_free(&l->start);
    mem_free(&l->id);
}

static void lines_add(struct lines *l, int64_t id)
{
    int64_t used = l->start[l->count];
    if (used == l->room_ids) {
        l->room_ids = 2 * l->room_ids + 1024;
        l->id = mem_grow(l->id, (size_t)l->room_ids, sizeof *l->id);
    }
    l->id[used] = id;
    l->start[l->count] = used + 1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Reads one number at *at and moves it on. */
static bool read_id(const char **at, const char *end, int64_t *out, struct err *err)
{
    int64_t id = 0;
    const char *c = *at;
    for (; c < end && !is_blank(*c); c++) {
        if (*c < '0' || *c > '9') {
            return FAIL(err, ERR_INVALID, "must hold item numbers only, byte 0x%02x is none",
                        (unsigned)(unsigned char)*c);
        }
        if (c - *at >= DIGITS_MAX) {
            return FAIL(err, ERR_INVALID, "an item number must have at most %d digits", DIGITS_MAX);
        }
        id = id * 10 + (*c - '0');
    }
    *at = c;
    *out = id;
    return true;
}

static bool read_line(struct lines *l, const char *text, size_t length, int least, struct err *err)
{
    if (length == 0 || text[length - 1] != '\n') {
        return FAIL(err, ERR_INVALID, "must end with a line feed: the file is cut off");
    }
    const char *end = text + length - 1;
    int count = 0;
    for (const char *at = text; at < end;) {
        if (is_blank(*at)) {
            at++;
            continue;
        }
        int64_t id;
        if (!read_id(&at, end, &id, err)) {
            return false;
        }
        lines_add(l, id);
        count++;
    }
    return count >= least ||
           FAIL(err, ERR_INVALID, "must hold at least %d item%s", least, least > 1 ? "s" : "");
}

static bool read_lines(FILE *file, const char *name, int least, struct lines *l, struct err *err)
{
    CLEANUP(mem_free) char *text = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&text, &room, file)) > 0) {
        if (l->count + 2 > l->room_lines) {
            l->room_lines = 2 * l->room_lines + 1024;
            l->start = mem_grow(l->start, (size_t)l->room_lines, sizeof *l->start);
            l->start[0] = 0;
        }
        char where[sizeof err->path];
        (void)snprintf(where, sizeof where, "%s:%" PRId64, name, l->count + 1);
        l->start[l->count + 1] = l->start[l->count];
        l->count++;
        if (!read_line(l, text, (size_t)length, least, err)) {
            err_at(err, where);
            return false;
        }
    }
    if (ferror(file)) {
        return FAIL_AT(err, ERR_INVALID, name, "cannot be read");
    }
    return l->count > 0 || FAIL_AT(err, ERR_INVALID, name, "must hold at least one line");
}

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* Number of an id, -1 if it is not known. */
static int32_t number_of(const int64_t *id, int count, int64_t wanted)
{
    int low = 0;
    int high = count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (id[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && id[low] == wanted ? low : -1;
}

bool session_data_read(FILE *file, const char *name, struct session_data *out, struct err *err)
{
    CLEANUP(lines_free) struct lines l = {0};
    if (!read_lines(file, name, 1, &l, err)) {
        return false;
    }
    size_t total = (size_t)l.start[l.count];
    struct session_data data = {.id = mem_array(total, sizeof *data.id)};
    memcpy(data.id, l.id, total * sizeof *data.id);
    qsort(data.id, total, sizeof *data.id, by_value);
    int items = 0;
    for (size_t i = 0; i < total; i++) {
        if (items == 0 || data.id[i] != data.id[items - 1]) {
            data.id[items++] = data.id[i];
        }
    }
    CLEANUP(mem_free) int32_t *session = mem_array(total, sizeof *session);
    for (int64_t s = 0; s < l.count; s++) {
        int count = (int)(l.start[s + 1] - l.start[s]);
        for (int i = 0; i < count; i++) {
            session[i] = number_of(data.id, items, l.id[l.start[s] + i]);
        }
        session_log_add(&data.log, session, count);
    }
    *out = data;
    return true;
}

void session_data_free(struct session_data *data)
{
    session_log_free(&data->log);
    mem_free(&data->id);
}

bool session_cases_read(FILE *file, const char *name, const struct session_data *known,
                        struct session_cases *out, struct err *err)
{
    CLEANUP(lines_free) struct lines l = {0};
    if (!read_lines(file, name, 2, &l, err)) {
        return false;
    }
    size_t total = (size_t)l.start[l.count];
    struct session_cases cases = {
        .count = l.count, .start = l.start, .item = mem_array(total, sizeof *cases.item)};
    for (size_t i = 0; i < total; i++) {
        cases.item[i] = number_of(known->id, known->log.items, l.id[i]);
    }
    l.start = NULL;
    *out = cases;
    return true;
}

void session_cases_free(struct session_cases *cases)
{
    mem_free(&cases->start);
    mem_free(&cases->item);
}

static int64_t thread_cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double session_cases_rank(const struct session_model *model, const struct session_cases *cases,
                          int32_t *rank)
{
    struct session_scratch *scratch = session_scratch_make(model);
    struct session_hit hits[SESSION_CANDIDATES];
    int64_t began = thread_cpu_ns();
    for (int64_t q = 0; q < cases->count; q++) {
        const int32_t *items = cases->item + cases->start[q];
        int count = (int)(cases->start[q + 1] - cases->start[q]) - 1;
        int found = session_rank(model, items, count, scratch, hits);
        rank[q] = session_rank_of(hits, found, items[count]);
    }
    int64_t took = thread_cpu_ns() - began;
    session_scratch_free(&scratch);
    return cases->count > 0 ? (double)took / 1000 / (double)cases->count : 0;
}

struct session_quality session_ranks_quality(const int32_t *rank, int64_t count)
{
    struct session_quality q = {.cases = (int)count};
    for (int64_t i = 0; i < count; i++) {
        bool hit = rank[i] >= 1 && rank[i] <= TOP;
        q.hit += hit ? 1 : 0;
        q.reciprocal_rank += hit ? 1.0 / rank[i] : 0;
    }
    q.hit /= count > 0 ? (double)count : 1;
    q.reciprocal_rank /= count > 0 ? (double)count : 1;
    return q;
}
