/* The process of a chore. Between fork and exec only calls that are safe in a child of a threaded program. */
#include "cli/chore_run.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 8, NICE = 10, CANNOT_RUN = 127, SIGNALLED = 128 };

static void become(char *const *args, char *const *environment, pid_t parent, int output)
{
    sigset_t none;
    /* serve has blocked the signals that end it; this program waits for them in its own way */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL); // NOLINT(concurrency-mt-unsafe): the only thread
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGPIPE, &usual, NULL);
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    int devnull = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (devnull < 0 || dup2(devnull, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0) {
        _exit(CANNOT_RUN);
    }
    /* In order, as for a person's Ctrl-C: it may be the last user of the private PostgreSQL. */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) { /* which died before it could be waited for */
        _exit(CANNOT_RUN);
    }
    (void)execve("/proc/self/exe", args, environment);
    _exit(CANNOT_RUN);
}

bool chore_run_start(struct chore_run *r, const struct config *config, const char *const *words,
                     struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    char *args[WORDS_MAX + 2] = {arena_strdup(&a, "cartwright")};
    char **environment = config_environ(config, &a);
    const pid_t parent = getpid();
    int fds[2];
    for (int i = 0; i < WORDS_MAX && words[i] != NULL; i++) {
        args[i + 1] = arena_strdup(&a, words[i]);
    }
    *r = (struct chore_run){.output = -1};
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return FAIL(err, ERR_INTERNAL, "cannot make a pipe: %s", err_words(errno));
    }
    r->pid = fork();
    if (r->pid == 0) {
        become(args, environment, parent, fds[1]);
    }
    (void)close(fds[1]);
    if (r->pid < 0) {
        (void)close(fds[0]);
        r->pid = 0;
        return FAIL(err, ERR_INTERNAL, "cannot fork: %s", err_words(errno));
    }
    r->output = fds[0];
    return true;
}

/* Takes the whole lines off the front of rest. */
static void take_lines(struct chore_run *r, const char *event)
{
    char *end;
    while ((end = memchr(r->rest, '\n', r->len)) != NULL || r->len == sizeof r->rest) {
        /* a line longer than the room is cut in pieces */
        const size_t len = end ? (size_t)(end - r->rest) : sizeof r->rest - 1;
        memcpy(r->line, r->rest, len);
        r->line[len] = '\0';
        log_line(LOG_INFO, event, "%s", r->line);
        const size_t taken = end ? len + 1 : len;
        r->len -= taken;
        memmove(r->rest, r->rest + taken, r->len);
    }
}

bool chore_run_read(struct chore_run *r, const char *event, int wait_ms)
{
    struct pollfd ready = {.fd = r->output, .events = POLLIN};
    if (poll(&ready, 1, wait_ms) <= 0) {
        return true;
    }
    const ssize_t n = read(r->output, r->rest + r->len, sizeof r->rest - r->len);
    if (n < 0) {
        return errno == EINTR || errno == EAGAIN;
    }
    r->len += (size_t)n;
    take_lines(r, event);
    return n > 0;
}

int chore_run_end(struct chore_run *r)
{
    int status = 0;
    while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR) {
    }
    (void)close(r->output);
    r->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
}
