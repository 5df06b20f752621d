#include "cli/private_watch.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>

#define LOOK_US SECONDS(1)

struct private_watch {
    struct pgserver *server;
    pthread_mutex_t lock; /* guards stopping; a leaf lock */
    pthread_cond_t wake;
    bool stopping;
    bool failing; /* told once an outage */
    pthread_t thread;
};

static bool wait_for_look(struct private_watch *w)
{
    const int64_t until_us = clock_monotonic_us() + LOOK_US;

    (void)pthread_mutex_lock(&w->lock);
    while (!w->stopping && cond_wait_until(&w->wake, &w->lock, until_us)) {
    }
    const bool stopping = w->stopping;
    (void)pthread_mutex_unlock(&w->lock);
    return !stopping;
}

static void look(struct private_watch *w)
{
    struct err err = {0};
    bool restarted;

    if (!pgserver_revive(w->server, &restarted, &err)) {
        /* its last processes may still hold the memory: another try in a second */
        if (!w->failing) {
            log_line(LOG_ERROR, "private_postgres", "has ended, and cannot be started: %s",
                     err.text);
        }
        w->failing = true;
    } else if (restarted) {
        log_line(LOG_WARN, "private_postgres", "had ended, and was started again");
        w->failing = false;
    }
}

static void *watch(void *arg)
{
    while (wait_for_look(arg)) {
        look(arg);
    }
    return NULL;
}

bool private_watch_start(struct pgserver *server, struct private_watch **out, struct err *err)
{
    if (server == NULL) {
        *out = NULL;
        return true;
    }
    struct private_watch *w = mem_alloc(sizeof *w);
    w->server = server;
    (void)pthread_mutex_init(&w->lock, NULL);
    cond_init(&w->wake);
    if (pthread_create(&w->thread, NULL, watch, w) != 0) {
        (void)pthread_cond_destroy(&w->wake);
        (void)pthread_mutex_destroy(&w->lock);
        mem_free(&w);
        return FAIL(err, ERR_BUSY, "cannot start the thread that looks after PostgreSQL");
    }
    *out = w;
    return true;
}

void private_watch_stop(struct private_watch **watch)
{
    struct private_watch *w = *watch;

    if (w == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&w->lock);
    w->stopping = true;
    (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    (void)pthread_cond_destroy(&w->wake);
    (void)pthread_mutex_destroy(&w->lock);
    mem_free(watch);
}
