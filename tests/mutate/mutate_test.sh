#!/bin/sh
# ./dev mutate on a small tree of C, SQL and one test: what is planted survives, the rest is killed, an accepted entry silences its mutant, a
# stale one is told, and the tree that was called for stays as it is.
#   mutate_test.sh TOOLS (the folder of mutate_plan and mutate_run; CARTWRIGHT_TEST_PG is a server)
set -eu
tools=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
root=$(mktemp -d /tmp/cartwright-mutate-XXXXXX)
trap 'rm -rf "$root"' EXIT
cd "$root"
mkdir -p src sql/queries sql/distributed tests/mutate

cat >src/stock.c <<'C'
#include "stock.h"
#include <pthread.h>
#include <stdlib.h>
enum { SHELVES = 3 };
static int taken[SHELVES] = {0, 0, 0};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
int stock_enough(int have, int wanted) { return have >= wanted; }
int stock_low(int have) { return have < 5; }
int stock_may_sell(int have, int wanted, int closed)
{
    if (stock_enough(have, wanted) && !closed) {
        return have - wanted;
    }
    return -1;
}
void stock_take(int shelf, int n)
{
    pthread_mutex_lock(&lock);
    taken[shelf] += n;
    pthread_mutex_unlock(&lock);
}
int stock_all(void)
{
    int sum = 0;
    int shelf = SHELVES;
    while (shelf != 0) {
        shelf--;
        sum += taken[shelf];
    }
    return sum;
}
int stock_either(int one, int other) { return larger(one, other); }
int stock_taken(int shelf)
{
    switch (shelf) {
    case 0: return taken[0];
    default: return taken[shelf];
    }
}
C
cat >src/stock.h <<'C'
int stock_enough(int have, int wanted);
int stock_low(int have);
int stock_may_sell(int have, int wanted, int closed);
void stock_take(int shelf, int n);
int stock_all(void);
int stock_either(int one, int other);
int stock_taken(int shelf);
int larger(int a, int b);
C
cat >src/query.c <<'C'
int larger(int a, int b);
int larger(int a, int b) { return a > b ? a : b; }
struct query_def { const char *name; const char *sql; };
extern const struct query_def query_defs[2];
const struct query_def query_defs[2] = {
#define QUERY(name, sql) {#name, sql},
#include "query_table.inc"
#undef QUERY
};
enum { Q_stock_most };
extern const char *const query_distributed[2];
const char *const query_distributed[2] = {
#define QUERY(name, sql) [Q_##name] = (sql),
#include "distributed_table.inc"
};
C
cat >sql/queries/stock.sql <<'SQL'
-- name: stock_most
-- The fullest shelf of an item.
SELECT n FROM (VALUES (1, 10), (1, 30), (2, 20)) AS s(item, n)
 WHERE item = $1::int
 ORDER BY n DESC LIMIT 1;

-- name: stock_nothing
SELECT 1;
SQL
cat >sql/distributed/stock.sql <<'SQL'
-- name: stock_most
SELECT max(n) FROM (VALUES (1, 10), (1, 30), (2, 20)) AS s(item, n)
 WHERE item = $1::int;
SQL
cat >stock_test.c <<'C'
#include "src/stock.h"
#include <libpq-fe.h>
#include <stdlib.h>
struct query_def { const char *name; const char *sql; };
extern const struct query_def query_defs[2];
extern const char *const query_distributed[2];
static void check(int holds) { if (!holds) { exit(1); } }
static int most(PGconn *conn, const char *item)
{
    PGresult *res = PQexecPrepared(conn, query_defs[0].name, 1, &item, NULL, NULL, 0);
    check(PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) > 0);
    int n = atoi(PQgetvalue(res, 0, 0));
    PQclear(res);
    return n;
}
static int most_of_the_second(PGconn *conn)
{
    PGresult *res = PQexec(conn, "EXECUTE stock_most(2)");
    check(PQresultStatus(res) == PGRES_TUPLES_OK);
    int n = atoi(PQgetvalue(res, 0, 0));
    PQclear(res);
    return n;
}
int main(void)
{
    PGconn *conn = PQconnectdb(getenv("CARTWRIGHT_TEST_PG"));
    check(PQstatus(conn) == CONNECTION_OK);
    PQclear(PQprepare(conn, query_defs[0].name, query_defs[0].sql, 0, NULL));
    check(most(conn, "1") == 30 && most(conn, "2") == 20);
    PQfinish(conn);
    conn = PQconnectdb(getenv("CARTWRIGHT_TEST_PG"));
    PQclear(PQprepare(conn, query_defs[0].name, query_distributed[0], 0, NULL));
    check(most_of_the_second(conn) == 20);
    PQfinish(conn);
    check(stock_enough(2, 1) && stock_enough(1, 1) && !stock_enough(0, 1));
    check(stock_low(4) && !stock_low(9)); /* and 5? */
    check(stock_may_sell(4, 1, 0) == 3 && stock_may_sell(4, 6, 0) == -1);
    check(stock_may_sell(4, 1, 1) == -1 && stock_may_sell(1, 4, 1) == -1);
    stock_take(0, 2);
    stock_take(2, 3);
    check(stock_all() == 5 && stock_either(3, 4) == 4);
    check(stock_taken(0) == 2 && stock_taken(2) == 3 && stock_taken(1) == 0);
    return 0;
}
C
cat >CMakeLists.txt <<CMAKE
cmake_minimum_required(VERSION 3.22)
project(stock LANGUAGES C)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
include_directories(\${CMAKE_CURRENT_BINARY_DIR})
add_custom_command(OUTPUT query_table.inc DEPENDS sql/queries/stock.sql
    COMMAND awk -f $here/../../src/store/pg/embed_sql.awk \${CMAKE_SOURCE_DIR}/sql/queries/stock.sql > query_table.inc)
add_custom_command(OUTPUT distributed_table.inc DEPENDS sql/distributed/stock.sql
    COMMAND awk -f $here/../../src/store/pg/embed_sql.awk \${CMAKE_SOURCE_DIR}/sql/distributed/stock.sql > distributed_table.inc)
add_custom_target(generated DEPENDS query_table.inc distributed_table.inc)
add_library(stock STATIC src/stock.c src/query.c \${CMAKE_CURRENT_BINARY_DIR}/query_table.inc \${CMAKE_CURRENT_BINARY_DIR}/distributed_table.inc)
add_executable(stock_test stock_test.c)
target_link_libraries(stock_test stock PkgConfig::PQ)
enable_testing()
add_test(NAME stock_test COMMAND stock_test)
add_test(NAME left_to_another_preset COMMAND stock_test)
set_tests_properties(left_to_another_preset PROPERTIES LABELS "unit;aside")
add_test(NAME once_more_behind_a_pooler COMMAND stock_test)
set_tests_properties(once_more_behind_a_pooler PROPERTIES LABELS "long")
CMAKE
cat >CMakePresets.json <<'JSON'
{"version": 3, "configurePresets": [
  {"name": "dev", "generator": "Ninja", "binaryDir": "${sourceDir}/build/dev", "cacheVariables": {"CMAKE_BUILD_TYPE": "Debug"}}]}
JSON

sum() { find . -path ./build -prune -o -type f -print | sort | xargs cksum; }
fail() { printf '%s\n' "$*"; cat said told; exit 1; }
# mutate CODE ARGUMENTS: must end with CODE; `said` is what it printed, `told` what it told beside.
mutate() {
    code=0
    want=$1
    shift
    "$here/mutate.sh" --tools "$tools" --patience 1 "$@" src/stock.c 'sql/queries/*.sql' 'sql/distributed/*.sql' >said 2>told || code=$?
    [ $code = "$want" ] || fail "exit code $code, not $want: $*"
}
survived() { grep -A1 -e "^  - " said | grep -e '^  [-+]' || true; }
expect() { [ "$(survived)" = "$1" ] || fail "not what was to survive: $1"; }

before=$(sum)
if "$here/mutate.sh" --tools "$tools" 'src/no*.c' 2>told; then fail "a pattern that fits nothing is no error"; fi
mutate 0 --list
grep -q ' stock_take #1 lock$' said || fail "no lock is found"
grep -q '^[0-9a-f]* sql/distributed/stock.sql:3 stock_most ' said || fail "the text for a cluster is not read"
if grep -q -e 'SHELVES' -e '^  - 3$' said; then fail "what is constant at compile time is changed"; fi

if grep -q 'larger(other, *one)' said; then fail "what is the same either way is changed"; fi

mutate 0 --all

expect '  - have < 5
  + have <= 5
  - pthread_mutex_lock(&lock);
  + 
  - LIMIT 1
  + '
grep -q 'stayed green: stock_test$' said || fail "the tests that stayed green are not told"
grep -q ' in all$' said || fail "no rate"
grep -q ', 1 by the time limit, 3 survived, 0 not reached, 0 invalid' said || fail "a loop without end is not ended"

cat >tests/mutate/accepted.txt <<'LIST'
# Accepted.
src/stock.c stock_take 1
- pthread_mutex_lock(&lock);
+
The fixture has one thread.

src/stock.c stock_low 1
- have < 4
+ have <= 4
There is no such line.
LIST
mutate 3 --all
grep -q 'accepted.txt:7: stale' told || fail "the stale entry is not told"
expect '  - have < 5
  + have <= 5
  - LIMIT 1
  + '
# An edit that moves lines, and only those, leaves the entry valid.
{ echo '/* A line more. */'; cat src/stock.c; } >moved && mv moved src/stock.c
mutate 3 --n 1000 --seed 7
expect '  - have < 5
  + have <= 5
  - LIMIT 1
  + '
mutate 3 --n 1000 --long
grep -q 'stayed green: .*once_more_behind_a_pooler' said || fail "what is long is not asked where it is wished for"
id=$(sed -n 's/.*stock_low #1 .*, \([0-9a-f]*\)\]$/\1/p' said)
mutate 3 --only "$id"
grep -q '0 of   1 killed,   0 %  in all' said || fail "one alone"
rm -f said told tests/mutate/accepted.txt
sed -i 1d src/stock.c
[ "$before" = "$(sum)" ] || fail "the tree was changed"
