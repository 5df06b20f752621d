#include "store/private/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Short-lived child processes. Between fork and exec only calls that are safe in a child of a
 * threaded program. */

enum { CANNOT_RUN = 127, OUTPUT_MAX = 4096 };

/* In the child. False: a right is missing. */
static bool become(struct child_user user)
{
    if (geteuid() == user.uid) {
        return true;
    }
    /* In this order: once the user has changed there is no right left to change the groups, and
     * those of root would stay. */
    return setgroups(1, &user.gid) == 0 && setgid(user.gid) == 0 && setuid(user.uid) == 0;
}

static void child_exec(struct child_user user, const char *const *argv, int output)
{
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    static char locale[] = "LC_ALL=C";
    static char zone[] = "TZ=UTC";
    char *env[] = {path, locale, zone, NULL};
    /* exec's prototype predates const; it changes nothing. */
    char *const *args = (char *const *)(uintptr_t)argv; // NOLINT(performance-no-int-to-ptr)
    sigset_t none;

    /* The service blocks signals for its threads; PostgreSQL needs them. */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL); // NOLINT(concurrency-mt-unsafe): the only thread
    (void)umask(077);
    int devnull = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (devnull < 0 || dup2(devnull, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0 || chdir("/") != 0 || !become(user)) {
        _exit(CANNOT_RUN);
    }
    /* Not to be at work any more when the next process looks at the files. Asked for after the
     * change of user, at which the kernel forgets it. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)execve(argv[0], args, env);
    _exit(CANNOT_RUN);
}

/* Keeps the last OUTPUT_MAX - 1 bytes; what a program prints last is usually why it failed. */
static void read_tail(int fd, char tail[OUTPUT_MAX])
{
    size_t len = 0;
    for (;;) {
        if (len == OUTPUT_MAX - 1) {
            len /= 2;
            memmove(tail, tail + OUTPUT_MAX - 1 - len, len);
        }
        /* Ends when nobody holds the pipe any more. A server that outlives pg_ctl does not: its
         * output goes to a log of its own (-l). */
        ssize_t n = read(fd, tail + len, OUTPUT_MAX - 1 - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
    }
    tail[len] = '\0';
}

static const char *last_line(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '\n') {
        text[--len] = '\0';
    }
    const char *newline = strrchr(text, '\n');
    return newline == NULL ? text : newline + 1;
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

bool child_run(struct child_user user, const char *const *argv, struct err *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return FAIL(err, ERR_INTERNAL, "cannot make a pipe: %s", err_words(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        child_exec(user, argv, fds[1]);
    }
    (void)close(fds[1]);
    char tail[OUTPUT_MAX] = "";
    if (pid > 0) {
        /* Before waiting: a child that prints more than the pipe holds would wait for us. */
        read_tail(fds[0], tail);
    }
    (void)close(fds[0]);
    if (pid < 0) {
        return FAIL(err, ERR_INTERNAL, "cannot fork: %s", err_words(errno));
    }
    int status = wait_for(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    if (WIFEXITED(status)) {
        return FAIL(err, ERR_INTERNAL, "%s exited with %d: %.150s", argv[0], WEXITSTATUS(status),
                    last_line(tail));
    }
    return FAIL(err, ERR_INTERNAL, "%s was ended by signal %d", argv[0], WTERMSIG(status));
}

bool child_can_enter(struct child_user user, const char *dir)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(become(user) && chdir(dir) == 0 ? 0 : 1);
    }
    return pid > 0 && wait_for(pid) == 0;
}
