/* Pages that betray a concern, told by the words in their names. */
#include "domain/shopper/page_concern.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *word;
    bool stem; /* longer words count too: "return" is in "returns" */
    enum page_concern concern;
} words[] = {
    {"return", true, PAGE_RETURNS},      {"refund", true, PAGE_RETURNS},
    {"exchange", true, PAGE_RETURNS},    {"shipping", true, PAGE_SHIPPING},
    {"shipment", true, PAGE_SHIPPING},   {"ship", false, PAGE_SHIPPING},
    {"deliver", true, PAGE_SHIPPING},    {"size", true, PAGE_SIZE},
    {"sizing", true, PAGE_SIZE},         {"fit", false, PAGE_SIZE},
    {"fitting", false, PAGE_SIZE},       {"measure", true, PAGE_SIZE},
    {"review", true, PAGE_REVIEWS},      {"rating", true, PAGE_REVIEWS},
    {"testimonial", true, PAGE_REVIEWS},
};

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) != 0;
}

static enum page_concern concern_of(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t known = strlen(words[i].word);
        if ((words[i].stem ? len >= known : len == known) &&
            strncasecmp(word, words[i].word, known) == 0) {
            return words[i].concern;
        }
    }
    return PAGE_OTHER;
}

enum page_concern page_concern(const char *page)
{
    enum page_concern concern = PAGE_OTHER;

    while (page != NULL && *page != '\0' && concern == PAGE_OTHER) {
        size_t len = 0;
        while (is_letter(page[len])) {
            len++;
        }
        concern = concern_of(page, len);
        page += len == 0 ? 1 : len;
    }
    return concern;
}
