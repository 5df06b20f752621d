#include "child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Runs a test in a session of its own. A mutant may loop, print or allocate for ever: time, file sizes and memory have limits. */

enum { MARK_BYTES = 64, ENVIRONMENTS_MAX = 512 };

static const rlim_t output_max = (rlim_t)1 << 30;
static const rlim_t memory_max = (rlim_t)16 << 30;

double now_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Between fork and exec of a program with threads: only what is safe there. */
_Noreturn static void become(const struct child *c, char *const *env)
{
    struct rlimit none = {0, 0};
    struct rlimit bytes = {output_max, output_max};
    struct rlimit memory = {memory_max, memory_max};
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* of the thread that waits for it */
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_FSIZE, &bytes);
    if (getenv("MUTATE_SANITIZED") == NULL) { /* those reserve terabytes */
        (void)setrlimit(RLIMIT_AS, &memory);
    }
    int out = open(c->output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int in = open("/dev/null", O_RDONLY);
    if (out >= 0 && in >= 0 && chdir(c->folder) == 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 &&
        dup2(out, 2) == 2) {
        (void)execvpe(c->argv[0], c->argv, env);
    }
    _exit(126);
}

static bool environment_has(int pid, const char *mark)
{
    char path[64];
    char text[65536];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t n = read(fd, text, sizeof text);
    (void)close(fd);
    return n > 0 && memmem(text, (size_t)n, mark, strlen(mark)) != NULL;
}

/* What a test left running: servers it started, and what left the session. */
static void kill_marked(const char *mark)
{
    DIR *proc = opendir("/proc");
    for (struct dirent *d;
         proc != NULL &&
         (d = readdir(proc)) != NULL;) { // NOLINT(concurrency-mt-unsafe): a stream of its own
        int pid = (int)strtol(d->d_name, NULL, 10);
        if (pid > 1 && pid != getpid() && environment_has(pid, mark)) {
            (void)kill(pid, SIGKILL);
        }
    }
    if (proc != NULL) {
        (void)closedir(proc);
    }
}

/* False where the time ran out first. */
static bool wait_until(pid_t pid, double seconds)
{
    int fd = pidfd_open(pid, 0);
    if (fd < 0) {
        die("pidfd_open: %d", errno);
    }
    double end = now_seconds() + seconds;
    int ready = 0;
    do {
        double left = end - now_seconds();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ready = poll(&p, 1, left > 0 ? (int)(left * 1000) + 1 : 0);
    } while (ready < 0 && errno == EINTR);
    (void)close(fd);
    return ready > 0;
}

static double cpu_of(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           1e-6 * (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

struct child_end child_run(const struct child *c)
{
    static atomic_int serial;
    char mark[MARK_BYTES];
    char *env[ENVIRONMENTS_MAX + 2];
    int n = 0;
    for (; c->env[n] != NULL && n < ENVIRONMENTS_MAX; n++) {
        env[n] = c->env[n];
    }
    (void)snprintf(mark, sizeof mark, "MUTATE_RUN=%d.%d.", (int)getpid(),
                   atomic_fetch_add(&serial, 1));
    env[n++] = mark;
    env[n] = NULL;

    double begun = now_seconds();
    pid_t pid = fork();
    if (pid < 0) {
        die("fork: %d", errno);
    }
    if (pid == 0) {
        become(c, env);
    }
    struct child_end end = {.timed_out = !wait_until(pid, c->seconds_max)};
    if (end.timed_out) {
        (void)kill(-pid, SIGKILL);
    }
    int status = 0;
    struct rusage usage;
    (void)wait4(pid, &status, 0, &usage);
    end.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    end.seconds = now_seconds() - begun;
    end.cpu_seconds = cpu_of(&usage);
    if (end.code != 0) {
        (void)kill(-pid, SIGKILL);
        kill_marked(mark);
    }
    return end;
}
