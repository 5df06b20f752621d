/* What trainings of both kinds tell, and how many threads they get. */
#include "train/common/training.h"

#include "build_info.h"
#include "ml/linear/blas.h"
#include "ml/linear/parallel.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { SAY_MAX = 1024 };

void train_say(const struct training *t, const char *step, const char *fmt, ...)
{
    char text[SAY_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!t->options->json) {
        fprintf(t->options->out, "%-9s %s\n", step, text);
        return;
    }
    struct buf line = buf_make((size_t)4 * SAY_MAX);
    struct jenc j = jenc_begin(&line);
    jenc_object(&j, NULL);
    jenc_str(&j, "step", step);
    jenc_str(&j, "text", text);
    jenc_object_end(&j);
    fprintf(t->options->out, "%s\n", buf_text(&line));
    buf_free(&line);
}

void train_say_waits(const struct training *t, const char *step, const char *serving)
{
    train_say(t, step, "%s serves until there is enough to learn a model from",
              serving[0] != '\0' ? serving : "nothing");
}

void train_card_begin(const struct training *t, struct jenc *j, const char *kind,
                      const char *algorithm)
{
    jenc_object(j, NULL);
    jenc_str(j, "kind", kind);
    jenc_str(j, "algorithm", algorithm);
    jenc_time(j, "from", t->log.first_us);
    jenc_time(j, "as_of", t->log.last_us);
    jenc_i64(j, "events", t->log.events);
    jenc_i64(j, "shoppers", t->log.shoppers);
    jenc_i64(j, "bots_left_out", t->log.bots);
    /* What it takes to make the same bytes from the same log again. */
    jenc_i64(j, "seed", (int64_t)t->options->seed);
    jenc_str(j, "cartwright", CARTWRIGHT_VERSION);
    jenc_str(j, "git", CARTWRIGHT_GIT);
    jenc_str(j, "blas_core", blas_core()); /* other kernels round otherwise */
}

int train_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > PARALLEL_THREADS_MAX ? PARALLEL_THREADS_MAX : (int)cores;
}
