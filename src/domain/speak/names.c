/* Enumerations of products. Must not know what the sentence around them says. */
#include "domain/speak/names.h"

#include "base/cleanup.h"
#include "domain/shop/quantity.h"

#include <stdio.h>
#include <string.h>

enum { POINTS_MAX = 80, PART_BYTES = NAME_BYTES + 256 };

#define TIMES    " \u00d7\u00a0" /* "2 × Cup", not parted before the name */
#define ELLIPSIS "\u2026"
#define ISOLATE  "\u2068" /* first strong isolate, and its end */
#define ISOLATED "\u2069"

void name_add_text(const char *text, struct buf *out)
{
    const bool isolated = intl_runs_left(text);
    int points = 0;

    buf_add_str(out, isolated ? ISOLATE : "");
    for (const char *p = text; *p != '\0'; p++) {
        const unsigned char byte = (unsigned char)*p;
        /* Code points are counted and not bytes: a cut within a sequence would leave no UTF-8. */
        const bool starts = (byte & 0xC0U) != 0x80U;
        if (starts && ++points > POINTS_MAX) {
            buf_add_str(out, ELLIPSIS);
            break;
        }
        buf_add_char(out, (char)(byte < 0x20 || byte == 0x7F ? ' ' : *p));
    }
    buf_add_str(out, isolated ? ISOLATED : "");
}

bool name_has(const struct product *p)
{
    return p->title != NULL && !product_title_is_none(p->title, p->product_id);
}

void name_add(const struct product *p, struct buf *out)
{
    if (name_has(p)) {
        name_add_text(p->title, out);
    }
}

void names_add(struct names *names, const struct product *p, int64_t quantity_milli)
{
    CLEANUP(buf_free) struct buf name = buf_make(NAME_BYTES - 1);

    names->things += quantity_milli > QUANTITY_ONE ? 2 : 1;
    name_add(p, &name);
    if (!name_has(p) || !buf_ok(&name)) {
        names->more++;
        return;
    }
    for (size_t i = 0; i < names->count; i++) {
        if (intl_same(names->shown[i].text, buf_text(&name))) {
            names->shown[i].quantity_milli += quantity_milli;
            return;
        }
    }
    /* The last place is for whoever comes last: with more behind it, it will be counted instead. */
    if (names->count == NAMES_SHOWN) {
        names->more++;
        return;
    }
    (void)snprintf(names->shown[names->count].text, NAME_BYTES, "%s", buf_text(&name));
    names->shown[names->count++].quantity_milli = quantity_milli;
}

/* "2 × Cup", "0,35 × Cheese"; one piece needs no number. */
static void say_name(const struct names *names, size_t i, const struct speech *speech,
                     struct buf *out)
{
    const int64_t milli = names->shown[i].quantity_milli;
    char decimal[QUANTITY_TEXT_MAX];

    if (milli != 0 && milli != QUANTITY_ONE) {
        quantity_text(milli, decimal);
        intl_number(speech->intl, decimal, out);
        buf_add_str(out, TIMES);
    }
    buf_add_str(out, names->shown[i].text);
}

bool names_say(const struct names *names, const struct speech *speech, struct buf *out)
{
    struct buf parts[NAMES_SHOWN + 1];
    const char *texts[NAMES_SHOWN + 1];
    /* Three names, or two and how many more. */
    const bool cut = names->count == NAMES_SHOWN && names->more > 0;
    const size_t shown = names->count - (cut ? 1 : 0);
    const size_t more = names->more + (cut ? 1 : 0);
    size_t count = 0;

    if (names->count == 0) {
        return false;
    }
    for (; count < shown; count++) {
        parts[count] = buf_make(PART_BYTES);
        say_name(names, count, speech, &parts[count]);
    }
    if (more > 0) {
        const struct slot slots[] = {{.name = "n", .number = (int64_t)more}, {0}};
        parts[count] = buf_make(PART_BYTES);
        speech_say(speech, PHRASE_MORE, slots, &parts[count++]);
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = buf_text(&parts[i]);
    }
    intl_list(speech->intl, texts, count, out);
    for (size_t i = 0; i < count; i++) {
        buf_free(&parts[i]);
    }
    return true;
}

int64_t names_number(const struct names *names)
{
    return names->things > 1 ? 2 : 1;
}
