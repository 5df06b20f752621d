/* Simulated lives into files. What happens in them is sim_life.c's business. */
#include "sim/sim_offline.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/jenc.h"
#include "sim/sim_post.h"

#include <inttypes.h>

enum { LINE_MAX_BYTES = 1 << 16 };

struct writer {
    const struct sim_offline *s;
    struct buf line;
    struct sim_offline_counts counts;
};

static void write_event(void *ctx, const struct sim_event *e)
{
    struct writer *w = ctx;
    struct jenc j = jenc_begin(&w->line);

    buf_reset(&w->line);
    /* the seed as the run: a world has the same event ids again, and imports add nothing */
    sim_event_write(&j, w->s->world, e, (int64_t)w->s->world->seed);
    (void)fprintf(w->s->events, "%s\n", buf_text(&w->line));
    w->counts.events++;
}

static void write_moment(void *ctx, const struct life_moment *m)
{
    struct writer *w = ctx;
    const struct sim_shopper *s = &w->s->world->shoppers[m->shopper];

    w->counts.moments++;
    if (w->s->truth == NULL) {
        return;
    }
    /* the key of the shopper in the log, by which the truth is joined with what a model said */
    (void)fprintf(w->s->truth,
                  "{\"key\":\"%s:%s\",\"at_us\":%" PRId64 ",\"idle_us\":%" PRId64
                  ",\"seen\":%.6f,\"full\":%.6f,\"lost\":%s}\n",
                  s->known ? "c" : "a", s->id, m->at_us, m->idle_us, m->seen, m->full,
                  !m->known ? "null"
                  : m->lost ? "true"
                            : "false");
}

bool sim_offline_write(const struct sim_offline *s, struct sim_offline_counts *out, struct err *err)
{
    struct writer w = {.s = s, .line = buf_make(LINE_MAX_BYTES)};
    const struct life_sink sink = {&w, write_event, write_moment};

    for (int i = 0; i < s->world->shopper_count; i++) {
        w.counts.carts += sim_life(s->world, i, &s->life, &sink);
    }
    buf_free(&w.line);
    /* for all the writes above: a stream remembers that one of them failed (a full disk) */
    if (fflush(s->events) != 0 || ferror(s->events) ||
        (s->truth != NULL && (fflush(s->truth) != 0 || ferror(s->truth)))) {
        return FAIL(err, ERR_INTERNAL, "the simulated events could not be written");
    }
    *out = w.counts;
    return true;
}
