/* No ratio against an OpenBLAS that runs kernels of long ago. */
#include "bench/blas_start.h"

#include "ml/linear/blas.h"

#include <stdio.h>
#include <stdlib.h>

enum { REFUSED = 3 };

void blas_start(const char *program)
{
    const struct cpu_features f = cpu_features();
    blas_init();
    (void)fprintf(stderr, "%s: OpenBLAS core %s\n", program, blas_core());
    if (!blas_core_is_fallback(blas_core(), &f)) {
        return;
    }
    const char *set = getenv("OPENBLAS_CORETYPE"); // NOLINT(concurrency-mt-unsafe): one thread
    (void)fprintf(
        stderr,
        "%s: refused: this processor has wider vectors than OpenBLAS's core %s uses, so that what is measured would be less than the "
        "machine's; %s\n",
        program, blas_core(),
        set && *set
            ? "unset OPENBLAS_CORETYPE (with OPENBLAS_L2_SIZE), or set it to a core that fits"
            : "install an OpenBLAS that has several cores (DYNAMIC_ARCH), or one built for this processor");
    (void)fprintf(stderr, "%s: the core that fits is %s\n", program, blas_core_for(&f));
    exit(REFUSED);
}
