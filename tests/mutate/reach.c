#include "child.h"
#include "trial.h"

#include <jansson.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is known before the first mutant is switched on: the plan, which queries are none, and which test reaches what, in which time. */

/* ---- the plan ---- */

static const char *text_of(struct arena *a, const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text == NULL ? NULL : arena_strdup(a, text);
}

static struct trial trial_of(struct arena *a, const json_t *row)
{
    struct mutant m = {.file = text_of(a, row, "file"),
                       .line = (int)json_integer_value(json_object_get(row, "line")),
                       .function = text_of(a, row, "function"),
                       .kind = text_of(a, row, "kind"),
                       .before = text_of(a, row, "before"),
                       .after = text_of(a, row, "after"),
                       .sql = text_of(a, row, "sql"),
                       .occurrence = (int)json_integer_value(json_object_get(row, "occurrence")),
                       .number = (int)json_integer_value(json_object_get(row, "number"))};
    (void)snprintf(m.id, sizeof m.id, "%s", json_string_value(json_object_get(row, "id")));
    return (struct trial){
        .mutant = m, .verdict = NOT_REACHED, .killer = "", .green = "", .unasked = ""};
}

struct trials trials_read(struct arena *a, const char *plan)
{
    size_t len;
    char *text = file_text(a, arena_printf(a, "%s/plan.jsonl", plan), &len);
    struct trials all = {.count = 0};
    for (size_t i = 0; i < len; i++) {
        all.count += text[i] == '\n' ? 1 : 0;
    }
    all.rows = arena_array(a, (size_t)all.count + 1, sizeof *all.rows);
    for (char *line; (line = strsep(&text, "\n")) != NULL && *line != '\0';) {
        json_error_t error;
        json_t *row = json_loads(line, 0, &error);
        int number = (int)json_integer_value(json_object_get(row, "number"));
        if (number < 1 || number > all.count) {
            die("plan.jsonl is damaged");
        }
        all.rows[number - 1] = trial_of(a, row);
        json_decref(row);
    }
    return all;
}

/* ---- queries ---- */

void trials_check_sql(const struct trial_means *m, struct trials *all)
{
    PGconn *conn = NULL;
    for (int i = 0; m->template != NULL && i < all->count; i++) {
        struct trial *t = &all->rows[i];
        if (t->mutant.sql == NULL || mutant_is_distributed(&t->mutant)) {
            continue; /* the template is not distributed: it lacks the functions of such */
        }
        if (conn == NULL) {
            conn = PQconnectdb(m->template);
        }
        if (PQstatus(conn) != CONNECTION_OK) {
            die("%s: %s", m->template, PQerrorMessage(conn));
        }
        char name[32];
        (void)snprintf(name, sizeof name, "m%d", t->mutant.number);
        PGresult *res = PQprepare(conn, name, t->mutant.sql, 0, NULL);
        if (PQresultStatus(res) != PGRES_COMMAND_OK) {
            t->verdict = INVALID;
            (void)fprintf(stderr, "%s:%d: no query any more: %s", t->mutant.file, t->mutant.line,
                          PQerrorMessage(conn));
        }
        PQclear(res);
    }
    PQfinish(conn);
}

/* ---- reach ---- */

struct reach {
    const struct trial_means *m;
    const struct trials *all;
    pthread_mutex_t lock; /* over the two below */
    size_t next;
    int failed;
};

static bool any_sql(const struct trials *all)
{
    for (int i = 0; i < all->count; i++) {
        if (all->rows[i].mutant.sql != NULL) {
            return true;
        }
    }
    return false;
}

/* Whether a program can reach a mutant: it links a mutated file, runs queries where some are changed, or starts the service. What is no
 * program of ours (a script) may do anything. */
static bool may_reach(struct arena *a, const struct trials *all, const struct test *t)
{
    const char *const marks[] = {"file of a mutated build", "CARTWRIGHT_BIN",
                                 any_sql(all) ? "PQexecPrepared" : NULL};
    size_t len;
    if (access(t->argv[0], R_OK) != 0) {
        return true; /* found in PATH */
    }
    const char *program = file_text(a, t->argv[0], &len);
    if (len < 4 || memcmp(program, "\177ELF", 4) != 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (marks[i] != NULL && memmem(program, len, marks[i], strlen(marks[i])) != NULL) {
            return true;
        }
    }
    return false;
}

static void write_zeros(const char *path, int count)
{
    FILE *f = fopen(path, "wb");
    for (int i = 0; f != NULL && i < count; i++) {
        (void)fputc(0, f);
    }
    if (f == NULL || fclose(f) != 0) {
        die("cannot write %s", path);
    }
}

/* False where it fails although nothing is changed. One that takes longer than the cap would never be asked: it is stopped, and what it
 * has reached until then is only told. */
static bool reach_one(struct arena *a, const struct reach *r, struct test *t)
{
    size_t len;
    const char *map = arena_printf(a, "%s/%s.reach", r->m->output, t->name);
    const char *const more[] = {arena_printf(a, "MUTANT_REACH=%s", map),
                                arena_printf(a, "MUTANT_SQL=%s/sql/table", r->m->plan), NULL};
    struct child c = {.argv = t->argv,
                      .env = suite_env(a, t, more),
                      .folder = t->folder,
                      .output = arena_printf(a, "%s/%s.log", r->m->output, t->name),
                      .seconds_max = r->m->cap_seconds};
    write_zeros(map, r->all->count + 1);
    struct child_end end = child_run(&c);
    t->seconds = end.seconds;
    t->too_long = end.timed_out;
    t->usable = end.code == 0 && !t->too_long;
    if (t->too_long) {
        (void)fprintf(stderr, "%s takes longer than the cap of %.0f s; it is not asked\n", t->name,
                      r->m->cap_seconds);
    }
    if (t->usable || t->too_long) {
        t->reached = (unsigned char *)file_text(a, map, &len);
        return true;
    }
    return end.code == t->skip_code;
}

static void *reach_worker(void *ctx)
{
    struct reach *r = ctx;
    struct arena *a = calloc(1, sizeof *a); /* what it finds is kept */
    for (;;) {
        (void)pthread_mutex_lock(&r->lock);
        size_t i = r->next++;
        (void)pthread_mutex_unlock(&r->lock);
        if (i >= r->m->suite->count) {
            return a;
        }
        struct test *t = &r->m->suite->tests[i];
        t->usable = t->usable && may_reach(a, r->all, t);
        if (t->usable && !reach_one(a, r, t)) {
            (void)fprintf(stderr,
                          "%s fails although nothing is changed; it is not used: %s/%s.log\n",
                          t->name, r->m->output, t->name);
            (void)pthread_mutex_lock(&r->lock);
            r->failed++;
            (void)pthread_mutex_unlock(&r->lock);
        }
    }
}

int trials_reach(const struct trial_means *m, struct trials *all)
{
    enum { WORKERS_MAX = 64 };
    pthread_t threads[WORKERS_MAX];
    struct reach r = {.m = m, .all = all, .lock = PTHREAD_MUTEX_INITIALIZER};
    int workers = m->workers < WORKERS_MAX ? m->workers : WORKERS_MAX;
    for (int i = 0; i < workers; i++) {
        if (pthread_create(&threads[i], NULL, reach_worker, &r) != 0) {
            die("no thread");
        }
    }
    for (int i = 0; i < workers; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return r.failed;
}
