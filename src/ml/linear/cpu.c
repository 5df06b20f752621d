/* What this processor can do, asked once. Kernels live beside what they compute, not here. */
#include "ml/linear/cpu.h"

#include <assert.h>
#include <stdatomic.h>

struct cpu_features cpu_features(void)
{
    struct cpu_features f = {0};
#if CPU_HAS_X86
    /* needed where this runs before constructors have; harmless otherwise */
    __builtin_cpu_init();
    f.avx = __builtin_cpu_supports("avx");
    f.fma = __builtin_cpu_supports("fma");
    f.avx2 = __builtin_cpu_supports("avx2");
    f.bmi = __builtin_cpu_supports("bmi");
    f.bmi2 = __builtin_cpu_supports("bmi2");
    f.avx512f = __builtin_cpu_supports("avx512f");
    f.avx512cd = __builtin_cpu_supports("avx512cd");
    f.avx512bw = __builtin_cpu_supports("avx512bw");
    f.avx512dq = __builtin_cpu_supports("avx512dq");
    f.avx512vl = __builtin_cpu_supports("avx512vl");
    f.avx512vnni = __builtin_cpu_supports("avx512vnni");
#endif
    return f;
}

enum cpu_level cpu_level_of(const struct cpu_features *f)
{
    /* What the kernels of CPU_TARGET_AVX2 may contain. F16C is not asked: it came before AVX2. */
    if (!f->avx2 || !f->fma || !f->bmi2) {
        return CPU_PORTABLE;
    }
    const bool wide = f->avx512f && f->avx512bw && f->avx512dq && f->avx512vl && f->avx512vnni;
    return wide ? CPU_AVX512 : CPU_AVX2;
}

static atomic_int limit = CPU_AVX512;

enum cpu_level cpu_level(void)
{
    static atomic_int detected = -1;
    int best = atomic_load_explicit(&detected, memory_order_relaxed);
    /* Two threads may both find out, and find the same: no lock, and the
     * order of memory does not matter. */
    if (best < 0) {
        const struct cpu_features f = cpu_features();
        best = (int)cpu_level_of(&f);
        atomic_store_explicit(&detected, best, memory_order_relaxed);
    }
    int most = atomic_load_explicit(&limit, memory_order_relaxed);
    return (enum cpu_level)(best < most ? best : most);
}

enum cpu_level cpu_limit(enum cpu_level level)
{
    assert(level >= CPU_PORTABLE && level <= CPU_AVX512);
    return (enum cpu_level)atomic_exchange_explicit(&limit, (int)level, memory_order_relaxed);
}

const char *cpu_level_name(enum cpu_level level)
{
    static const char *const names[] = {"portable", "avx2", "avx512"};
    assert(level >= CPU_PORTABLE && level <= CPU_AVX512);
    return names[level];
}
