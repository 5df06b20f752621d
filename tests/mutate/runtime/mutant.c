/* Linked into every program of a mutated build. From the environment:
 *   MUTANT=17       change 17 is on
 *   MUTANT_REACH=F  every change that is reached sets its byte in the file F, shared by all processes of a test
 *   MUTANT_SQL=F    the number of queries, a line; with MUTANT then a query's name, a line, and its new text; with MUTANT_REACH lines "17 name";
 *                   before a name "*": the text that a distributed database gets
 * Must not need anything of the tree but the tables `query_defs` and `query_distributed`, and those only where they are. */
#include <dlfcn.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* As in store/pg/query.h, but that it is written to. Absent from programs without queries. */
struct query_row {
    const char *name;
    const char *sql;
};
extern struct query_row query_defs[] __attribute__((weak));
extern const char *query_distributed[] __attribute__((weak));

enum { SQL_MUTANTS_MAX = 4096 };

int mutant_active; /* const to those who ask, so mutant.h is not included here */
int mutant_reach(int number);

static unsigned char *reached;
static off_t reached_bytes;
static struct {
    int number;
    const char *query;
} sql_mutants[SQL_MUTANTS_MAX];
static int sql_mutant_count;
static long query_rows; /* of query_defs */

int mutant_reach(int number)
{
    if (reached != NULL && number < reached_bytes) {
        reached[number] = 1;
    }
    return 0;
}

static void give_up(const char *what)
{
    (void)fprintf(stderr, "mutant: %s\n", what);
    abort();
}

/* Stays until the process ends. */
static char *whole_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        give_up(path);
    }
    char *text = calloc(1, (size_t)st.st_size + 1);
    if (text == NULL || read(fd, text, (size_t)st.st_size) != st.st_size) {
        give_up(path);
    }
    (void)close(fd);
    return text;
}

static void record_into(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        give_up(path);
    }
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        give_up(path);
    }
    (void)close(fd);
    reached = map;
    reached_bytes = st.st_size;
    mutant_active = -1;
}

static void know_queries(char *rest)
{
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
        char *name = line;
        int number = (int)strtol(line, &name, 10);
        if (sql_mutant_count == SQL_MUTANTS_MAX) {
            give_up("too many changes of queries");
        }
        sql_mutants[sql_mutant_count].number = number;
        sql_mutants[sql_mutant_count++].query = name + (name[1] == '*' ? 2 : 1);
    }
}

/* In a table that is read-only since relocation. */
static void put(const char **where, const char *text)
{
    size_t into_page = (size_t)where % (size_t)sysconf(_SC_PAGESIZE);
    if (mprotect((char *)where - into_page, into_page + sizeof *where, PROT_READ | PROT_WRITE) !=
        0) {
        give_up("mprotect");
    }
    *where = text;
}

static void change_query(char *text)
{
    const char *name = strsep(&text, "\n");
    int distributed = name[0] == '*';
    for (long q = 0; q < query_rows; q++) {
        if (strcmp(query_defs[q].name, name + distributed) == 0) {
            put(distributed ? &query_distributed[q] : &query_defs[q].sql, text);
        }
    }
}

static void read_queries(const char *path)
{
    char *text = whole_file(path);
    const char *rows = strsep(&text, "\n");
    query_rows = query_defs == NULL ? 0 : strtol(rows, NULL, 10);
    if (mutant_active > 0) {
        change_query(text);
    } else {
        know_queries(text);
    }
}

__attribute__((constructor(101))) static void begin(void)
{
    const char *number = getenv("MUTANT");
    const char *record = getenv("MUTANT_REACH");
    const char *sql = getenv("MUTANT_SQL");
    if (number != NULL) {
        mutant_active = (int)strtol(number, NULL, 10);
    } else if (record != NULL) {
        record_into(record);
    }
    if (mutant_active != 0 && sql != NULL) {
        read_queries(sql);
    }
}

/* ---- a query is reached when it runs: these stand between the program and libpq ---- */

static void reach_query(const char *name)
{
    for (int i = 0; i < sql_mutant_count; i++) {
        if (strcmp(sql_mutants[i].query, name) == 0) {
            (void)mutant_reach(sql_mutants[i].number);
        }
    }
}

static void reach_text(const char *sql)
{
    for (long q = 0; mutant_active < 0 && q < query_rows; q++) {
        if (query_defs[q].sql == sql) {
            reach_query(query_defs[q].name);
        }
    }
}

/* The function of libpq that the one of this name hides. ISO C has no other way from an object pointer to a function. */
#define LIBPQ(name)                                                                                \
    __typeof__(&(name)) real;                                                                      \
    void *found = dlsym(RTLD_NEXT, #name);                                                         \
    if (found == NULL) {                                                                           \
        give_up(#name);                                                                            \
    }                                                                                              \
    memcpy(&real, &found, sizeof real)

// NOLINTBEGIN(readability-function-size): as many parameters as libpq gives them
PGresult *PQexecPrepared(PGconn *conn, const char *stmtName, int nParams,
                         const char *const *paramValues, const int *paramLengths,
                         const int *paramFormats, int resultFormat)
{
    LIBPQ(PQexecPrepared);
    reach_query(stmtName);
    return real(conn, stmtName, nParams, paramValues, paramLengths, paramFormats, resultFormat);
}

int PQsendQueryPrepared(PGconn *conn, const char *stmtName, int nParams,
                        const char *const *paramValues, const int *paramLengths,
                        const int *paramFormats, int resultFormat)
{
    LIBPQ(PQsendQueryPrepared);
    reach_query(stmtName);
    return real(conn, stmtName, nParams, paramValues, paramLengths, paramFormats, resultFormat);
}

PGresult *PQexecParams(PGconn *conn, const char *command, int nParams, const Oid *paramTypes,
                       const char *const *paramValues, const int *paramLengths,
                       const int *paramFormats, int resultFormat)
{
    LIBPQ(PQexecParams);
    reach_text(command);
    return real(conn, command, nParams, paramTypes, paramValues, paramLengths, paramFormats,
                resultFormat);
}

int PQsendQueryParams(PGconn *conn, const char *command, int nParams, const Oid *paramTypes,
                      const char *const *paramValues, const int *paramLengths,
                      const int *paramFormats, int resultFormat)
{
    LIBPQ(PQsendQueryParams);
    reach_text(command);
    return real(conn, command, nParams, paramTypes, paramValues, paramLengths, paramFormats,
                resultFormat);
}

// NOLINTEND(readability-function-size)

/* [EXPLAIN] EXECUTE runs the query as well, in tests of plans and of two texts. */
PGresult *PQexec(PGconn *conn, const char *query)
{
    static const char explain[] = "EXPLAIN ";
    const char *at =
        query + (strncmp(query, explain, sizeof explain - 1) == 0 ? sizeof explain - 1 : 0);
    char name[128];
    LIBPQ(PQexec);
    if (sscanf(at, "EXECUTE %127[a-z_0-9]", name) == 1) {
        reach_query(name);
    }
    return real(conn, query);
}
