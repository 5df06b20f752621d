/* What strangers send: each line of the input is decoded as an event, from outside and as a derived one,
 * and what the decoder takes is folded. The state must survive its own text after every step, and folding
 * the same events as a set must not disturb either. The raw input is also offered as a stored state. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "domain/shopper/shopper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MOST = 64 };
#define NOW_US INT64_C(1569902400000000)

struct fuzz {
    struct arena arena;
    struct event events[EVENTS_MOST];
    size_t count;
};

/* What a door stores of a no must be read back, and as one. */
static void check_the_mark(const char *line, size_t len, const struct event *e, struct arena *a)
{
    struct event back;
    struct err err = {0};

    if (e->opt_out && e->type == EVENT_CHAT_MESSAGE) {
        const char *marked = event_mark_opt_out(arena_strndup(a, line, len), a);
        if (!event_decode_text(marked, strlen(marked), ORIGIN_API, NOW_US, a, &back, &err) ||
            !back.opt_out) {
            abort();
        }
    }
}

static void decode_line(struct fuzz *f, const char *line, size_t len)
{
    static const enum event_origin origins[] = {ORIGIN_API, ORIGIN_DERIVED};

    for (size_t i = 0; i < 2 && f->count < EVENTS_MOST; i++) {
        struct err err = {0};
        bool taken =
            event_decode_text(line, len, origins[i], NOW_US, &f->arena, &f->events[f->count], &err);
        if (taken == (err.kind != ERR_NONE)) {
            abort();
        }
        if (taken && origins[i] == ORIGIN_API) {
            check_the_mark(line, len, &f->events[f->count], &f->arena);
        }
        f->count += taken;
    }
}

static void decode_lines(struct fuzz *f, const char *text, size_t size)
{
    const char *end = text + size;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline == NULL ? end : newline;
        decode_line(f, text, (size_t)(stop - text));
        text = newline == NULL ? end : newline + 1;
    }
}

static struct shopper *through_text(const struct shopper *s, struct arena *a)
{
    CLEANUP(buf_free) struct buf first = buf_make(1 << 22);
    CLEANUP(buf_free) struct buf second = buf_make(1 << 22);
    struct shopper *back = NULL;
    struct err err = {0};

    shopper_encode(s, &first);
    if (!buf_ok(&first) || !shopper_decode(buf_text(&first), first.len, a, &back, &err)) {
        (void)fprintf(stderr, "%s: %s\n", err.text, buf_text(&first));
        abort();
    }
    shopper_encode(back, &second);
    if (strcmp(buf_text(&first), buf_text(&second)) != 0) {
        (void)fprintf(stderr, "%s\n%s\n", buf_text(&first), buf_text(&second));
        abort();
    }
    return back;
}

static void fold_under(struct fuzz *f, const char *key)
{
    struct shopper *s = shopper_new(key, &f->arena);

    for (size_t i = 0; i < f->count; i++) {
        if (shopper_apply(s, &f->events[i], &f->arena) == SHOPPER_FOLDED) {
            s = through_text(s, &f->arena);
        }
    }
    (void)through_text(shopper_fold_all(NULL, key, f->events, f->count, INT64_MAX, &f->arena),
                       &f->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {.count = 0};
    struct err err = {0};
    struct shopper *stored;

    decode_lines(&f, (const char *)data, size);
    fold_under(&f, "c:anna");
    fold_under(&f, "a:x");
    if (shopper_decode((const char *)data, size, &f.arena, &stored, &err)) {
        CLEANUP(buf_free) struct buf text = buf_make(1 << 24);
        shopper_encode(shopper_copy(stored, &f.arena), &text);
    }
    arena_free(&f.arena);
    return 0;
}
