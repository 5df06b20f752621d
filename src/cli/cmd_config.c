/* cartwright config: the settings in effect, and where each came from. */
#include "base/buf.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

int cmd_config(int argc, char **argv, const struct config *config)
{
    static const char usage[] =
        "config [SETTINGS]\n\nPrints the settings in effect as a settings file, each with where it "
        "came from:\nflag, environment, file or default. Passwords are masked.";
    enum { OUTPUT_MAX = 256 * 1024 };

    if (argc > 1) {
        bool help = strcmp(argv[1], "--help") == 0;
        return cli_usage(argv[0], usage, help ? NULL : "it takes settings only");
    }
    struct buf out = buf_make(OUTPUT_MAX);
    config_print(config, &out);
    (void)fputs(buf_text(&out), stdout);
    buf_free(&out);
    return EXIT_DONE;
}
