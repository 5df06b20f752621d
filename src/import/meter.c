/* Draws progress. It must not change what is done. */
#include "import/meter.h"

#include "base/clock.h"

#include <inttypes.h>
#include <unistd.h>

enum { BAR_WIDTH = 30 };

struct meter meter_begin(FILE *out, bool wanted, const char *what)
{
    /* In a log file the redrawing would be thousands of lines. */
    bool seen = wanted && isatty(fileno(out));
    return (struct meter){.out = seen ? out : NULL, .what = what, .begun_us = clock_monotonic_us()};
}

static void draw_bar(FILE *out, int64_t done, int64_t total)
{
    int filled = total > 0 ? (int)(done * BAR_WIDTH / total) : BAR_WIDTH;
    char bar[BAR_WIDTH + 1] = "";
    for (int i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i < filled ? '#' : '.';
    }
    (void)fprintf(out, " [%s] %3" PRId64 "%%", bar, total > 0 ? done * 100 / total : 100);
}

void meter_show(struct meter *m, int64_t done, int64_t total, int64_t things, const char *unit)
{
    /* Asked for at every line: a look at the clock is all that one may cost. */
    int64_t now_us = clock_monotonic_us();
    if (m->out == NULL || now_us - m->drawn_us < SECONDS(1) / 10) {
        return;
    }
    m->drawn_us = now_us;
    (void)fprintf(m->out, "\r%s", m->what);
    if (total >= 0) {
        /* a file that grows while it is read is more than whole */
        draw_bar(m->out, done < total ? done : total, total);
    }
    int64_t us = now_us - m->begun_us;
    (void)fprintf(m->out, " %" PRId64 " %s, %.0f/s\033[K", things, unit,
                  us > 0 ? (double)things * 1e6 / (double)us : 0.0);
    (void)fflush(m->out);
}

void meter_hide(struct meter *m)
{
    /* Where nothing was drawn, clearing would take away a line that is not ours. */
    if (m->out != NULL && m->drawn_us != 0) {
        (void)fputs("\r\033[K", m->out);
        (void)fflush(m->out);
        m->drawn_us = 0;
    }
}
