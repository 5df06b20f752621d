#include "draw.h"

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One file's mutants, as a range of the list. */
struct file {
    size_t first;
    size_t end;
    int open; /* not accepted */
    int share;
    double rest; /* of the exact share */
};

enum { FILES_MAX = 1024 };

static int files_of(const struct mutants *all, struct file *out)
{
    int count = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (i == 0 || strcmp(all->rows[i].file, all->rows[i - 1].file) != 0) {
            if (count == FILES_MAX) {
                die("more than %d files", FILES_MAX);
            }
            out[count++] = (struct file){.first = i};
        }
        out[count - 1].end = i + 1;
        out[count - 1].open += all->rows[i].accepted ? 0 : 1;
    }
    return count;
}

/* The largest remainders get what rounding down leaves. */
static void share_out(struct file *files, int count, int n)
{
    int total = 0;
    int given = 0;
    for (int i = 0; i < count; i++) {
        total += files[i].open;
    }
    n = n < total ? n : total;
    for (int i = 0; i < count && total > 0; i++) {
        double exact = (double)n * files[i].open / total;
        files[i].share = (int)exact;
        files[i].rest = exact - files[i].share;
        given += files[i].share;
    }
    for (; given < n; given++) {
        struct file *most = NULL;
        for (int i = 0; i < count; i++) {
            if (files[i].share < files[i].open && (most == NULL || files[i].rest > most->rest)) {
                most = &files[i];
            }
        }
        if (most == NULL) {
            return;
        }
        most->share++;
        most->rest -= 1;
    }
}

static uint64_t rank_of(const struct mutant *m, uint64_t seed)
{
    char key[64];
    int n = snprintf(key, sizeof key, "%llu %s", (unsigned long long)seed, m->id);
    uint64_t h = hash_fnv64(key, (size_t)n);
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9); /* FNV's high bits alone are not even */
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    return h ^ (h >> 31);
}

/* The first of the file's order that has no number yet. */
static struct mutant *next_of(struct mutants *all, const struct file *f, uint64_t seed)
{
    struct mutant *best = NULL;
    for (size_t i = f->first; i < f->end; i++) {
        struct mutant *m = &all->rows[i];
        if (!m->accepted && m->number == 0 &&
            (best == NULL || rank_of(m, seed) < rank_of(best, seed))) {
            best = m;
        }
    }
    return best;
}

void draw(struct mutants *all, int n, uint64_t seed)
{
    static struct file files[FILES_MAX];
    int number = 0;
    int count = files_of(all, files);
    share_out(files, count, n);
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < files[i].share; k++) {
            next_of(all, &files[i], seed)->number = ++number;
        }
    }
}

void draw_ids(struct mutants *all, const char *ids)
{
    int number = 0;
    char *list = strdup(ids);
    char *rest = list;
    for (char *id; (id = strsep(&rest, ", ")) != NULL;) {
        bool found = *id == '\0';
        for (size_t i = 0; i < all->count; i++) {
            if (strcmp(all->rows[i].id, id) == 0) {
                all->rows[i].number = ++number;
                found = true;
            }
        }
        if (!found) {
            die("no mutant %s in these files", id);
        }
    }
    free(list);
}
