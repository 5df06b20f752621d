/* Starts, stops and kills the program under test, each by its own process id. */
#include "support/service.h"

#include "support/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 48, START_TIMEOUT_MS = 120000, LOG_TAIL = 16000 };

static int started;

static void print_tail(const char *log)
{
    char tail[LOG_TAIL + 1];
    FILE *f = fopen(log, "r");

    if (f != NULL) {
        (void)(fseek(f, -LOG_TAIL, SEEK_END) != 0 && fseek(f, 0, SEEK_SET));
        tail[fread(tail, 1, LOG_TAIL, f)] = '\0';
        (void)fprintf(stderr, "%s\n", tail);
        (void)fclose(f);
    }
}

__attribute__((noreturn, format(printf, 2, 3))) static void die(const char *log, const char *fmt,
                                                                ...)
{
    va_list ap;

    (void)fputs("service: ", stderr);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputs("\n", stderr);
    if (log != NULL) {
        print_tail(log);
    }
    exit(1);
}

static const char *program(void)
{
    const char *path = getenv("CARTWRIGHT_BIN");

    if (path == NULL) {
        die(NULL, "CARTWRIGHT_BIN is not set: run this through ctest or ./dev");
    }
    return path;
}

/* In the child: never returns. in, out and log become its standard streams. */
__attribute__((noreturn)) static void become(const char *database_url, const char *const *argv,
                                             const int fds[3])
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < 3; i++) {
        (void)dup2(fds[i], i);
    }
    (void)setenv("DATABASE_URL", database_url, 1);
    (void)setenv("CARTWRIGHT_DATA_DIR", folder_of_run(), 1);
    /* what a test does not begin itself should not happen beside it; a flag switches it on */
    (void)setenv("CARTWRIGHT_TRAIN_EVERY", "0", 1);
    (void)setenv("CARTWRIGHT_MAINTAIN_EVERY", "0", 1);
    execv(argv[0], (char *const *)(const void *)argv); /* it only reads them */
    _exit(127);
}

static pid_t spawn(const char *database_url, const char *const *argv, int in, int out,
                   const char *log)
{
    int err_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (err_fd < 0) {
        die(NULL, "%s: %s", log, strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        become(database_url, argv, (int[3]){in, out, err_fd});
    }
    (void)close(err_fd);
    if (pid < 0) {
        die(NULL, "fork: %s", strerror(errno));
    }
    return pid;
}

static int await_exit(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            die(NULL, "waitpid: %s", strerror(errno));
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int add_args(const char **argv, int argc, const char *const *more)
{
    for (; more != NULL && *more != NULL; more++) {
        if (argc == ARGS_MAX) {
            die(NULL, "more than %d arguments", ARGS_MAX);
        }
        argv[argc++] = *more;
    }
    argv[argc] = NULL;
    return argc;
}

/* Reads the child's standard output up to the address; false where it ended before. */
static bool read_url(struct service *s)
{
    char text[1024];
    size_t len = 0;
    struct pollfd ready = {.fd = s->out_fd, .events = POLLIN};

    while (len + 1 < sizeof text && poll(&ready, 1, START_TIMEOUT_MS) > 0) {
        ssize_t n = read(s->out_fd, text + len, sizeof text - 1 - len);
        if (n <= 0) {
            return false;
        }
        len += (size_t)n;
        text[len] = '\0';
        const char *url = strstr(text, "http://");
        size_t url_len = url != NULL ? 7 + strcspn(url + 7, " /\r\n") : 0;
        if (url != NULL && url[url_len] != '\0') {
            (void)snprintf(s->url, sizeof s->url, "%.*s", (int)url_len, url);
            s->port = (int)strtol(strrchr(s->url, ':') + 1, NULL, 10);
            return s->port > 0;
        }
    }
    return false;
}

struct service service_start(const char *database_url, const char *const *flags)
{
    struct service s = {0};
    const char *argv[ARGS_MAX + 1];
    int out[2];
    const char *const head[] = {program(), "serve", "--listen", "127.0.0.1:0", NULL};

    (void)snprintf(s.log, sizeof s.log, "%s/serve-%d.log", folder_of_run(), ++started);
    (void)add_args(argv, add_args(argv, 0, head), flags);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in < 0 || pipe2(out, O_CLOEXEC) != 0) {
        die(NULL, "pipe: %s", strerror(errno));
    }
    s.pid = spawn(database_url, argv, in, out[1], s.log);
    s.out_fd = out[0];
    (void)close(in);
    (void)close(out[1]);
    if (!read_url(&s)) {
        die(s.log, "serve did not tell its address");
    }
    return s;
}

static int finish(struct service *s, int sig)
{
    (void)kill(s->pid, sig);
    int code = await_exit(s->pid);
    (void)close(s->out_fd);
    s->pid = 0;
    if (sig == SIGTERM && code != 0) { /* what a sanitizer said of it is there */
        print_tail(s->log);
    }
    return code;
}

void service_print_log(const struct service *s)
{
    print_tail(s->log);
}

int service_stop(struct service *s)
{
    return finish(s, SIGTERM);
}

void service_kill(struct service *s)
{
    (void)finish(s, SIGKILL);
}

bool service_alive(struct service *s)
{
    int status;

    if (s->pid != 0 && waitpid(s->pid, &status, WNOHANG) == s->pid) {
        (void)close(s->out_fd);
        s->pid = 0;
    }
    return s->pid != 0;
}

static char *read_all(FILE *f)
{
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    char *text = size >= 0 ? calloc(1, (size_t)size + 1) : NULL;

    rewind(f);
    if (text == NULL || fread(text, 1, (size_t)size, f) != (size_t)size) {
        die(NULL, "cannot read what the program printed");
    }
    return text;
}

int program_run(const char *database_url, const char *const *args, const char *input,
                char **out_text)
{
    const char *argv[ARGS_MAX + 1];
    const char *const head[] = {program(), NULL};
    char log[SERVICE_PATH_MAX];
    FILE *in = tmpfile();
    FILE *out = tmpfile();

    (void)snprintf(log, sizeof log, "%s/%s.log", folder_of_run(), args[0]);
    (void)add_args(argv, add_args(argv, 0, head), args);
    if (in == NULL || out == NULL || (input != NULL && fputs(input, in) < 0) || fflush(in) != 0) {
        die(NULL, "temporary files: %s", strerror(errno));
    }
    rewind(in);
    int code = await_exit(spawn(database_url, argv, fileno(in), fileno(out), log));
    if (out_text != NULL) {
        *out_text = read_all(out);
    }
    if (code != 0) {
        print_tail(log);
    }
    (void)fclose(in);
    (void)fclose(out);
    return code;
}

char *service_key(const char *database_url, const char *scopes)
{
    const char *const args[] = {"keys", "create", "--scopes", scopes, "--name", "test", NULL};
    char *text;
    int code = program_run(database_url, args, NULL, &text);
    char *key = strstr(text, "ck_");

    while (key != NULL && key[strcspn(key, ". \r\n")] != '.') {
        key = strstr(key + 1, "ck_"); /* a bare id, without its secret */
    }
    if (code != 0 || key == NULL) {
        die(NULL, "keys create ended with %d and printed \"%s\"", code, text);
    }
    key[strcspn(key, " \",\r\n")] = '\0';
    key = strdup(key);
    free(text);
    return key;
}
