#ifndef ML_LINEAR_PARALLEL_H
#define ML_LINEAR_PARALLEL_H

/* Work cut into parts whose number and borders do not depend on how many threads run them, so that
 * results are bit-identical on any number of threads. */

enum { PARALLEL_THREADS_MAX = 64 };

/* One part. `worker` is 0 .. threads-1 and no two parts run with the same worker at once: it
 * selects scratch. */
typedef void parallel_part(void *ctx, int part, int worker);

/* Calls run(ctx, part, worker) once for each part 0 .. parts-1, on at most `threads` threads, the
 * caller's being one of them, and returns when all are done. A thread that cannot be started only
 * costs time. The order of parts is not defined. */
void parallel_run(int threads, int parts, parallel_part *run, void *ctx);

#endif
