/* TZif files: whatever is taken has an offset within bounds at any time, and the same one again;
 * and no file that is cut short is taken. */
#include "base/locale/tzif.h"
#include "fuzz.h"

static void check_offset(const struct tzif *zone, int64_t at_us)
{
    const int32_t offset = tzif_offset(zone, at_us);

    DEMAND(offset >= -TZIF_OFFSET_MAX && offset <= TZIF_OFFSET_MAX);
    DEMAND(tzif_offset(zone, at_us) == offset);
}

static void check_zone(const struct tzif *zone)
{
    static const int64_t times_us[] = {
        INT64_MIN,        INT64_MIN / 1000, -1, 0, 1, INT64_C(1700000000000000),
        INT64_MAX / 1000, INT64_MAX};

    for (size_t i = 0; i < sizeof times_us / sizeof *times_us; i++) {
        check_offset(zone, times_us[i]);
    }
    for (size_t i = 0; i < tzif_changes(zone); i++) {
        const int64_t at_s = tzif_change_s(zone, i);
        DEMAND(i == 0 || at_s > tzif_change_s(zone, i - 1));
        if (at_s > INT64_MIN / 1000000 && at_s < INT64_MAX / 1000000) {
            check_offset(zone, at_s * 1000000 - 1);
            check_offset(zone, at_s * 1000000);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct tzif *zone = NULL;
    struct tzif *cut = NULL;

    if (!tzif_read(data, size, &zone, &err)) {
        fuzz_refusal(&err);
        return 0;
    }
    check_zone(zone);
    /* Only the text of the footer may be read shorter. */
    DEMAND(!tzif_read(data, size - 1, &cut, &err));
    tzif_free(&zone);
    return 0;
}
