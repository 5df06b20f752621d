#ifndef BENCH_BLAS_START_H
#define BENCH_BLAS_START_H

/* Makes OpenBLAS ready as the program does (blas_init) and tells its core on stderr. A benchmark whose baseline is OpenBLAS, or that runs on it itself, calls this
 * first: on a core that leaves vectors of the processor unused the ratios would flatter us, so it ends the program with exit code 3, the reason and what to do. */
void blas_start(const char *program);

#endif
