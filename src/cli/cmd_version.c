/* cartwright version */
#include "cli/cli.h"
#include "ml/linear/blas.h"

#include "build_info.h"

#include <stdio.h>
#include <string.h>

int cmd_version(int argc, char **argv, const struct config *config)
{
    static const char usage[] = "version";

    (void)config;
    if (argc > 1) {
        bool help = strcmp(argv[1], "--help") == 0;
        return cli_usage("cartwright", argv[0], usage, help ? NULL : "it takes no arguments");
    }
    (void)printf("cartwright %s (%s), OpenBLAS core %s\n", CARTWRIGHT_VERSION, CARTWRIGHT_GIT,
                 blas_core());
    return EXIT_DONE;
}
