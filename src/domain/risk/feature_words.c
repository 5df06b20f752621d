/* Features in words, for the reasons of a score. Texts stand in feature_table.inc; here is only how
 * values are said. */
#include "domain/risk/features.h"

#include "domain/shop/money.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_MAX = MONEY_TEXT_MAX };

static void say(char out[VALUE_MAX], double value, const char *unit)
{
    /* by what is printed: 1.3 is said as "1 minute" */
    double rounded = round(value);
    snprintf(out, VALUE_MAX, "%.0f %s%s", rounded, unit, rounded == 1 ? "" : "s");
}

static void say_minutes(char out[VALUE_MAX], double minutes)
{
    if (minutes < 1) {
        snprintf(out, VALUE_MAX, "less than a minute");
    } else if (minutes < 120) {
        say(out, minutes, "minute");
    } else if (minutes < 48 * 60) {
        say(out, minutes / 60, "hour");
    } else {
        say(out, minutes / (24 * 60), "day");
    }
}

static void say_value(const struct features *x, enum feature_id id, const char *locale,
                      char out[VALUE_MAX])
{
    static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
    const char *unit = feature_def(id)->unit;
    double value = x->values[id];
    if (strcmp(unit, "id") == 0) {
        snprintf(out, VALUE_MAX, "%s", x->ids[id]);
    } else if (strcmp(unit, "minutes") == 0) {
        say_minutes(out, value);
    } else if (strcmp(unit, "days") == 0) {
        say_minutes(out, value * 24 * 60);
    } else if (strcmp(unit, "minor") == 0 && x->currency[0] != '\0') {
        /* without currency it falls through to a plain number */
        money_format((int64_t)value, x->currency, locale, out);
    } else if (strcmp(unit, "share") == 0) {
        snprintf(out, VALUE_MAX, "%.0f %%", value * 100);
    } else if (strcmp(unit, "ratio") == 0) {
        snprintf(out, VALUE_MAX, "%.*f times", value < 10 ? 1 : 0, value);
    } else if (strcmp(unit, "hour") == 0) {
        snprintf(out, VALUE_MAX, "%02.0f:00", value);
    } else if (strcmp(unit, "weekday") == 0) {
        snprintf(out, VALUE_MAX, "%s", days[(int)value]);
    } else {
        snprintf(out, VALUE_MAX, "%.0f", value);
    }
}

static bool is_off(const struct features *x, enum feature_id id)
{
    switch (feature_def(id)->kind) {
    case FEATURE_FLAG:
        return x->values[id] == 0;
    case FEATURE_ID:
        return x->ids[id] == NULL;
    case FEATURE_NUMERIC:
    default:
        return isnan(x->values[id]);
    }
}

char *feature_words(const struct features *x, enum feature_id id, const char *locale,
                    char out[FEATURE_TEXT_MAX])
{
    const struct feature_def *def = feature_def(id);
    const char *bar = strchr(def->words, '|');
    size_t on_length = bar ? (size_t)(bar - def->words) : strlen(def->words);
    /* A text without a bar has no words of its own for that case. */
    if (is_off(x, id)) {
        snprintf(out, FEATURE_TEXT_MAX, "%s not known", def->name);
        if (bar) {
            snprintf(out, FEATURE_TEXT_MAX, "%s", bar + 1);
        }
        return out;
    }
    const char *hole = strstr(def->words, "{}");
    /* behind the bar it belongs to the other text */
    if (hole == NULL || hole >= def->words + on_length) {
        snprintf(out, FEATURE_TEXT_MAX, "%.*s", (int)on_length, def->words);
        return out;
    }
    char value[VALUE_MAX];
    say_value(x, id, locale ? locale : "en", value);
    const char *tail = hole + 2;
    snprintf(out, FEATURE_TEXT_MAX, "%.*s%s%.*s", (int)(hole - def->words), def->words, value,
             (int)(def->words + on_length - tail), tail);
    return out;
}
