/* The time zones of this machine. Must not be asked for a path: only for names it has found. */
#include "base/locale/zones.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NAME_MAX_BYTES = 100, PATH_MAX_BYTES = 400, DEPTH_MAX = 3, VERSION_MAX = 32 };

struct zone {
    char *name;
    struct tzif *rules;
};

struct zones {
    struct zone *all;
    size_t count, capacity;
    char version[VERSION_MAX];
};

static struct {
    pthread_once_t once;
    struct zones *zones;
    struct err err;
} machine = {.once = PTHREAD_ONCE_INIT};

/* What is no zone of its own, or another's copy. */
static bool passed_over(const char *name)
{
    static const char *const others[] = {"posix", "right", "localtime", "posixrules", "Factory"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(name, others[i]) == 0) {
            return true;
        }
    }
    return name[0] == '.';
}

static void keep(struct zones *z, const char *name, struct tzif *rules)
{
    if (z->count == z->capacity) {
        z->capacity = z->capacity == 0 ? 1024 : 2 * z->capacity;
        z->all = mem_grow(z->all, z->capacity, sizeof *z->all);
    }
    z->all[z->count++] = (struct zone){mem_strdup(name), rules};
}

/* Tables and licences lie among the zones; only what calls itself TZif is read. */
static bool take_file(struct zones *z, const char *path, const char *name, struct err *err)
{
    uint8_t bytes[TZIF_BYTES_MAX + 1];
    struct tzif *rules = NULL;
    CLEANUP(file_close) FILE *file = fopen(path, "rbe");

    if (file == NULL) {
        return FAIL_AT(err, ERR_INVALID, name, "cannot be opened: %s", err_words(errno));
    }
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    if (size < 4 || memcmp(bytes, "TZif", 4) != 0) {
        return true;
    }
    err_at(err, name);
    if (!tzif_read(bytes, size, &rules, err)) {
        return false;
    }
    err_at(err, "");
    keep(z, name, rules);
    return true;
}

static bool take_folder(struct zones *z, const char *folder, const char *prefix, int depth,
                        struct err *err);

/* Anything in a folder; prefix is its own name with a slash, or "". */
static bool take(struct zones *z, const char *folder, const char *prefix, const char *entry,
                 int depth, struct err *err)
{
    char path[PATH_MAX_BYTES];
    char name[NAME_MAX_BYTES];
    char below[NAME_MAX_BYTES + 1];
    struct stat s;

    if (snprintf(path, sizeof path, "%s/%s", folder, entry) >= (int)sizeof path ||
        snprintf(name, sizeof name, "%s%s", prefix, entry) >= (int)sizeof name) {
        return FAIL_AT(err, ERR_INVALID, folder, "has a name that is too long");
    }
    if (stat(path, &s) != 0) {
        return true; /* a link to nowhere */
    }
    if (!S_ISDIR(s.st_mode)) {
        return !S_ISREG(s.st_mode) || take_file(z, path, name, err);
    }
    (void)snprintf(below, sizeof below, "%s/", name);
    return depth >= DEPTH_MAX || take_folder(z, path, below, depth + 1, err);
}

static bool take_folder(struct zones *z, const char *folder, const char *prefix, int depth,
                        struct err *err)
{
    CLEANUP(dir_close) DIR *dir = opendir(folder);

    if (dir == NULL) {
        return FAIL_AT(err, ERR_INVALID, folder,
                       "cannot be read (%s): time zones come from the package tzdata",
                       err_words(errno));
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (!passed_over(e->d_name) && !take(z, folder, prefix, e->d_name, depth, err)) {
            return false;
        }
    }
    return true;
}

/* The first line of tzdata.zi is "# version 2025b". */
static void take_version(struct zones *z, const char *folder)
{
    char path[PATH_MAX_BYTES];

    (void)snprintf(z->version, sizeof z->version, "unknown");
    (void)snprintf(path, sizeof path, "%s/tzdata.zi", folder);
    CLEANUP(file_close) FILE *file = fopen(path, "re");
    char text[VERSION_MAX];
    if (file != NULL && fscanf(file, "# version %31s", text) == 1) {
        (void)snprintf(z->version, sizeof z->version, "%s", text);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct zone *x = a;
    const struct zone *y = b;
    return strcmp(x->name, y->name);
}

bool zones_load(const char *folder, struct zones **out, struct err *err)
{
    CLEANUP(zones_free) struct zones *z = mem_alloc(sizeof *z);

    if (!take_folder(z, folder, "", 1, err)) {
        return false;
    }
    if (z->count == 0) {
        return FAIL_AT(err, ERR_INVALID, folder,
                       "has no time zones: they come from the package tzdata");
    }
    qsort(z->all, z->count, sizeof *z->all, by_name);
    take_version(z, folder);
    *out = z;
    z = NULL;
    return true;
}

void zones_free(struct zones **zones)
{
    struct zones *z = *zones;

    for (size_t i = 0; z != NULL && i < z->count; i++) {
        mem_free(&z->all[i].name);
        tzif_free(&z->all[i].rules);
    }
    if (z != NULL) {
        mem_free(&z->all);
        mem_free(zones);
    }
}

const struct tzif *zones_find(const struct zones *z, const char *name)
{
    size_t low = 0;
    size_t high = z != NULL ? z->count : 0;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(z->all[middle].name, name);
        if (order == 0) {
            return z->all[middle].rules;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const char *zones_version(const struct zones *z)
{
    return z != NULL ? z->version : "unknown";
}

size_t zones_count(const struct zones *z)
{
    return z->count;
}

const char *zones_name(const struct zones *z, size_t i)
{
    return z->all[i].name;
}

static void load_machine(void)
{
    if (!zones_load(ZONES_FOLDER, &machine.zones, &machine.err)) {
        machine.zones = NULL;
    }
}

const struct zones *zones_system(void)
{
    (void)pthread_once(&machine.once, load_machine);
    return machine.zones;
}

bool zones_require(struct err *err)
{
    if (zones_system() == NULL) {
        *err = machine.err;
        return false;
    }
    return true;
}
