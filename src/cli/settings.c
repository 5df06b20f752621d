/* Settings that are words of the domain. */
#include "cli/settings.h"

#include "base/locale/intl.h"
#include "domain/speak/language.h"
#include "domain/speak/message.h"

bool settings_check(const struct config *config, struct err *err)
{
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
    return true;
}
