/* What reading one event costs, from its text to struct event: in one pass, as intake, fold, import and training do it, and
 * by jansson's tree. Events of real files' shapes (tests/golden/import), and made ones. One thread, CPU time, the two in
 * turn, the median of REPEATS; prints one JSON line a case. Run in the folder of the repository. */
#include "base/buf.h"
#include "cli/options.h"
#include "support/event_twice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPEATS = 9, DECODES = 20000, EVENTS_MAX = 64, LINE_MAX_BYTES = 1 << 16 };
#define NOW_US INT64_C(1893456000000000) /* 2030: no event of a file is ahead of it */

struct sample {
    const char *name;
    const char *texts[EVENTS_MAX];
    size_t count;
    bool taken; /* by the decoder; else all its faults are told */
};

static struct arena kept;

static void add(struct sample *s, const char *text, size_t len)
{
    if (s->count < EVENTS_MAX) {
        s->texts[s->count++] = arena_strndup(&kept, text, len);
    }
}

/* ---- events of files ---- */

/* The lines "event N: {...}" of what an import made of a file. */
static void add_file(struct sample *s, const char *path)
{
    char line[LINE_MAX_BYTES];
    FILE *f = fopen(path, "r");

    if (f == NULL) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, f) != NULL) {
        const char *event = strchr(line, '{');
        if (strncmp(line, "event ", 6) == 0 && event != NULL) {
            add(s, event, strcspn(event, "\n"));
        }
    }
    (void)fclose(f);
}

/* ---- made ones ---- */

static void add_visit(struct sample *s)
{
    static const char text[] =
        "{\"event_id\":\"0b6f0f4e-7f0a-4f4e-9d52-3f0d3a1c%04d\",\"type\":\"%s\","
        "\"customer_id\":\"customer-%d\",\"session_id\":\"s-1\",\"occurred_at\":"
        "\"2019-10-01T04:00:%02dZ\",\"context\":{\"locale\":\"de-DE\",\"device\":\"phone\"},"
        "\"properties\":{\"page\":\"/help/returns\"},\"items\":[{\"product_id\":\"sku-%d\","
        "\"quantity\":1,\"price_minor\":4999,\"currency\":\"EUR\"}]}";
    static const char *const types[] = {"product_viewed", "cart_item_added", "page_viewed",
                                        "searched"};

    for (int i = 0; i < 32; i++) {
        const char *event = arena_printf(&kept, text, i, types[i % 4], i % 7, i, i % 9);
        add(s, event, strlen(event));
    }
}

/* As PostgreSQL gives jsonb back: a blank behind each colon and comma, short names first. */
static void add_stored(struct sample *s)
{
    static const char text[] =
        "{\"type\": \"%s\", \"items\": [{\"currency\": \"USD\", \"product_id\": \"10%02d\", "
        "\"price_minor\": 46900}], \"event_id\": "
        "\"b745a53b0974378dcab4285103ebacbf97967d16519d2cc66f60cfb909a2f8%02d\", \"session_id\": "
        "\"aaaa-%d\", \"customer_id\": \"51\", \"occurred_at\": \"2019-10-01T00:00:%02dZ\"}";

    for (int i = 0; i < 32; i++) {
        const char *event = arena_printf(
            &kept, text, i % 5 == 0 ? "cart_item_added" : "product_viewed", i, i, i, i);
        add(s, event, strlen(event));
    }
}

static void add_order(struct sample *s, int items)
{
    for (int i = 0; i < 8; i++) {
        struct buf out = buf_make(LINE_MAX_BYTES);
        buf_printf(&out,
                   "{\"event_id\":\"order-%d\",\"type\":\"purchase\",\"customer_id\":\"c-%d\","
                   "\"order_id\":\"48%03d\",\"occurred_at\":\"2019-10-01T04:00:00Z\","
                   "\"properties\":{\"total_minor\":%d},\"items\":[",
                   i, i, i, 4999 * items);
        for (int k = 0; k < items; k++) {
            buf_printf(&out,
                       "%s{\"product_id\":\"sku-%d\",\"quantity\":%d,\"price_minor\":4999,"
                       "\"currency\":\"EUR\"}",
                       k == 0 ? "" : ",", 100 * i + k, 1 + k % 3);
        }
        buf_add_str(&out, "]}");
        add(s, out.data, out.len);
        buf_free(&out);
    }
}

static void add_foreign(struct sample *s)
{
    static const char text[] =
        "{\"messageId\":\"m-%d\",\"event\":\"Product Added\",\"userId\":\"ada\",\"timestamp\":"
        "\"2019-10-01T04:00:00Z\",\"products\":[{\"sku\":\"p\",\"qty\":1,\"price\":9.99}]}";

    for (int i = 0; i < 8; i++) {
        const char *event = arena_printf(&kept, text, i);
        add(s, event, strlen(event));
    }
}

/* ---- measuring ---- */

static double cpu_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static const struct event_road road = {.origin = ORIGIN_IMPORT, .sent.received_us = NOW_US};

static bool decode_once(const char *text, size_t len, bool by_tree, struct arena *a)
{
    struct err_more more;
    struct err err = {.more = &more};
    struct event event;

    more.count = 0;
    return by_tree ? event_decode_plain(text, len, &road, a, &event, &err)
                   : event_decode_text(text, len, road.origin, NOW_US, a, &event, &err);
}

/* Microseconds an event. */
static double run(const struct sample *s, bool by_tree, struct arena *a)
{
    size_t lens[EVENTS_MAX];
    size_t wrong = 0;

    for (size_t i = 0; i < s->count; i++) {
        lens[i] = strlen(s->texts[i]);
    }
    double from = cpu_us();
    for (size_t i = 0; i < DECODES; i++) {
        size_t at = i % s->count;
        wrong += decode_once(s->texts[at], lens[at], by_tree, a) != s->taken;
        arena_reset(a);
    }
    double us = (cpu_us() - from) / DECODES;
    if (wrong > 0) {
        (void)fprintf(stderr, "bench_decode: %s: %zu events came out otherwise\n", s->name, wrong);
        exit(1);
    }
    return us;
}

static int by_size(const void *x, const void *y)
{
    const double *a = x;
    const double *b = y;

    return *a < *b ? -1 : *a > *b;
}

static double median(double figures[REPEATS])
{
    qsort(figures, REPEATS, sizeof *figures, by_size);
    return figures[REPEATS / 2];
}

static void measure(const struct sample *s)
{
    double pass[REPEATS];
    double tree[REPEATS];
    struct arena a = {0};
    size_t bytes = 0;

    for (size_t i = 0; i < s->count; i++) {
        bytes += strlen(s->texts[i]);
    }
    for (int i = 0; i < REPEATS; i++) {
        pass[i] = run(s, false, &a);
        tree[i] = run(s, true, &a);
    }
    double pass_us = median(pass);
    double tree_us = median(tree);
    printf(
        "{\"bench\":\"decode\",\"case\":\"%s\",\"events\":%zu,\"bytes_an_event\":%zu,\"repeats\":%d,"
        "\"one_pass_us\":%.2f,\"jansson_us\":%.2f,\"ratio\":%.1f}\n",
        s->name, s->count, bytes / s->count, REPEATS, pass_us, tree_us, tree_us / pass_us);
    arena_free(&a);
}

int main(int argc, char **argv)
{
    static struct sample retailrocket = {.name = "retailrocket, as imported", .taken = true};
    static struct sample rees46 = {.name = "rees46, as imported", .taken = true};
    static struct sample stored = {.name = "rees46, as the log gives it back", .taken = true};
    static struct sample visit = {.name = "a visit, with context and properties", .taken = true};
    static struct sample five = {.name = "an order of 5 items", .taken = true};
    static struct sample invoice = {.name = "an order of 60 items", .taken = true};
    static struct sample foreign = {.name = "another tracker's names, refused with hints"};
    struct call call = {.program = "./dev bench", .command = "decode", .usage = "decode"};

    if (!call_read(&call, argc, argv, &(struct option_row){0})) {
        return call.exit_code;
    }
    add_file(&retailrocket, "tests/golden/import/retailrocket_ms.csv.expected");
    add_file(&retailrocket, "tests/golden/import/retailrocket_s.csv.expected");
    add_file(&rees46, "tests/golden/import/rees46.csv.expected");
    add_file(&rees46, "tests/golden/import/rees46_excel.csv.expected");
    add_stored(&stored);
    add_visit(&visit);
    add_order(&five, 5);
    add_order(&invoice, 60);
    add_foreign(&foreign);
    measure(&retailrocket);
    measure(&rees46);
    measure(&stored);
    measure(&visit);
    measure(&five);
    measure(&invoice);
    measure(&foreign);
    arena_free(&kept);
    return 0;
}
