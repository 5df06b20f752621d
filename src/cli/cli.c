/* What all commands share: how they fail, and how they explain themselves. */
#include "cli/cli.h"

#include "store/private/pgserver.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

int cli_fail(const char *command, const struct err *err)
{
    (void)fprintf(stderr, "cartwright %s: %s%s%s\n", command, err->path,
                  err->path[0] != '\0' ? ": " : "", err->text);
    return err->kind == ERR_REFUSED ? EXIT_REFUSED : EXIT_FAILED;
}

int cli_usage(const char *program, const char *command, const char *usage, const char *problem)
{
    if (problem == NULL) { /* it was asked for */
        (void)printf("usage: %s %s\n", program, usage);
        return EXIT_DONE;
    }
    (void)fprintf(stderr, "%s %s: %s\nusage: %s %s\n", program, command, problem, program, usage);
    return EXIT_USAGE;
}

static sigset_t ending_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

static void *end_main(void *arg)
{
    sigset_t set = ending_signals();
    int got = 0;

    (void)arg;
    while (sigwait(&set, &got) != 0) {
    }
    pgserver_leave_all();
    /* and then as if nobody had waited: whoever started the program sees which signal ended it */
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    (void)raise(got);
    return NULL;
}

void cli_end_on_signals(void)
{
    sigset_t set = ending_signals();
    pthread_t thread;

    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&thread, NULL, end_main, NULL) == 0) {
        (void)pthread_detach(thread);
    } else {
        (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* then they end it at once */
    }
}
