/* cartwright config: the settings in effect, and where each came from. */
#include "base/buf.h"
#include "cli/cli.h"
#include "cli/options.h"

#include <stdio.h>

int cmd_config(int argc, char **argv, const struct config *config)
{
    static const char usage[] =
        "config [--reference] [SETTINGS]\n\nPrints the settings in effect as a settings file, each with where it "
        "came from:\nflag, environment, file or default. Passwords are masked.\n\n"
        "--reference  prints what every setting is for instead, as Markdown";
    enum { OUTPUT_MAX = 256 * 1024 };
    bool reference = false;
    const struct option_row rows[] = {{.name = "reference", .flag = &reference}, {0}};
    struct call call = {.command = "config", .usage = usage};

    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    if (call.word_count != 0) {
        return call_misuse(&call, "it takes settings only");
    }
    struct buf out = buf_make(OUTPUT_MAX);
    if (reference) {
        config_reference(&out);
    } else {
        config_print(config, &out);
    }
    (void)fputs(buf_text(&out), stdout);
    buf_free(&out);
    return EXIT_DONE;
}
