#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* The options of a command: a table whose rows end with one without a name. Exactly one of the targets of a row is set; a
 * row's option may come as "--name VALUE" and "--name=VALUE", anywhere among the words, until "--". The last one counts. */
struct option_row {
    const char *name;     /* without the dashes */
    bool *flag;           /* takes no value */
    const char **text;    /* the value as it is, borrowed from argv */
    const char **text_2;  /* beside text: takes a second value */
    int64_t *whole;       /* a whole number in min..max */
    int64_t min, max;     /* also of duration, in us; max 0: no bound */
    int64_t *time_us;     /* RFC 3339 */
    int64_t *duration_us; /* "90d", "12h" */
    bool *given;          /* with any of them: whether the option came; may be NULL */
};

/* The row of --horizon of the risk: how far its curve reaches (domain/risk/risk.h). */
#define OPTION_HORIZON(us)                                                                         \
    {                                                                                              \
        .name = "horizon", .duration_us = (us), .min = 1, .max = RISK_AHEAD_END_US                 \
    }

/* What a command is called with. */
struct call {
    const char *program; /* NULL: cartwright; benchmarks are called by another name */
    const char *command; /* "keys" */
    const char *usage;   /* begins with the command's name */
    int word_count;      /* what is left without the options */
    char **words;
    int exit_code; /* of a call that ends here */
};

/* Reads the options of the rows, and --help. argv[0] is the command; its order changes: the words come first. False: the
 * command ends with call->exit_code, and help, or what is wrong, was printed. */
bool call_read(struct call *call, int argc, char **argv, const struct option_row *rows);

/* For commands that take no words. False: one was given, which was said; the command ends with call->exit_code. */
bool call_wordless(struct call *call);

/* Commands of several verbs ("keys list"): a table whose rows end with one without a name. */
struct config;
struct db;
struct err;
struct verb_row {
    const char *name;
    int words; /* that follow it, exactly */
    const char *
        takes; /* said where the words or the options are others: "revoke takes the id of one key" */
    bool (*fits)(const void *options, char *const *words); /* NULL: any options do */
    bool (*run)(const void *options, struct db *db, char *const *words, struct err *err);
};
/* Finds the verb that call->words begins with, connects to the database and runs it; returns the exit code. ERR_INVALID of
 * a verb is a mistake of the call. */
int call_verb(const struct call *call, const struct config *config, const struct verb_row *verbs,
              const void *options);

/* For what is wrong with the call beyond single options: prints it with the usage, returns the exit code. */
int call_misuse(const struct call *call, const char *problem);

#endif
