/* Where settings come from and who wins: flag, environment, file, default. What a value may look
 * like is config_kind.c's business. */
#include "base/config.h"

#include "base/config_file.h"
#include "base/config_kind.h"
#include "base/spell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char default_file[] = "cartwright.conf";
enum { VALUE_MAX = 1024 };

static const char *const source_names[] = {"default", "file", "env", "flag"};

/* Names other programs use for the same thing; CARTWRIGHT_* beats them. */
static const struct {
    enum config_id id;
    const char *variable;
} aliases[] = {
    {CONFIG_ID_database_url, "DATABASE_URL"},
    {CONFIG_ID_database_prepared, "DATABASE_PREPARED"},
};

/* What the command line said, before anything is applied. */
struct flags {
    const char *value[CONFIG_COUNT]; /* NULL: not given; borrowed from argv */
    const char *config;              /* --config */
};

/* Reads text into setting id; a failure says, after the reason, where the text came from. */
CAN_FAIL static bool set(struct config *c, int id, const char *text, enum config_source source,
                         const char *where, struct err *err)
{
    if (!config_value_read(&settings[id], text, c, err)) {
        /* Four sources may have said it: whoever reads the refusal must learn which one to mend. */
        size_t len = strlen(err->text);
        (void)snprintf(err->text + len, sizeof err->text - len, " (%s)", where);
        return false;
    }
    c->source[id] = (unsigned char)source;
    return true;
}

/* Is the first len bytes of given this setting's name? Hyphens stand for underscores. */
static bool name_matches(const char *name, const char *given, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        /* a shorter name ends the loop with its NUL, so that name[len] is never behind it */
        if (name[i] != (given[i] == '-' ? '_' : given[i])) {
            return false;
        }
    }
    return name[len] == '\0';
}

static int find_setting(const char *given, size_t len)
{
    for (int id = 0; id < CONFIG_COUNT; id++) {
        if (name_matches(settings[id].name, given, len)) {
            return id;
        }
    }
    return -1;
}

/* Also what says it elsewhere: behind a flag it was meant for the flag, which refuses it, and would else be a word that the
 * command knows nothing of. */
static bool says_yes_or_no(const char *text)
{
    static const char *const near[] = {"on", "off",     "true",     "false",  "yes",     "no", "y",
                                       "n",  "enabled", "disabled", "enable", "disable", "0",  "1"};

    for (size_t i = 0; text != NULL && i < sizeof near / sizeof near[0]; i++) {
        if (strcasecmp(text, near[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Looks at argv[i]; *out_taken is how many arguments belong to a setting there, 0 if none. */
CAN_FAIL static bool take_flag(struct flags *flags, char **argv, int i, int *out_taken,
                               struct err *err)
{
    const char *name = argv[i] + 2;
    size_t len = strcspn(name, "=");
    const char *next = argv[i + 1]; /* NULL behind the last, as C promises for main's argv */
    bool is_config = len == strlen("config") && strncmp(name, "config", len) == 0;
    int id = is_config ? -1 : find_setting(name, len);
    const char *value;

    *out_taken = 0;
    if (!is_config && id < 0) {
        return true;
    }
    if (name[len] == '=') {
        value = name + len + 1;
        *out_taken = 1;
    } else if (id >= 0 && settings[id].kind == KIND_flag) {
        /* "--auth serve" means --auth=on and the word serve, which is not the flag's to take */
        bool told = says_yes_or_no(next);
        value = told ? next : "on";
        *out_taken = told ? 2 : 1;
    } else if (next == NULL || strncmp(next, "--", 2) == 0) {
        return FAIL_AT(err, ERR_INVALID, is_config ? "config" : settings[id].name,
                       "needs a value behind --%s", name);
    } else {
        value = next;
        *out_taken = 2;
    }
    *(is_config ? &flags->config : &flags->value[id]) = value;
    return true;
}

/* Takes the settings out of argv; what is left keeps its order. */
CAN_FAIL static bool take_flags(struct flags *flags, int *argc, char **argv, struct err *err)
{
    int kept = 0;
    int i = 0;

    while (i < *argc && strcmp(argv[i], "--") != 0) {
        int taken = 0;
        if (strncmp(argv[i], "--", 2) == 0 && !take_flag(flags, argv, i, &taken, err)) {
            return false;
        }
        if (taken == 0) {
            argv[kept++] = argv[i];
            taken = 1;
        }
        i += taken;
    }
    /* "--" stays: the reader of the command's own options must see it too (cli/options.c) */
    while (i < *argc) {
        argv[kept++] = argv[i++];
    }
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

struct file_context {
    struct config *config;
    const char *path;
};

CAN_FAIL static bool take_line(void *context, const char *name, const char *value, int line,
                               struct err *err)
{
    struct file_context *file = context;
    char where[160];
    int id = find_setting(name, strlen(name));

    (void)snprintf(where, sizeof where, "%.120s:%d", file->path, line);
    if (id < 0) {
        return FAIL_AT(err, ERR_INVALID, name, "is not a setting (%s)", where);
    }
    /* Of two lines one would win in silence. The source tells, because flags and environment are
     * applied after the file. */
    if (file->config->source[id] == CONFIG_FILE) {
        return FAIL_AT(err, ERR_INVALID, name, "is set twice (%s)", where);
    }
    return set(file->config, id, value, CONFIG_FILE, where, err);
}

/* Empty counts as unset: container files pass variables on as `NAME=${NAME:-}`. */
static const char *environment(const char *variable)
{
    const char *value =
        getenv(variable); // NOLINT(concurrency-mt-unsafe): read before the first thread

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static void name_of_variable(const char *name, char *out, size_t cap)
{
    (void)snprintf(out, cap, "CARTWRIGHT_%s", name);
    for (char *c = out; *c != '\0'; c++) {
        if (*c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
}

static void variable_of(const struct setting *s, char *out, size_t cap)
{
    name_of_variable(s->name, out, cap);
}

CAN_FAIL static bool take_variable(struct config *c, int id, const char *variable, struct err *err)
{
    const char *value = environment(variable);

    return value == NULL || set(c, id, value, CONFIG_ENV, variable, err);
}

CAN_FAIL static bool read_environment(struct config *c, struct err *err)
{
    /* first, so that the CARTWRIGHT_* below beat them: what is set later wins */
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (!take_variable(c, (int)aliases[i].id, aliases[i].variable, err)) {
            return false;
        }
    }
    for (int id = 0; id < CONFIG_COUNT; id++) {
        char variable[80];
        variable_of(&settings[id], variable, sizeof variable);
        if (!take_variable(c, id, variable, err)) {
            return false;
        }
    }
    return true;
}

CAN_FAIL static bool read_file(struct config *c, const char *flag, struct err *err)
{
    const char *path = flag != NULL ? flag : environment("CARTWRIGHT_CONFIG");
    struct file_context file = {.config = c, .path = path != NULL ? path : default_file};

    /* a file that was named must be there, the default one need not */
    return config_file_read(file.path, path != NULL, take_line, &file, err);
}

bool config_load(struct config *out, int *argc, char **argv, struct err *err)
{
    struct config c = {0};
    struct flags flags = {0};

    /* taken first, because --config says which file is read; applied last, as they beat all */
    if (!take_flags(&flags, argc, argv, err)) {
        return false;
    }
    for (int id = 0; id < CONFIG_COUNT; id++) {
        /* checked like any other value: a default outside its own bounds fails the first start */
        if (!set(&c, id, settings[id].def, CONFIG_DEFAULT, "its own default", err)) {
            return false;
        }
    }
    if (!read_file(&c, flags.config, err) || !read_environment(&c, err)) {
        return false;
    }
    for (int id = 0; id < CONFIG_COUNT; id++) {
        if (flags.value[id] != NULL &&
            !set(&c, id, flags.value[id], CONFIG_FLAG, "command line", err)) {
            return false;
        }
    }
    *out = c;
    return true;
}

void config_print(const struct config *config, struct buf *out)
{
    for (int id = 0; id < CONFIG_COUNT; id++) {
        size_t start = out->len;
        buf_printf(out, "%s = ", settings[id].name);
        config_value_write(&settings[id], config, out);
        int gap = 40 - (int)(out->len - start);
        buf_printf(out, "%*s# %s; %s\n", gap > 2 ? gap : 2, "", source_names[config->source[id]],
                   settings[id].help);
    }
}

static bool is_setting(const char *variable)
{
    bool is = strncmp(variable, "CARTWRIGHT_", strlen("CARTWRIGHT_")) == 0;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0] && !is; i++) {
        const size_t len = strlen(aliases[i].variable);
        is = strncmp(variable, aliases[i].variable, len) == 0 && variable[len] == '=';
    }
    return is;
}

static char *variable_with_value(const struct config *config, int id, struct arena *a)
{
    const struct setting *s = &settings[id];
    char variable[80];
    struct buf value = buf_make(VALUE_MAX);
    variable_of(s, variable, sizeof variable);
    if (s->kind == KIND_text || s->kind == KIND_choice || s->kind == KIND_address) {
        /* as it is: config_value_write masks passwords */
        buf_add_str(&value, (const char *)config + s->offset);
    } else {
        config_value_write(s, config, &value);
    }
    char *out = arena_printf(a, "%s=%s", variable, buf_text(&value));
    buf_free(&value);
    return out;
}

char **config_environ(const struct config *config, struct arena *a)
{
    size_t count = 0;
    size_t kept = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **out = arena_array(a, count + CONFIG_COUNT + 2, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        if (!is_setting(environ[i])) {
            out[kept++] = environ[i];
        }
    }
    for (int id = 0; id < CONFIG_COUNT; id++) {
        /* A default stays one: of some settings it means something else than the same value that was chosen. */
        if (config->source[id] != CONFIG_DEFAULT) {
            out[kept++] = variable_with_value(config, id, a);
        }
    }
    /* what a file says is among them */
    out[kept] = arena_strdup(a, "CARTWRIGHT_CONFIG=/dev/null");
    return out;
}

/* The name behind CARTWRIGHT_ of a variable "NAME=value", copied; false where it has none, or one of another program's length. */
static bool name_behind_prefix(const char *variable, char out[80])
{
    const size_t prefix = strlen("CARTWRIGHT_");
    if (strncmp(variable, "CARTWRIGHT_", prefix) != 0) {
        return false;
    }
    const size_t len = strcspn(variable + prefix, "=");
    (void)snprintf(out, 80, "%.*s", (int)(len < 79 ? len : 79), variable + prefix);
    return len > 0 && len < 80;
}

/* names has room for CONFIG_COUNT + 1. */
static void name_all(const char **names)
{
    for (int id = 0; id < CONFIG_COUNT; id++) {
        names[id] = settings[id].name;
    }
    names[CONFIG_COUNT] = "config"; /* names the file */
}

const char *config_nearest(const char *word)
{
    const char *names[CONFIG_COUNT + 1];

    name_all(names);
    return spell_nearest(word, names, CONFIG_COUNT + 1);
}

void config_misspelt(void (*tell)(const char *variable, const char *meant))
{
    for (char **variable = environ; *variable != NULL; variable++) {
        char name[80];
        char meant[80];
        const char *nearest = name_behind_prefix(*variable, name) ? config_nearest(name) : NULL;
        /* the setting itself is as near as can be */
        if (nearest != NULL && strcasecmp(nearest, name) != 0) {
            name_of_variable(nearest, meant, sizeof meant);
            tell(name, meant);
        }
    }
}

void config_usage(struct buf *out)
{
    for (int id = 0; id < CONFIG_COUNT; id++) {
        const struct setting *s = &settings[id];
        char flag[64];
        (void)snprintf(flag, sizeof flag, "--%s %s", s->name, config_kind_word(s->kind));
        for (char *c = strchr(flag, '_'); c != NULL; c = strchr(c, '_')) {
            *c = '-';
        }
        buf_printf(out, "  %-34s %s", flag, s->help);
        buf_printf(out, s->def[0] != '\0' ? " (default %s)\n" : "\n", s->def);
    }
}
