/* Choosing a language and filling its phrases. The words stand in message_table.inc. */
#include "domain/speak/language.h"

#include "base/cleanup.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_MAX = 24 };

struct language {
    const char *code; /* language, or language and region */
    const char *formal[PHRASE_COUNT];
    const char *informal[PHRASE_COUNT]; /* where they differ from the formal ones */
};

static const struct language languages[] = {
#define LANGUAGE(...) {__VA_ARGS__},
#include "domain/speak/message_table.inc"
#undef LANGUAGE
};

/* Of the same languages. */
static const struct {
    const char *code;
    const char *texts[REASON_COUNT];
} reason_words[] = {
#define LANGUAGE(name, ...) {name, {__VA_ARGS__}},
#include "domain/speak/reason_words.inc"
#undef LANGUAGE
};

enum { LANGUAGES = sizeof languages / sizeof *languages };

static const struct language *language_by_code(const char *code)
{
    for (int i = 0; i < LANGUAGES; i++) {
        if (strcmp(languages[i].code, code) == 0) {
            return &languages[i];
        }
    }
    return NULL;
}

/* Portuguese is two languages here, and all of its countries but Brazil write as Portugal does;
 * without a country CLDR takes it for Brazil's. */
static const struct language *language_of(const char *tag)
{
    char code[INTL_TAG_MAX];
    char region[INTL_TAG_MAX];

    intl_language(tag, code);
    if (strcmp(code, "pt") == 0) {
        intl_region(tag, region);
        const bool brazil = region[0] == '\0' || strcmp(region, "BR") == 0;
        return language_by_code(brazil ? "pt-BR" : "pt-PT");
    }
    return language_by_code(code);
}

bool language_spoken(const char *locale)
{
    char tag[INTL_TAG_MAX];

    return intl_tag(locale, tag) && language_of(tag) != NULL;
}

void speech_begin(struct speech *speech, const char *locale, const char *shop_locale, bool informal)
{
    const char *wanted[] = {locale, shop_locale, languages[0].code};

    *speech = (struct speech){.informal = informal};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && speech->words == NULL; i++) {
        if (intl_tag(wanted[i], speech->locale)) {
            speech->words = language_of(speech->locale);
        }
    }
    assert(speech->words != NULL); /* the last one is ours */
    speech->intl = intl_take(speech->locale);
}

void speech_end(struct speech *speech)
{
    intl_give(&speech->intl);
}

/* ---- filling ---- */

struct filling {
    struct intl *intl;
    const struct slot *slots;
    struct buf *out;
};

/* Every slot that a phrase names must be given: the phrases are ours, so a miss is a defect. */
static const struct slot *slot_find(const struct filling *f, const char *name, size_t len)
{
    for (const struct slot *s = f->slots; s->name != NULL; s++) {
        if (strlen(s->name) == len && memcmp(s->name, name, len) == 0) {
            return s;
        }
    }
    assert(false && "a phrase names a slot that is not given");
    return NULL;
}

static void add_number(const struct filling *f, int64_t number)
{
    char decimal[NUMBER_MAX];

    (void)snprintf(decimal, sizeof decimal, "%" PRId64, number);
    intl_number(f->intl, decimal, f->out);
}

/* The brace that closes the one at p. */
static const char *closing(const char *p)
{
    int depth = 0;

    for (;; p++) {
        assert(*p != '\0');
        depth += (*p == '{') - (*p == '}');
        if (depth == 0) {
            return p;
        }
    }
}

static void fill(const struct filling *f, const char *p, const char *end,
                 const struct slot *number);

/* Whether a form of so many characters is for the number: "=2", or its category. */
static bool is_form_of(const char *form, size_t len, int64_t number, const char *category)
{
    char exactly[NUMBER_MAX];

    (void)snprintf(exactly, sizeof exactly, "=%" PRId64, number);
    const char *wanted = form[0] == '=' ? exactly : category;
    return strlen(wanted) == len && memcmp(form, wanted, len) == 0;
}

/* "=2{...} one{...} other{...}", up to end: the first form for the slot's number, else that of
 * "other". */
static void fill_plural(const struct filling *f, const char *p, const char *end,
                        const struct slot *slot)
{
    char category[INTL_CATEGORY_MAX];
    const char *form = NULL;

    intl_plural(f->intl, (double)slot->number, category);
    while (p < end) {
        p += strspn(p, " ");
        const char *brace = strchr(p, '{');
        const size_t len = (size_t)(brace - p);
        if (is_form_of(p, len, slot->number, category)) {
            form = brace;
            break;
        }
        form = len == strlen("other") && memcmp(p, "other", len) == 0 ? brace : form;
        p = closing(brace) + 1;
    }
    assert(form != NULL);
    fill(f, form + 1, closing(form), slot);
}

/* What stands between the braces of a slot. */
static void fill_slot(const struct filling *f, const char *p, const char *end)
{
    static const char plural[] = ", plural, ";
    const size_t name = strcspn(p, ",}");
    const struct slot *slot = slot_find(f, p, name);

    p += name;
    if (p < end) {
        assert(strncmp(p, plural, sizeof plural - 1) == 0);
        fill_plural(f, p + sizeof plural - 1, end, slot);
    } else if (slot->text != NULL) {
        buf_add_str(f->out, slot->text);
    } else {
        add_number(f, slot->number);
    }
}

/* number: what "#" stands for; NULL outside of plural forms. */
static void fill(const struct filling *f, const char *p, const char *end, const struct slot *number)
{
    while (p < end) {
        if (*p == '{') {
            const char *close = closing(p);
            fill_slot(f, p + 1, close);
            p = close + 1;
        } else if (*p == '#' && number != NULL) {
            add_number(f, number->number);
            p++;
        } else {
            buf_add_char(f->out, *p++);
        }
    }
}

void speech_say(const struct speech *speech, enum phrase phrase, const struct slot *slots,
                struct buf *out)
{
    const struct filling f = {speech->intl, slots, out};
    const char *text = speech->informal ? speech->words->informal[phrase] : NULL;

    if (text == NULL) {
        text = speech->words->formal[phrase];
    }
    assert(text != NULL);
    fill(&f, text, text + strlen(text), NULL);
}

void speech_reason(const struct speech *speech, enum reason reason, const struct slot *slots,
                   struct buf *out)
{
    const struct filling f = {speech->intl, slots, out};

    for (int i = 0; i < LANGUAGES; i++) {
        if (strcmp(reason_words[i].code, speech->words->code) == 0) {
            const char *text = reason_words[i].texts[reason];
            assert(text != NULL);
            fill(&f, text, text + strlen(text), NULL);
        }
    }
}
