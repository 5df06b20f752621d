/* The hour where the shopper is. The zones are one immutable table (base/locale/zones.h): the domain reads no file and no clock. */
#include "domain/shop/local_time.h"

#include "base/locale/zones.h"

#include <stddef.h>
#include <string.h>

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

/* "+HH:MM" or "-HH:MM" */
static bool offset_of(const char *text, int *out_seconds)
{
    static const int places[] = {1, 2, 4, 5};
    int d[4];

    if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        d[i] = digit(text[places[i]]);
        if (d[i] < 0) {
            return false;
        }
    }
    int minutes = (d[0] * 10 + d[1]) * 60 + d[2] * 10 + d[3];
    *out_seconds = (text[0] == '-' ? -minutes : minutes) * 60;
    /* no zone lies farther from UTC than 14 hours */
    return d[0] * 10 + d[1] <= 14 && d[2] < 6;
}

bool local_time_offset(const char *timezone, int64_t at_us, int *out_seconds)
{
    if (timezone == NULL) {
        return false;
    }
    const struct tzif *zone = zones_find(zones_system(), timezone);
    if (zone != NULL) {
        *out_seconds = tzif_offset(zone, at_us);
        return true;
    }
    return offset_of(timezone, out_seconds);
}

const char *local_time_version(void)
{
    return zones_version(zones_system());
}
