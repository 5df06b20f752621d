/* Settings that are words of the domain. */
#include "cli/settings.h"

#include "base/clock.h"
#include "base/locale/intl.h"
#include "domain/speak/language.h"
#include "domain/speak/message.h"

/* What a cart becomes while nothing happens, in this order. An idle_after that nobody chose is no fault of whoever chose a short
 * abandoned_after: such a cart is never idle. */
static bool are_in_order(const struct config *config, struct err *err)
{
    char less[CLOCK_TEXT_MAX];
    char more[CLOCK_TEXT_MAX];

    if (config->source[CONFIG_ID_idle_after] != CONFIG_DEFAULT &&
        config->idle_after > config->abandoned_after) {
        return FAIL_AT(err, ERR_INVALID, "idle_after",
                       "must not be longer than abandoned_after (%s), not %s",
                       clock_format_duration(config->abandoned_after, more),
                       clock_format_duration(config->idle_after, less));
    }
    return config->abandoned_after <= config->expired_after ||
           FAIL_AT(err, ERR_INVALID, "abandoned_after",
                   "must not be longer than expired_after (%s), not %s",
                   clock_format_duration(config->expired_after, more),
                   clock_format_duration(config->abandoned_after, less));
}

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
    return are_in_order(config, err);
}
