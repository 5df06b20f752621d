/* The settings table as a page for people: src/http/docs/settings.md is what this writes. */
#include "base/config_kind.h"

#include <ctype.h>

/* The table in its order, with its headings between. */
static const struct entry {
    const char *section; /* NULL: a setting */
    const char *paragraph;
    enum config_id id;
} entries[] = {
#define SECTION(title) {title, NULL, CONFIG_COUNT},
#define CONFIG(member, kind, name, def, min, max, help, paragraph)                                 \
    {NULL, paragraph, CONFIG_ID_##member},
#include "base/config_table.inc"
#undef CONFIG
#undef SECTION
};

static char upper(char c)
{
    return (char)(toupper)((unsigned char)c); /* the function: the macro is a page of code */
}

/* The same name as a flag and in the environment. */
static void write_names(const struct setting *s, struct buf *out)
{
    buf_add_str(out, "`--");
    for (const char *c = s->name; *c != '\0'; c++) {
        const char flag = '-';
        buf_add(out, *c == '_' ? &flag : c, 1);
    }
    buf_printf(out, " %s`, `CARTWRIGHT_", config_kind_word(s->kind));
    for (const char *c = s->name; *c != '\0'; c++) {
        buf_add_char(out, upper(*c));
    }
    buf_add_str(out, "`");
}

static void write_setting(const struct setting *s, const char *paragraph, struct buf *out)
{
    buf_printf(out, "### %s\n\n", s->name);
    write_names(s, out);
    buf_add_str(out, "; ");
    config_bounds_write(s, out);
    if (s->def[0] != '\0') {
        buf_printf(out, "; default `%s`\n\n", s->def);
    } else {
        buf_add_str(out, "; not set by default\n\n");
    }
    buf_printf(out, "%c%s. %s\n\n", upper(s->help[0]), s->help + 1, paragraph);
}

void config_reference(struct buf *out)
{
    buf_printf(
        out,
        "# Settings\n\n"
        "Each is a flag of every command, a variable of the environment, or a line `name = value` of the settings file "
        "(./cartwright.conf,\nor the one that --config or CARTWRIGHT_CONFIG names): a flag beats the environment, which beats the "
        "file. `cartwright config` prints what\nis in effect and where it came from. Durations are written as 250us, 500ms, 30s, "
        "30m, 24h or 7d. The file is\na regular file (or /dev/null) in UTF-8, of at most 1 MiB.\n\n");
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (entries[i].section != NULL) {
            buf_printf(out, "## %s\n\n", entries[i].section);
        } else {
            write_setting(&settings[entries[i].id], entries[i].paragraph, out);
        }
    }
}
