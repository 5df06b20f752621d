/* The program under test as a child process, found by CARTWRIGHT_BIN. It must not know the product
 * beyond its command line. What goes wrong with starting ends the program with the child's log. */
#ifndef SUPPORT_SERVICE_H
#define SUPPORT_SERVICE_H

#include <stdbool.h>
#include <sys/types.h>

enum { SERVICE_URL_MAX = 128, SERVICE_PATH_MAX = 256 };

/* A running `cartwright serve`. */
struct service {
    pid_t pid; /* 0: none */
    int port;
    int out_fd; /* its standard output, kept open for it */
    char url[SERVICE_URL_MAX];
    char log[SERVICE_PATH_MAX]; /* file of its standard error, in folder_of_run */
};

/* Starts `serve --listen 127.0.0.1:0` with the flags (NULL: none; ends with NULL) and waits for the
 * line that tells its address. It dies with this process. */
struct service service_start(const char *database_url, const char *const *flags);

/* SIGTERM, and waits. Returns the exit code, or 128 + signal. */
int service_stop(struct service *s);
/* SIGKILL, and waits. */
void service_kill(struct service *s);
/* False if it has ended by itself; it is then gone as after service_kill. */
bool service_alive(struct service *s);

/* The end of what it logged, on standard error: for a test that is about to fail. */
void service_print_log(const struct service *s);

/* Runs `cartwright ARGS` (args ends with NULL) to its end with the input on its standard input.
 * *out_text gets its standard output (free it; NULL: not wanted). Returns as service_stop. */
int program_run(const char *database_url, const char *const *args, const char *input,
                char **out_text);

/* An API key for the scopes ("ingest,outreach"); free it. */
char *service_key(const char *database_url, const char *scopes);

#endif
