/* Model files on this machine: a copy of what the database holds, checked at every opening and fetched again if it is not whole. */
#include "live/live_cache.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_KEPT = 8 }; /* the last three of each kind, and two for a swap under way */

static bool make_dir(const char *path, struct err *err)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return FAIL(err, ERR_INTERNAL, "cannot make the directory %s: %s", path, err_words(errno));
    }
    return true;
}

bool live_cache_dir(const char *data_dir, char out[MODEL_PATH_BYTES], struct err *err)
{
    int len = snprintf(out, MODEL_PATH_BYTES, "%s/models", data_dir);
    if (len < 0 || len >= MODEL_PATH_BYTES) {
        return FAIL(err, ERR_INVALID, "data_dir is %d bytes too long for a model cache",
                    len - MODEL_PATH_BYTES + 1);
    }
    return make_dir(data_dir, err) && make_dir(out, err);
}

static bool open_checked(const char *path, const struct model_row *row, struct model_file *out,
                         struct err *err)
{
    struct model_file file = {0};
    if (!model_file_open(path, &file, err)) {
        return false;
    }
    /* model_file_open has found it whole by its own checksum; this asks whether it is the one of
     * the row. */
    if (memcmp(file.sha256, row->sha256, sizeof file.sha256) != 0) {
        model_file_close(&file);
        return FAIL(err, ERR_INVALID, "the cached file of %s has another checksum", row->version);
    }
    *out = file;
    return true;
}

/* The database's file, checked, and kept in the folder where that can be written. */
static bool fetch(const char *dir, struct db *db, const struct model_row *row,
                  struct model_file *out, struct err *unkept, struct err *err)
{
    CLEANUP(mem_free) void *bytes = NULL;
    size_t len = 0;
    uint8_t sha256[SHA256_BYTES];
    char path[MODEL_PATH_BYTES];
    if (!store_model_file(db, row->version, &bytes, &len, err)) {
        return false;
    }
    /* Before it is written: what lies under that name is never anything else. */
    hash_sha256(bytes, len, sha256);
    if (memcmp(sha256, row->sha256, sizeof sha256) != 0) {
        return FAIL(err, ERR_INVALID,
                    "the database's file of %s does not have the checksum of its row",
                    row->version);
    }
    /* A copy only saves the next start a download: a full or write-protected disk is no reason not to serve. */
    (void)!model_file_save(dir, bytes, len, path, unkept);
    return model_file_copy(bytes, len, out, err);
}

bool live_cache_open(const char *dir, struct db *db, const struct model_row *row,
                     struct model_file *out, struct err *unkept, struct err *err)
{
    char path[MODEL_PATH_BYTES];
    struct err broken = {0};
    if (!model_file_path(dir, row->sha256, path, err)) {
        return false;
    }
    /* A missing file is the usual case after a promotion and no error to tell; one that has been
     * trimmed meanwhile fails to open, and is fetched like it. */
    if (access(path, F_OK) == 0) {
        if (open_checked(path, row, out, &broken)) {
            /* The time of last use decides what trim removes. */
            (void)utimensat(AT_FDCWD, path, NULL, 0);
            return true;
        }
    }
    return fetch(dir, db, row, out, unkept, err);
}

/* ---- trimming ---- */

struct cached {
    char name[NAME_MAX + 1];
    struct timespec used;
};

static int newest_first(const void *a, const void *b)
{
    const struct cached *x = a;
    const struct cached *y = b;
    if (x->used.tv_sec != y->used.tv_sec) {
        return x->used.tv_sec < y->used.tv_sec ? 1 : -1;
    }
    return (x->used.tv_nsec < y->used.tv_nsec) - (x->used.tv_nsec > y->used.tv_nsec);
}

static struct cached *list(DIR *dir, size_t *out_count)
{
    struct cached *all = NULL;
    size_t count = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        struct stat st;
        if (strncmp(e->d_name, "model-", 6) == 0 &&
            fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            all = mem_grow(all, count + 1, sizeof *all);
            snprintf(all[count].name, sizeof all[count].name, "%s", e->d_name);
            all[count++].used = st.st_mtim;
        }
    }
    *out_count = count;
    return all;
}

void live_cache_trim(const char *path)
{
    CLEANUP(dir_close) DIR *dir = opendir(path);
    size_t count = 0;
    if (!dir) {
        return;
    }
    struct cached *all = list(dir, &count);
    if (!all) {
        return;
    }
    qsort(all, count, sizeof *all, newest_first);
    /* also what serves: a model is in memory (model_file_open), and its file only
     * saves a download */
    for (size_t i = FILES_KEPT; i < count; i++) {
        (void)unlinkat(dirfd(dir), all[i].name, 0);
    }
    free(all);
}
