/* The cutter of request bodies, against jansson: a body that parses is cut into just the elements that it
 * has, one that is cut into texts that parse would have parsed, and lines are cut at newlines alone. The
 * first byte says how many elements are allowed. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "http/wire/batch.h"

static json_t *parse(const char *text, size_t len)
{
    return json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Pieces lie in the body, in order, apart, not empty, and without space around them. */
static void check_places(const struct batch *b, const char *body, size_t len, size_t max)
{
    const char *behind = body;

    DEMAND(b->count <= max);
    for (size_t i = 0; i < b->count; i++) {
        const struct piece *p = &b->pieces[i];
        DEMAND(p->text >= behind && p->len > 0);
        DEMAND(!is_space(p->text[0]) && !is_space(p->text[p->len - 1]));
        behind = p->text + p->len;
        DEMAND(behind <= body + len);
    }
}

static size_t lines_with_text(const char *body, size_t len)
{
    size_t count = 0;
    bool text = false;

    for (size_t i = 0; i < len; i++) {
        text = body[i] != '\n' && (text || !is_space(body[i]));
        count += text && (i + 1 == len || body[i + 1] == '\n');
    }
    return count;
}

static void check_lines(char *body, size_t len, size_t max)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct batch b = {0};
    struct err err = {0};
    size_t count = lines_with_text(body, len);

    if (!batch_cut(body, len, true, max, &a, &b, &err)) {
        fuzz_refusal(&err);
        DEMAND(count == 0);
        return;
    }
    check_places(&b, body, len, max);
    DEMAND(b.lines && b.over == (count > max));
    DEMAND(b.over || b.count == count);
    for (size_t i = 0; i < b.count; i++) {
        DEMAND(memchr(b.pieces[i].text, '\n', b.pieces[i].len) == NULL);
    }
}

/* True if all pieces parse; those of a body that does are its elements. */
static bool compare_pieces(const struct batch *b, const json_t *whole)
{
    bool all = true;

    for (size_t i = 0; i < b->count; i++) {
        CLEANUP(jdec_free) json_t *piece = parse(b->pieces[i].text, b->pieces[i].len);
        const json_t *element = b->array ? json_array_get(whole, i) : whole;
        all = all && piece != NULL;
        DEMAND(whole == NULL || (piece != NULL && json_equal(piece, element)));
    }
    return all;
}

static void check_document(char *body, size_t len, size_t max)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct batch b = {0};
    struct err err = {0};
    CLEANUP(jdec_free) json_t *whole = parse(body, len);
    struct err deep = {0};
    bool within = jdec_check_limits(body, len, &deep);

    if (!batch_cut(body, len, false, max, &a, &b, &err)) {
        fuzz_refusal(&err);
        DEMAND(whole == NULL || !within);
        return;
    }
    check_places(&b, body, len, max);
    DEMAND(!b.over || b.count == max);
    DEMAND(whole == NULL || b.over || !b.array || b.count == json_array_size(whole));
    bool all = compare_pieces(&b, whole);
    DEMAND(!all || b.over || whole != NULL || !within);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t max = data[0] < 0x20 ? data[0] + 1u : 10000;
    size_t len = size - 1;
    char *body = fuzz_text(data + 1, len);
    check_lines(body, len, max);
    check_document(body, len, max);
    mem_free(&body);
    return 0;
}
