/* What the learner makes of cells: bins of numbers, a dictionary of ids, and which features of the
 * factorization machine a slot stands for. Labels are not looked at. */
#include "ml/learner/learner_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MIDDLE_BINS = 12, COARSE_BINS = 4, OWN_BINS = 40 };

void learner_arrays_free(struct learner_arrays *a)
{
    mem_free(&a->kind);
    mem_free(&a->first);
    mem_free(&a->edge_start);
    mem_free(&a->edges);
    mem_free(&a->bin);
    mem_free(&a->key);
    mem_free(&a->key_slot);
    mem_free(&a->search);
}

/* ---- numbers ---- */

static int by_number(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* A distinct value and how many rows have it. */
struct mass {
    double value;
    int rows;
};

/* Between two neighbours: nearer to neither, so that values never seen fall where they belong. */
static double border(double below, double above)
{
    /* halves first: the sum of two numbers near the largest is infinite. Between neighbours of the
     * last bit there is nothing: the upper one */
    double middle = below / 2 + above / 2;
    return middle > below && middle <= above ? middle : above;
}

/* Borders of at most NUMBER_BINS_MAX bins: a value with a bin's share of the rows gets its own, the
 * others share what is left evenly. Returns how many borders. */
static int borders_of(const struct mass *mass, int distinct, int rows, double *out)
{
    double bins_left = NUMBER_BINS_MAX;
    double rows_left = rows;
    const double share = (double)rows / NUMBER_BINS_MAX;
    int borders = 0;
    double filled = 0;
    /* First the heavy values: what each of the others has to share is known only without them. */
    for (int i = 0; i < distinct; i++) {
        bool heavy = mass[i].rows >= share;
        bins_left -= heavy;
        rows_left -= heavy ? mass[i].rows : 0;
    }
    const double light_share = bins_left >= 1 ? rows_left / bins_left : rows;
    for (int i = 0; i + 1 < distinct && borders + 1 < NUMBER_BINS_MAX; i++) {
        /* a heavy value is cut off on both sides */
        bool heavy = mass[i].rows >= share || mass[i + 1].rows >= share;
        filled += mass[i].rows;
        if (distinct <= NUMBER_BINS_MAX || heavy || filled >= light_share) {
            out[borders++] = border(mass[i].value, mass[i + 1].value);
            filled = 0;
        }
    }
    return borders;
}

static int number_borders(const struct learner_table *t, int column, double *sorted,
                          struct mass *mass, double *out)
{
    int known = 0;
    int distinct = 0;
    for (int r = 0; r < t->rows; r++) {
        double v = t->cells[(size_t)r * (size_t)t->columns + (size_t)column].number;
        /* missing has a slot of its own, and no place in the order */
        if (!isnan(v)) {
            /* infinite is very large: it takes its place among numbers, and borders stay finite */
            sorted[known++] = fmin(fmax(v, -1e300), 1e300);
        }
    }
    qsort(sorted, (size_t)known, sizeof *sorted, by_number);
    for (int i = 0; i < known; i++) {
        /* borders lie between distinct values only: equal ones cannot be told apart */
        if (i == 0 || sorted[i] != sorted[i - 1]) {
            mass[distinct++] = (struct mass){sorted[i], 0};
        }
        mass[distinct - 1].rows++;
    }
    return borders_of(mass, distinct, known, out);
}

/* ---- ids ---- */

static int by_id(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

struct id_mass {
    uint64_t id;
    int rows;
};

static int by_rows(const void *a, const void *b)
{
    const struct id_mass *x = a;
    const struct id_mass *y = b;
    if (x->rows != y->rows) {
        return x->rows > y->rows ? -1 : 1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

/* Ids in at least rows_min rows, the most frequent first; owned by the caller. */
static struct id_mass *frequent_ids(const struct learner_table *t, int column, int rows_min,
                                    int *out_count)
{
    uint64_t *ids = mem_array((size_t)t->rows, sizeof *ids);
    struct id_mass *mass = mem_array((size_t)t->rows + 1, sizeof *mass);
    int known = 0;
    int count = 0;
    for (int r = 0; r < t->rows; r++) {
        uint64_t id = t->cells[(size_t)r * (size_t)t->columns + (size_t)column].id;
        /* 0 is missing, which has a slot of its own */
        if (id != 0) {
            ids[known++] = id;
        }
    }
    qsort(ids, (size_t)known, sizeof *ids, by_id);
    for (int from = 0; from < known;) {
        int to = from;
        while (to < known && ids[to] == ids[from]) {
            to++;
        }
        /* An id in a row or two would be learnt by heart; all of them
         * together as "rare" tell something. */
        if (to - from >= rows_min) {
            mass[count++] = (struct id_mass){ids[from], to - from};
        }
        from = to;
    }
    qsort(mass, (size_t)count, sizeof *mass, by_rows);
    mem_free(&ids);
    *out_count = count;
    return mass;
}

int64_t learner_key(uint64_t id, int column)
{
    /* the column is in the key, so that one table serves all columns: the same hash in two of them
     * is two ids */
    uint64_t h = id ^ ((uint64_t)column + 1) * UINT64_C(0x9E3779B97F4A7C15);
    h = (h ^ (h >> 30)) * UINT64_C(0xBF58476D1CE4E5B9); /* splitmix64's finisher */
    h = (h ^ (h >> 27)) * UINT64_C(0x94D049BB133111EB);
    h ^= h >> 31;
    int64_t key;
    memcpy(&key, &h, sizeof key);
    return key == 0 ? 1 : key;
}

static void key_put(struct learner_arrays *a, int keys, int64_t key, int32_t slot)
{
    size_t mask = (size_t)keys - 1;
    size_t at = (size_t)key & mask;
    /* open addressing with a free place always left (learner_encoder_learn) */
    while (a->key[at] != 0) {
        at = (at + 1) & mask;
    }
    a->key[at] = key;
    a->key_slot[at] = slot;
}

/* ---- learning ---- */

/* What is gathered column by column before the sizes are known. */
struct survey {
    const struct learner_table *table;
    struct id_mass **ids; /* (columns) NULL for numbers */
    int *id_count;
    int ids_in_all;
};

static void survey_columns(struct survey *s, int id_rows_min, struct learner_arrays *a)
{
    const struct learner_table *t = s->table;
    /* one room for all columns, one after the other */
    double *sorted = mem_array((size_t)t->rows, sizeof *sorted);
    struct mass *mass = mem_array((size_t)t->rows, sizeof *mass);
    for (int c = 0; c < t->columns; c++) {
        int32_t slots = 0;
        a->kind[c] = t->kind[c];
        a->edge_start[c + 1] = a->edge_start[c];
        if (t->kind[c] == LEARNER_NUMBER) {
            /* written where they will lie: there is room for the most that each column can have */
            int borders = number_borders(t, c, sorted, mass, a->edges + a->edge_start[c]);
            a->edge_start[c + 1] += borders;
            slots = 1 + borders + 1; /* missing, and a bin more than there are borders */
        } else {
            s->ids[c] = frequent_ids(t, c, id_rows_min, &s->id_count[c]);
            s->ids_in_all += s->id_count[c];
            slots = SLOTS_FIXED + s->id_count[c];
        }
        a->first[c + 1] = a->first[c] + slots;
    }
    mem_free(&sorted);
    mem_free(&mass);
}

/* Bins of an id column: as many ids as there is room for have their own, the others share bins with
 * ids as frequent as they are. */
static void bin_ids(const struct id_mass *mass, int count, uint8_t *bin)
{
    /* trees see 64 bins of a column; the machine keeps every id apart */
    const int own = SLOTS_FIXED + count <= GBDT_BINS_MAX ? count : OWN_BINS;
    const int shared = GBDT_BINS_MAX - SLOTS_FIXED - own;
    double rows = 0;
    double before = 0;
    for (int i = own; i < count; i++) {
        rows += mass[i].rows;
    }
    bin[SLOT_MISSING] = 0;
    bin[SLOT_RARE] = 1;
    for (int i = 0; i < count; i++) {
        int place = i;
        if (i >= own) {
            /* by rows and not by number: shared bins weigh about the same */
            place = own + (int)(before * shared / rows);
            before += mass[i].rows;
        }
        bin[SLOTS_FIXED + i] = (uint8_t)(SLOTS_FIXED + place);
    }
}

static void fill_slots(const struct survey *s, struct learner_arrays *a, int keys)
{
    const struct learner_table *t = s->table;
    for (int c = 0; c < t->columns; c++) {
        uint8_t *bin = a->bin + a->first[c];
        if (t->kind[c] == LEARNER_NUMBER) {
            for (int b = 0; b < a->first[c + 1] - a->first[c]; b++) {
                /* a number's bins are few enough for trees as they are */
                bin[b] = (uint8_t)b;
            }
            continue;
        }
        bin_ids(s->ids[c], s->id_count[c], bin);
        for (int i = 0; i < s->id_count[c]; i++) {
            key_put(a, keys, learner_key(s->ids[c][i].id, c), a->first[c] + SLOTS_FIXED + i);
        }
    }
}

/* Wider bins of about equal mass around a number's bins: group (bins) numbers them; returns how
 * many there are. */
static int widen(const int64_t *rows, int bins, int wanted, int32_t *group)
{
    double total = 0;
    double before = 0;
    int groups = 0;
    int last = -1;
    for (int b = 0; b < bins; b++) {
        total += (double)rows[b];
    }
    for (int b = 0; b < bins; b++) {
        /* by where a bin begins: one that holds more than its share leaves the next group empty,
         * and empty ones get no number */
        int place = total > 0 ? (int)(before * wanted / total) : 0;
        groups += place != last;
        last = place;
        group[b] = groups - 1;
        before += (double)rows[b];
    }
    return groups;
}

static int features_of_number(const int64_t *rows, int bins, int32_t first_slot, int next,
                              int32_t *feature)
{
    const int wanted[2] = {MIDDLE_BINS, COARSE_BINS};
    int32_t group[NUMBER_BINS_MAX + 1];
    for (int w = 0; w < 2; w++) {
        /* a wider bin would be the bin itself */
        if (bins <= wanted[w]) {
            continue;
        }
        int groups = widen(rows, bins, wanted[w], group);
        for (int b = 0; b < bins; b++) {
            /* + 1: missing is no neighbour of any number, and in no wider bin */
            int32_t *to = feature + (size_t)(first_slot + 1 + b) * FM_FIELD_FEATURES_MAX;
            /* the first free of the two places: features of a slot must not leave a gap */
            to[w == 0 || to[1] >= 0 ? w + 1 : 1] = next + group[b];
        }
        next += groups;
    }
    return next;
}

/* A slot stands for itself; a number's bin also for two wider ones around it. */
static int32_t *features_learn(const struct learner_table *t, const struct learner_encoder *e,
                               int *out_features)
{
    int32_t *feature = mem_array((size_t)e->slots * FM_FIELD_FEATURES_MAX, sizeof *feature);
    int64_t *rows = mem_array((size_t)e->slots, sizeof *rows);
    int32_t slots[LEARNER_COLUMNS_MAX];
    uint8_t bins[LEARNER_COLUMNS_MAX];
    int next = e->slots;
    for (int r = 0; r < t->rows; r++) {
        /* counted by encoding, so that a border falls the same way here as in use */
        learner_encode(e, t->cells + (size_t)r * (size_t)t->columns, slots, bins);
        for (int c = 0; c < t->columns; c++) {
            rows[slots[c]]++;
        }
    }
    for (int s = 0; s < e->slots; s++) {
        /* itself first; -1 ends the list */
        feature[(size_t)s * FM_FIELD_FEATURES_MAX] = s;
        feature[(size_t)s * FM_FIELD_FEATURES_MAX + 1] = -1;
        feature[(size_t)s * FM_FIELD_FEATURES_MAX + 2] = -1;
    }
    for (int c = 0; c < t->columns; c++) {
        if (e->kind[c] == LEARNER_NUMBER) {
            next = features_of_number(rows + e->first[c] + 1, e->first[c + 1] - e->first[c] - 1,
                                      e->first[c], next, feature);
        }
    }
    mem_free(&rows);
    *out_features = next;
    return feature;
}

struct learner_encoder learner_encoder_learn(const struct learner_table *table, int id_rows_min,
                                             struct learner_arrays *owned, int32_t **out_feature,
                                             int *out_features)
{
    const size_t columns = (size_t)table->columns;
    /* All rows, those held out too: borders and dictionary look at no label,
     * so nothing of the answer leaks. */
    struct survey s = {.table = table,
                       .ids = mem_array(columns, sizeof(void *)),
                       .id_count = mem_array(columns, sizeof *s.id_count)};
    int keys = 0;
    owned->kind = mem_array(columns, 1);
    owned->first = mem_array(columns + 1, sizeof *owned->first);
    owned->edge_start = mem_array(columns + 1, sizeof *owned->edge_start);
    owned->edges = mem_array(columns * NUMBER_BINS_MAX + 1, sizeof *owned->edges);
    survey_columns(&s, id_rows_min, owned);
    /* at most half full: a search of open addressing ends after one or two places */
    for (keys = s.ids_in_all > 0 ? 4 : 0; keys > 0 && keys < 2 * s.ids_in_all; keys *= 2) {
    }
    owned->bin = mem_array((size_t)owned->first[columns], 1);
    owned->key = mem_array((size_t)keys + 1, sizeof *owned->key);
    owned->key_slot = mem_array((size_t)keys + 1, sizeof *owned->key_slot);
    fill_slots(&s, owned, keys);
    for (size_t c = 0; c < columns; c++) {
        mem_free(&s.ids[c]);
    }
    mem_free(&s.ids);
    mem_free(&s.id_count);
    struct learner_encoder e = {.columns = table->columns,
                                .slots = owned->first[columns],
                                .keys = keys,
                                .kind = owned->kind,
                                .first = owned->first,
                                .edge_start = owned->edge_start,
                                .edges = owned->edges,
                                .bin = owned->bin,
                                .key = owned->key,
                                .key_slot = owned->key_slot};
    owned->search = learner_search_make(&e);
    e.search = owned->search;
    *out_feature = features_learn(table, &e, out_features);
    return e;
}
