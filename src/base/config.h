#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

/* Settings from ONE table (config_table.inc). kind is text, choice (one of some words), address ("HOST:PORT"), integer, duration (int64_t us), ratio (double) or flag (bool). "listen" is
 * set by --listen, CARTWRIGHT_LISTEN or `listen = ...` in the settings file (default
 * ./cartwright.conf when it exists, or --config FILE / CARTWRIGHT_CONFIG); flag beats environment
 * beats file beats default. database_url is also read from DATABASE_URL, database_prepared from
 * DATABASE_PREPARED. */
enum config_id {
#define SECTION(title)
#define CONFIG(member, kind, name, def, min, max, help, paragraph) CONFIG_ID_##member,
#include "base/config_table.inc"
#undef CONFIG
#undef SECTION
    CONFIG_COUNT
};

/* Where the effective value of a setting came from; a later one beats an earlier one. */
enum config_source { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENV, CONFIG_FLAG };

struct config {
// NOLINTBEGIN(bugprone-macro-parentheses): member names cannot stand in parentheses
#define CONFIG_text(member)     char member[512];
#define CONFIG_choice(member)   char member[512];
#define CONFIG_address(member)  char member[512];
#define CONFIG_integer(member)  int64_t member;
#define CONFIG_duration(member) int64_t member;
#define CONFIG_ratio(member)    double member;
#define CONFIG_flag(member)     _Bool member;
#define SECTION(title)
#define CONFIG(member, kind, name, def, min, max, help, paragraph) CONFIG_##kind(member)
#include "base/config_table.inc"
#undef CONFIG
#undef SECTION
#undef CONFIG_text
#undef CONFIG_choice
#undef CONFIG_address
#undef CONFIG_integer
#undef CONFIG_duration
#undef CONFIG_ratio
#undef CONFIG_flag
    // NOLINTEND(bugprone-macro-parentheses)
    unsigned char source[CONFIG_COUNT]; /* enum config_source by enum config_id */
};

/* Reads defaults, file, environment, then takes the settings flags out of argv ("--name value" or
 * "--name=value"; flags of kind flag take on|off|true|false, or nothing for on). Arguments that are
 * no setting stay in argv in order; *argc shrinks. Flags may be spelt with hyphens. "--" ends them.
 * An empty environment variable counts as not set. Fails with path = the setting's name; argv is
 * then in no useful state. */
CAN_FAIL bool config_load(struct config *out, int *argc, char **argv, struct err *err);

/* Tells of each variable of the environment that is no setting and is spelt nearly as one, and which is meant. Others are let be: Kubernetes sets
 * some for a service called cartwright. */
void config_misspelt(void (*tell)(const char *variable, const char *meant));

/* The setting that word, without dashes, was probably meant to be; NULL where nobody can say. */
const char *config_nearest(const char *word);

/* "name = value   # source: default|file|env|flag; help" lines; passwords in URLs are masked. */
void config_print(const struct config *config, struct buf *out);

/* The environment of a program that is to have these settings, whatever this one was called with: the variables of this process that are no
 * settings, and one for each setting that is not a default. In arena; ends with NULL. Passwords are not masked. */
char **config_environ(const struct config *config, struct arena *a);

/* One line a setting for --help: flag, what it takes, help and default. */
void config_usage(struct buf *out);

/* The reference of all settings as Markdown, a paragraph each: src/http/docs/settings.md. */
void config_reference(struct buf *out);

#endif
