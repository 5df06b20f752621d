/* A signal that ends a command, or two of them, also ends the private PostgreSQL that it started: nothing is left running that nobody asked for. */
#include "support/folder.h"
#include "support/http_client.h"
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
static pid_t start_import(const char *data_dir, const char *pipe_path, void (*at_hangup)(int))
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)signal(SIGHUP, at_hangup);
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

/* An import that has its server; returns its process, and where it has its data. */
static pid_t waiting_import(const char *name, void (*at_hangup)(int), char data_dir[256])
{
    char pipe_path[300];

    (void)snprintf(data_dir, 256, "%s/of-%s", folder_of_run(), name);
    (void)snprintf(pipe_path, sizeof pipe_path, "%s/events-%s", folder_of_run(), name);
    assert_int_equal(chmod(folder_of_run(), 0755), 0);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    pid_t pid = start_import(data_dir, pipe_path, at_hangup);
    await_server(data_dir, pid);
    return pid;
}

static void both_end(pid_t pid, int signal_number, const char *data_dir)
{
    char text[1024];
    int status = 0;

    assert_int_equal(kill(pid, signal_number), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), signal_number);
    assert_string_equal(server_state(data_dir, text), "");
}

static void ends_with(const char *name, int signal_number)
{
    char data_dir[256];
    pid_t pid = waiting_import(name, SIG_DFL, data_dir);

    both_end(pid, signal_number, data_dir);
}

static void sigterm_ends_both(void **state)
{
    (void)state;
    ends_with("term", SIGTERM);
}

static void so_does_an_interrupt_from_the_keyboard(void **state)
{
    (void)state;
    ends_with("int", SIGINT);
}

/* As nohup starts it. */
static void a_hangup_that_is_ignored_ends_nothing(void **state)
{
    char data_dir[256];
    char text[1024];
    pid_t pid = waiting_import("nohup", SIG_IGN, data_dir);

    (void)state;
    assert_int_equal(kill(pid, SIGHUP), 0);
    (void)poll(NULL, 0, 4 * LOOK_MS); /* it would not end at once */
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    assert_non_null(strstr(server_state(data_dir, text), "ready"));
    both_end(pid, SIGTERM, data_dir);
}

static struct service serving(const char *name, char data_dir[256])
{
    const char *const flags[] = {"--auth=off", "--data-dir", data_dir, NULL};

    (void)snprintf(data_dir, 256, "%s/of-%s", folder_of_run(), name);
    assert_int_equal(chmod(folder_of_run(), 0755), 0);
    return service_start("", flags);
}

/* From the terminal that is closed, as by SIGTERM: in order. */
static void a_hangup_ends_serve_in_order(void **state)
{
    char data_dir[256];
    char text[1024];
    int status = 0;
    struct service s = serving("hangup", data_dir);

    (void)state;
    assert_non_null(strstr(server_state(data_dir, text), "ready"));
    assert_int_equal(kill(s.pid, SIGHUP), 0);
    assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
    (void)close(s.out_fd);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(server_state(data_dir, text), "");
}

static pid_t postmaster_of(const char *data_dir)
{
    char text[1024];

    return (pid_t)strtol(server_state(data_dir, text), NULL, 10);
}

/* Killed by the kernel for want of memory, say: nobody else would start it again. */
static void a_server_that_is_killed_is_started_again(void **state)
{
    char data_dir[256];
    char text[1024];
    struct service s = serving("killed", data_dir);
    const pid_t first = postmaster_of(data_dir);
    struct http_client *c = http_client_open(NULL, 10000);
    const char *body = NULL;
    int waited = 0;

    (void)state;
    assert_true(first > 1);
    assert_int_equal(kill(first, SIGKILL), 0);
    while (postmaster_of(data_dir) == first ||
           strstr(server_state(data_dir, text), "ready") == NULL ||
           http_client_request(c, s.port, "/readyz", NULL, &body) != 200) {
        assert_true(waited < WAIT_MS);
        assert_true(service_alive(&s));
        (void)poll(NULL, 0, LOOK_MS);
        waited += LOOK_MS;
    }
    http_client_close(c);
    assert_int_equal(service_stop(&s), 0);
    assert_string_equal(server_state(data_dir, text), "");
}

/* A second signal cuts the drain short. Also when it comes right behind the first, or while the server is being stopped. */
static void signals_one_after_another_leave_no_server_behind(void **state)
{
    char data_dir[256];
    char text[1024];

    (void)state;
    for (int apart_ms = 0; apart_ms <= 64; apart_ms = 4 * apart_ms + 3) {
        int status = 0;
        struct service s = serving("serve", data_dir);
        while (waitpid(s.pid, &status, WNOHANG) == 0) {
            (void)kill(s.pid, SIGTERM);
            (void)poll(NULL, 0, apart_ms);
        }
        (void)close(s.out_fd);
        if (server_state(data_dir, text)[0] != '\0') {
            fail_msg("signals %d ms apart: %s", apart_ms, text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigterm_ends_both),
        cmocka_unit_test(so_does_an_interrupt_from_the_keyboard),
        cmocka_unit_test(a_hangup_that_is_ignored_ends_nothing),
        cmocka_unit_test(a_hangup_ends_serve_in_order),
        cmocka_unit_test(a_server_that_is_killed_is_started_again),
        cmocka_unit_test(signals_one_after_another_leave_no_server_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
