/* Settings that are words of the domain. */
#include "cli/settings.h"

#include "base/locale/intl.h"
#include "domain/speak/language.h"
#include "domain/speak/message.h"

#include <string.h>

bool settings_check(const struct config *config, struct err *err)
{
    const char *form = config->message_register;

    if (!intl_is_tag(config->locale)) {
        return FAIL_AT(err, ERR_INVALID, "locale", "must be a BCP 47 tag such as de-AT");
    }
    if (!language_spoken(config->locale)) {
        return FAIL_AT(err, ERR_INVALID, "locale",
                       "must be of a language that messages are written in: " LANGUAGES_SPOKEN);
    }
    if (config->shop_url[0] != '\0' && !message_url_safe(config->shop_url)) {
        return FAIL_AT(err, ERR_INVALID, "shop_url",
                       "must be an address with its scheme, such as https://shop.example");
    }
    if (strcmp(config->purchase_closes, "cart") != 0 &&
        strcmp(config->purchase_closes, "lines") != 0) {
        return FAIL_AT(err, ERR_INVALID, "purchase_closes", "must be cart or lines");
    }
    if (strcmp(config->picks_substitutes, "last") != 0 &&
        strcmp(config->picks_substitutes, "never") != 0 &&
        strcmp(config->picks_substitutes, "allowed") != 0) {
        return FAIL_AT(err, ERR_INVALID, "picks_substitutes", "must be last, never or allowed");
    }
    return strcmp(form, "formal") == 0 || strcmp(form, "informal") == 0 ||
           FAIL_AT(err, ERR_INVALID, "message_register", "must be formal or informal");
}
