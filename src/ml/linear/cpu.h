#ifndef ML_LINEAR_CPU_H
#define ML_LINEAR_CPU_H

#include <stdbool.h>

/* Which vector instructions the fast kernels may use. Each kernel exists in plain C and may exist for AVX2 and AVX-512 besides, in functions
 * marked with __attribute__((target(CPU_TARGET_...))); which one runs is chosen at run time, so that one binary serves every x86-64 machine, and
 * the plain one serves every other. Same kernel set, same bytes; between kernel sets floats may round differently, integers never. */
enum cpu_level {
    CPU_PORTABLE, /* what the compiler makes of plain C */
    CPU_AVX2,     /* AVX2, FMA, F16C */
    CPU_AVX512,   /* F, BW, DQ, VL and VNNI */
};

#if defined(__x86_64__)
#define CPU_HAS_X86       1
#define CPU_TARGET_AVX2   "avx2,fma,f16c,bmi,bmi2"
#define CPU_TARGET_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c,bmi,bmi2"
#else
#define CPU_HAS_X86 0
#endif

/* What the processor can do and the operating system saves at a switch (the compiler's runtime asks cpuid and xgetbv). All false elsewhere than on
 * x86-64. */
struct cpu_features {
    bool avx, fma, avx2, bmi, bmi2;
    bool avx512f, avx512cd, avx512bw, avx512dq, avx512vl, avx512vnni;
};
struct cpu_features cpu_features(void);

/* The best level that these features allow. */
enum cpu_level cpu_level_of(const struct cpu_features *f);

/* The best level of this machine, or the limit where that is lower. Safe from any thread. */
enum cpu_level cpu_level(void);

/* Keeps cpu_level at or below `level`: for tests and benchmarks that compare kernels. Returns the level before. */
enum cpu_level cpu_limit(enum cpu_level level);

const char *cpu_level_name(enum cpu_level level); /* "portable", "avx2", "avx512" */

#endif
