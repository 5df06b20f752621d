/* A signal that ends a command also ends the private PostgreSQL that it started: nothing is left running that nobody asked for. */
#include "support/folder.h"
#include "support/service.h"
#include "support/spec.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 120000, LOOK_MS = 50 };

/* Starts `import` on a pipe nobody writes to, in a data_dir of its own: it has its database, and waits. */
static pid_t start_import(const char *data_dir, const char *pipe_path)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)setenv("DATABASE_URL", "", 1);
        (void)setenv("CARTWRIGHT_DATA_DIR", data_dir, 1);
        (void)execl(getenv("CARTWRIGHT_BIN"), "cartwright", "import", "--format", "ndjson",
                    "--quiet", pipe_path, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

/* What the server wrote of itself; "" where there is no such file. */
static const char *server_state(const char *data_dir, char out[1024])
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/pg/postmaster.pid", data_dir);
    FILE *f = fopen(path, "r");
    size_t len = f == NULL ? 0 : fread(out, 1, 1023, f);
    out[len] = '\0';
    if (f != NULL) {
        (void)fclose(f);
    }
    return out;
}

static void await_server(const char *data_dir, pid_t pid)
{
    char text[1024];
    for (int waited = 0; strstr(server_state(data_dir, text), "ready") == NULL; waited += LOOK_MS) {
        assert_true(waited < WAIT_MS);
        assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
        (void)poll(NULL, 0, LOOK_MS);
    }
}

static void ends_with(int signal_number)
{
    char data_dir[256];
    char pipe_path[300];
    char text[1024];
    int status = 0;
    (void)snprintf(data_dir, sizeof data_dir, "%s/of-%d", folder_of_run(), signal_number);
    (void)snprintf(pipe_path, sizeof pipe_path, "%s/events-%d", folder_of_run(), signal_number);
    assert_int_equal(chmod(folder_of_run(), 0755), 0);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    pid_t pid = start_import(data_dir, pipe_path);
    await_server(data_dir, pid);
    assert_int_equal(kill(pid, signal_number), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), signal_number);
    assert_string_equal(server_state(data_dir, text), "");
}

static void sigterm_ends_both(void **state)
{
    (void)state;
    ends_with(SIGTERM);
}

static void so_does_an_interrupt_from_the_keyboard(void **state)
{
    (void)state;
    ends_with(SIGINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigterm_ends_both),
        cmocka_unit_test(so_does_an_interrupt_from_the_keyboard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
