/* The settings file. What is taken lies within the bounds of its row in the table, and what is printed
 * reads back as the same settings (but for passwords, which are not printed). */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/config.h"
#include "base/config_kind.h"

enum { PRINTED_MAX = 1 << 18 };

static bool load(const void *bytes, size_t size, struct config *out)
{
    char path[40];
    char program[] = "fuzz";
    char flag[] = "--config";
    int fd = fuzz_file(bytes, size, path);
    char *argv[] = {program, flag, path, NULL};
    int argc = 3;
    struct err err = {0};
    bool loaded = config_load(out, &argc, argv, &err);

    (void)close(fd);
    if (!loaded) {
        fuzz_refusal(&err);
        DEMAND(err.path[0] != '\0');
    }
    return loaded;
}

static void check_setting(const struct setting *s, const char *at)
{
    int64_t whole = 0;
    double ratio = 0;

    switch (s->kind) {
    case KIND_text:
    case KIND_address:
        DEMAND((int64_t)strlen(at) >= s->min && (int64_t)strlen(at) <= s->max);
        break;
    case KIND_choice:
        DEMAND(at[0] != '\0');
        break;
    case KIND_integer:
    case KIND_duration:
        memcpy(&whole, at, sizeof whole);
        DEMAND(whole >= s->min && whole <= s->max);
        break;
    case KIND_ratio:
        memcpy(&ratio, at, sizeof ratio);
        DEMAND(ratio >= (double)s->min && ratio <= (double)s->max);
        break;
    case KIND_flag:
        DEMAND(*at == 0 || *at == 1);
        break;
    }
}

/* Name and value of every setting, without comments. */
static void values(const struct config *c, struct buf *out)
{
    for (int id = 0; id < CONFIG_COUNT; id++) {
        buf_printf(out, "%s=", settings[id].name);
        config_value_write(&settings[id], c, out);
        buf_add_char(out, '\n');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config first;
    static struct config second;
    CLEANUP(buf_free) struct buf printed = buf_make(PRINTED_MAX);
    CLEANUP(buf_free) struct buf before = buf_make(PRINTED_MAX);
    CLEANUP(buf_free) struct buf after = buf_make(PRINTED_MAX);

    if (!load(data, size, &first)) {
        return 0;
    }
    DEMAND(size == 0 || memchr(data, '\0', size) == NULL);
    for (int id = 0; id < CONFIG_COUNT; id++) {
        check_setting(&settings[id], (const char *)&first + settings[id].offset);
    }
    config_print(&first, &printed);
    DEMAND(buf_ok(&printed));
    values(&first, &before);
    if (strstr(buf_text(&before), "***") == NULL) {
        DEMAND(load(printed.data, printed.len, &second));
        values(&second, &after);
        DEMAND(strcmp(buf_text(&before), buf_text(&after)) == 0);
    }
    return 0;
}
