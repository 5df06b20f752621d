/* Kinds of products by the words of their titles. Knows no language: what tells is where in the shop a word is said. */
#include "domain/affinity/affinity_kind.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/locale/intl.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    WORD_MIN = 3,   /* bytes of a word that can name a kind */
    ENDING_MIN = 4, /* of one that another ends in: "tea" is no kind of "protea" */
    SAID_MIN = 2,   /* titles; once said it is a name */
    TEXT_MAX = 4000
};

struct word {
    const char *text; /* folded, not ended by a zero */
    size_t len;
    uint64_t hash;
    int32_t category;
    int32_t item;
    int32_t place; /* in the title */
    bool names_kind;
};

/* Of all titles, item by item, in the order of their words. */
struct words {
    struct word *all;
    size_t count;
    size_t cap;
};

static bool is_letter(char c)
{
    const unsigned char byte = (unsigned char)c;
    return byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

/* The next word at or behind *at; false where there is none. */
static bool next_word(const char **at, struct word *out)
{
    const char *p = *at;
    while (*p != '\0' && !is_letter(*p)) {
        p++;
    }
    out->text = p;
    while (is_letter(*p)) {
        p++;
    }
    out->len = (size_t)(p - out->text);
    *at = p;
    return out->len > 0;
}

static bool has_digit(const struct word *w)
{
    for (size_t i = 0; i < w->len; i++) {
        if (w->text[i] >= '0' && w->text[i] <= '9') {
            return true;
        }
    }
    return false;
}

static bool is_said_in(const char *folded, const struct word *w)
{
    struct word other;
    while (next_word(&folded, &other)) {
        if (other.len == w->len && memcmp(other.text, w->text, w->len) == 0) {
            return true;
        }
    }
    return false;
}

static const char *folded(const char *text, struct arena *a)
{
    CLEANUP(buf_free) struct buf out = buf_make(TEXT_MAX);
    intl_fold(text, &out);
    return arena_strdup(a, buf_text(&out));
}

static void add_word(struct words *words, const struct word *w)
{
    if (words->count == words->cap) {
        words->cap = words->cap ? 2 * words->cap : 1024;
        words->all = mem_grow(words->all, words->cap, sizeof *words->all);
    }
    words->all[words->count++] = *w;
}

static void add_title(struct words *words, const struct affinity_item *item, int32_t number,
                      int32_t category, struct arena *a)
{
    const char *at = folded(item->title, a);
    const char *brand = folded(item->brand ? item->brand : "", a);
    struct word w = {.category = category, .item = number};
    /* places count the words that are left out too: a pair stands side by side in the title */
    for (; next_word(&at, &w); w.place++) {
        if (w.len >= WORD_MIN && !has_digit(&w) && !is_said_in(brand, &w)) {
            w.hash = hash_fnv64(w.text, w.len);
            add_word(words, &w);
        }
    }
}

/* ---- where a word is said ---- */

static int by_place(const void *a, const void *b)
{
    const struct word *x = *(struct word *const *)a;
    const struct word *y = *(struct word *const *)b;
    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    if (x->category != y->category) {
        return x->category < y->category ? -1 : 1;
    }
    return (x->item > y->item) - (x->item < y->item);
}

/* Titles among words of one category: one may say a word twice. */
static size_t titles_of(struct word *const *said, size_t count)
{
    size_t titles = 0;
    for (size_t i = 0; i < count; i++) {
        titles += i == 0 || said[i]->item != said[i - 1]->item;
    }
    return titles;
}

static size_t category_end(struct word *const *said, size_t from, size_t end)
{
    size_t at = from;
    while (at < end && said[at]->category == said[from]->category) {
        at++;
    }
    return at;
}

/* All that is said of one word. */
static void judge_word(struct word *const *said, size_t count)
{
    size_t everywhere = 0;
    for (size_t from = 0, end; from < count; from = end) {
        end = category_end(said, from, count);
        everywhere += titles_of(said + from, end - from);
    }
    for (size_t from = 0, end; from < count; from = end) {
        end = category_end(said, from, count);
        const size_t here = titles_of(said + from, end - from);
        for (size_t i = from; i < end; i++) {
            /* A word that is said all over the shop (a colour, "set") names no kind anywhere. */
            said[i]->names_kind = here >= SAID_MIN && 2 * here >= everywhere;
        }
    }
}

static void judge_words(struct words *words)
{
    struct word **said = mem_array(words->count + 1, sizeof(void *));
    for (size_t i = 0; i < words->count; i++) {
        said[i] = &words->all[i];
    }
    qsort(said, words->count, sizeof(void *), by_place);
    for (size_t from = 0, end; from < words->count; from = end) {
        for (end = from; end < words->count && said[end]->hash == said[from]->hash; end++) {
        }
        judge_word(said + from, end - from);
    }
    free(said);
}

/* ---- kinds ---- */

/* The last word of each title that names a kind, by place. Returns how many. */
static size_t heads_of(struct words *words, struct word **heads)
{
    size_t count = 0;
    for (size_t i = words->count; i > 0; i--) {
        struct word *w = &words->all[i - 1];
        /* walked from behind, so that of an item the last one comes first */
        if (w->names_kind && (count == 0 || heads[count - 1]->item != w->item)) {
            heads[count++] = w;
        }
    }
    qsort(heads, count, sizeof(void *), by_place);
    return count;
}

static int by_kind(const void *key, const void *element)
{
    const struct word *x = key;
    const struct word *y = *(struct word *const *)element;
    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return (x->category > y->category) - (x->category < y->category);
}

/* The first word of the shortest kind that the word ends in, itself at last. */
static struct word *const *kind_of(struct word *const *kinds, size_t count, const struct word *w)
{
    for (size_t len = ENDING_MIN; len < w->len; len++) {
        const char *ending = w->text + w->len - len;
        const struct word key = {.hash = hash_fnv64(ending, len), .category = w->category};
        struct word *const *found = bsearch(&key, kinds, count, sizeof(void *), by_kind);
        if (found) {
            return found;
        }
    }
    return bsearch(w, kinds, count, sizeof(void *), by_kind);
}

/* heads: by place. One of each kind. */
static size_t kinds_of(struct word *const *heads, size_t count, struct word **kinds)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || by_kind(heads[i], &kinds[kept - 1]) != 0) {
            kinds[kept++] = heads[i];
        }
    }
    return kept;
}

/* ---- sorts ---- */

struct pair {
    uint64_t hash; /* of both words and the category */
    int32_t item;
};

static int by_hash(const void *a, const void *b)
{
    const struct pair *x = a;
    const struct pair *y = b;
    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return (x->item > y->item) - (x->item < y->item);
}

/* The head and the word before it in the title; 0 where there is none of the words that count. */
static uint64_t pair_hash(const struct words *words, const struct word *head)
{
    const struct word *before = head > words->all ? head - 1 : NULL;
    if (!before || before->item != head->item || before->place + 1 != head->place) {
        return 0;
    }
    const uint64_t both[] = {before->hash, head->hash, (uint64_t)(uint32_t)head->category};
    return hash_fnv64(both, sizeof both);
}

/* Sorts are numbered behind the kinds; what is of none is of its kind. */
static void tell_sorts(const struct words *words, struct word *const *heads, size_t count,
                       int32_t first, int32_t *sort)
{
    struct pair *pairs = mem_array(count + 1, sizeof *pairs);
    for (size_t i = 0; i < count; i++) {
        pairs[i] = (struct pair){pair_hash(words, heads[i]), heads[i]->item};
    }
    qsort(pairs, count, sizeof *pairs, by_hash);
    for (size_t from = 0, end; from < count; from = end) {
        for (end = from; end < count && pairs[end].hash == pairs[from].hash; end++) {
        }
        for (size_t i = from; pairs[from].hash != 0 && end - from >= SAID_MIN && i < end; i++) {
            sort[pairs[i].item] = first + (int32_t)from;
        }
    }
    free(pairs);
}

void affinity_kinds(const struct affinity_item *items, const int32_t *category, int count,
                    int32_t *kind, int32_t *sort)
{
    CLEANUP(arena_free) struct arena arena = {0};
    struct words words = {0};
    for (int i = 0; i < count; i++) {
        kind[i] = 0;
        sort[i] = 0;
        if (items[i].title && category[i] != 0) {
            add_title(&words, &items[i], i, category[i], &arena);
        }
    }
    judge_words(&words);
    struct word **heads = mem_array((size_t)count + 1, sizeof(void *));
    struct word **kinds = mem_array((size_t)count + 1, sizeof(void *));
    const size_t head_count = heads_of(&words, heads);
    const size_t kind_count = kinds_of(heads, head_count, kinds);
    for (size_t i = 0; i < head_count; i++) {
        const int32_t number = 1 + (int32_t)(kind_of(kinds, kind_count, heads[i]) - kinds);
        kind[heads[i]->item] = number;
        sort[heads[i]->item] = number;
    }
    tell_sorts(&words, heads, head_count, 1 + (int32_t)kind_count, sort);
    free(kinds);
    free(heads);
    free(words.all);
}
