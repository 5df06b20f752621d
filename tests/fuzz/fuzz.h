#ifndef FUZZ_H
#define FUZZ_H

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property of the target: where it does not hold, the input is a finding. */
#define DEMAND(holds) ((holds) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #holds))

_Noreturn static inline void fuzz_broken(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

/* What a parser of foreign bytes may say: that they are wrong, in words. Never that we are. */
static inline void fuzz_refusal(const struct err *err)
{
    DEMAND(err->kind == ERR_INVALID || err->kind == ERR_REFUSED);
    DEMAND(err->text[0] != '\0');
    DEMAND(memchr(err->text, '\0', sizeof err->text) != NULL);
    DEMAND(memchr(err->path, '\0', sizeof err->path) != NULL);
}

/* The input as a C string in a block of its own; the caller frees it. What follows a NUL is not seen. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = mem_array(size + 1, 1);
    if (size > 0) {
        memcpy(text, data, size);
    }
    return text;
}

/* The bytes as a file in memory; its name under /proc goes to path. The caller closes it. */
static inline int fuzz_file(const void *bytes, size_t size, char path[static 40])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    DEMAND(fd >= 0);
    for (size_t at = 0; at < size;) {
        ssize_t wrote = write(fd, (const char *)bytes + at, size - at);
        DEMAND(wrote > 0);
        at += (size_t)wrote;
    }
    (void)snprintf(path, 40, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
