#include "support/own_postgres.h"

#include "support/spec.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/cartwright-own-XXXXXX";

static void postgres_sh(const char *verb, const char *more)
{
    const char *source = getenv("CARTWRIGHT_SOURCE");
    char script[4096];
    const char *argv[] = {script, verb, dir, more, NULL};
    pid_t pid;
    int status;

    assert_non_null(source);
    (void)snprintf(script, sizeof script, "%s/tests/support/postgres.sh", source);
    assert_int_equal(
        posix_spawn(&pid, script, NULL, NULL, (char *const *)(const void *)argv, environ), 0);
    while (waitpid(pid, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    assert_int_equal(status, 0);
}

int own_postgres_start(void **state)
{
    char conninfo[100];

    (void)state;
    assert_non_null(mkdtemp(dir));
    postgres_sh("start", NULL);
    postgres_sh("template", getenv("CARTWRIGHT_BIN"));
    (void)snprintf(conninfo, sizeof conninfo, "host=%s user=postgres", dir);
    return setenv("CARTWRIGHT_TEST_PG", conninfo, 1);
}

int own_postgres_stop(void **state)
{
    (void)state;
    postgres_sh("stop", NULL);
    return 0;
}

void own_postgres(const char *verb)
{
    postgres_sh(verb, NULL);
}
