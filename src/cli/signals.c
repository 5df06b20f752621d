/* Which signals end the program, and what they leave in order. */
#include "cli/signals.h"

#include "store/private/pgserver.h"

#include <pthread.h>

sigset_t cli_ending_signals(void)
{
    struct sigaction hangup;
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    /* nohup has it ignored, which a signal that is waited for is no more */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) {
        (void)sigaddset(&set, SIGHUP);
    }
    return set;
}

static void *end_main(void *arg)
{
    sigset_t set = cli_ending_signals();
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
    sigset_t set = cli_ending_signals();
    pthread_t thread;

    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&thread, NULL, end_main, NULL) == 0) {
        (void)pthread_detach(thread);
    } else {
        (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* then they end it at once */
    }
}
