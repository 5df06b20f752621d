/* Time zones: files by the letter of RFC 8536, hostile ones refused, and every zone of this machine
 * held against its C library. */
#include "base/locale/tzif.h"

#include "base/clock.h"
#include "base/locale/tz_rule.h"
#include "base/locale/zones.h"
#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- files ---- */

struct file {
    uint8_t bytes[400];
    size_t size;
};

static void put(struct file *f, const void *bytes, size_t size)
{
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
}

static void put_number(struct file *f, uint64_t value, int bytes)
{
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        put(f, &(uint8_t){(uint8_t)(value >> shift)}, 1);
    }
}

static void put_header(struct file *f, char version, const uint32_t counts[6])
{
    put(f, "TZif", 4);
    put(f, &version, 1);
    put(f, (uint8_t[15]){0}, 15);
    for (int i = 0; i < 6; i++) {
        put_number(f, counts[i], 4);
    }
}

/* Places in a_file, which tests spoil. */
enum {
    VERSION_AT = 4,
    SECOND = 44,
    LEAP_AT = SECOND + 28,
    TIME_AT = SECOND + 32,
    TYPE_AT = SECOND + 36,
    CHAR_AT = SECOND + 40,
    TIMES = SECOND + 44,
    INDEXES = TIMES + 16,
    TYPES = INDEXES + 2,
    CHARS = TYPES + 12,
    FOOTER = CHARS + 8
};

/* Two changes, at 0 and at 1000 s, between +1 h and +2 h, then a footer. */
static struct file a_file(const char *footer)
{
    struct file f = {0};

    put_header(&f, '2', (uint32_t[6]){0});
    put_header(&f, '2', (uint32_t[6]){0, 0, 0, 2, 2, 8});
    put_number(&f, 0, 8);
    put_number(&f, 1000, 8);
    put(&f, (uint8_t[]){1, 0}, 2);
    put_number(&f, 3600, 4);
    put(&f, (uint8_t[]){0, 0}, 2);
    put_number(&f, 7200, 4);
    put(&f, (uint8_t[]){1, 4}, 2);
    put(&f, "AAA\0BBB", 8);
    put(&f, footer, strlen(footer));
    return f;
}

static void check_refused(const struct file *f, size_t size, const char *words)
{
    struct err err = {0};
    struct tzif *zone = NULL;
    /* of its own size, so that a sanitizer sees who reads behind it */
    uint8_t *exact = malloc(size + 1);

    memcpy(exact, f->bytes, size);
    assert_false(tzif_read(exact, size, &zone, &err));
    assert_null(zone);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_text_contains(err.text, words);
    free(exact);
}

static void a_zone_goes_by_its_changes_and_then_by_its_footer(void **state)
{
    (void)state;
    const struct file f = a_file("\nXXX-3\n");
    struct err err = {0};
    struct tzif *zone = NULL;

    assert_true(tzif_read(f.bytes, f.size, &zone, &err));
    assert_int_equal(tzif_offset(zone, -1), 3600);
    assert_int_equal(tzif_offset(zone, INT64_MIN), 3600);
    assert_int_equal(tzif_offset(zone, 0), 7200);
    assert_int_equal(tzif_offset(zone, SECONDS(1000) - 1), 7200);
    assert_int_equal(tzif_offset(zone, SECONDS(1000)), 3 * 3600);
    assert_int_equal(tzif_offset(zone, INT64_MAX), 3 * 3600);
    tzif_free(&zone);
}

static void without_a_rule_in_the_footer_the_last_change_stays(void **state)
{
    (void)state;
    const struct file f = a_file("\n\n");
    struct err err = {0};
    struct tzif *zone = NULL;

    assert_true(tzif_read(f.bytes, f.size, &zone, &err));
    assert_int_equal(tzif_offset(zone, INT64_MAX), 3600);
    tzif_free(&zone);
}

static void a_file_that_is_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    const struct file f = a_file("\nXXX-3\n");

    for (size_t size = 0; size < f.size; size++) {
        check_refused(&f, size, "");
    }
}

static void a_file_that_contradicts_itself_is_refused(void **state)
{
    static const struct {
        int at;
        uint8_t byte;
        const char *words;
    } spoilt[] = {
        {0, 'X', "no TZif"},
        {VERSION_AT, 0, "version 1"},
        {SECOND + 20 + 3, 1, "contradict"}, /* isut: neither none nor one a type */
        {SECOND + 24 + 3, 1, "contradict"}, /* isstd */
        {LEAP_AT - 4 + 3, 1, "contradict"},
        {TIME_AT, 0xFF, "cut off"},     /* four thousand million changes */
        {TYPE_AT + 3, 0, "contradict"}, /* no local time at all */
        {TYPE_AT, 0xFF, "contradict"},
        {CHAR_AT + 3, 0, "contradict"},
        {INDEXES, 2, "does not have"},
        {TIMES + 8, 0xFF, "out of order"}, /* the second change lies before the first */
        {TYPES, 0x7F, "impossible"},       /* 24,000 days ahead of UTC */
        {TYPES + 4, 2, "impossible"},
        {TYPES + 5, 8, "impossible"},
        {CHARS + 7, 'B', "without end"},
        {FOOTER, 'X', "footer"},
        {FOOTER + 3, 0, "footer"},
        {FOOTER + 1, '7', "no POSIX"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(spoilt); i++) {
        struct file f = a_file("\nXXX-3\n");
        f.bytes[spoilt[i].at] = spoilt[i].byte;
        check_refused(&f, f.size, spoilt[i].words);
    }
}

static void leap_seconds_and_what_follows_the_footer_are_refused(void **state)
{
    (void)state;
    struct file f = {0};
    struct file more = a_file("\nXXX-3\n");

    put_header(&f, '2', (uint32_t[6]){0});
    put_header(&f, '2', (uint32_t[6]){0, 0, 1, 0, 1, 4});
    put_number(&f, 0, 4);
    put(&f, (uint8_t[]){0, 0}, 2);
    put(&f, "UTC", 4);
    put_number(&f, 78796800, 8);
    put_number(&f, 1, 4);
    put(&f, "\n\n", 2);
    check_refused(&f, f.size, "leap seconds");
    put(&more, "x", 1);
    check_refused(&more, more.size, "footer");
}

/* ---- rules ---- */

static void a_rule_is_read_by_the_letter(void **state)
{
    static const struct {
        const char *text;
        int64_t at_s;
        int32_t offset;
    } rules[] = {
        {"UTC0", 0, 0},
        {"<+0330>-3:30", 0, 12600},
        {"EST5EDT,M3.2.0,M11.1.0", INT64_C(1572760799), -4 * 3600}, /* 2019-11-03T05:59:59Z */
        {"EST5EDT,M3.2.0,M11.1.0", INT64_C(1572760800), -5 * 3600},
        /* Dublin: its winter is the time that is off the standard */
        {"IST-1GMT0,M10.5.0,M3.5.0/1", INT64_C(1577836800), 0},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", INT64_C(1593561600), 3600},
        /* Nuuk: changes on the day before the one that is named */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", INT64_C(1711846799), -7200}, /* 2024-03-31T00:59:59Z */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", INT64_C(1711846800), -3600},
        {"XXX3EDT4,0/0,J365/23", INT64_C(1577836800), -4 * 3600}, /* RFC 8536: all year long */
        {"XXX3EDT4,0/0,J365/23", INT64_C(1577848000), -4 * 3600},
        {"AAA0BBB,J60/0,J61/0", INT64_C(1582934400), 0},    /* 2020-02-29 is not counted */
        {"AAA0BBB,J60/0,J61/0", INT64_C(1583020800), 3600}, /* 2020-03-01 is the 60th */
        {"AAA0BBB,59/0,60/0", INT64_C(1582934400), 3600},   /* from 0, and counted */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct tz_rule rule;
        struct err err = {0};
        assert_true(tz_rule_parse(rules[i].text, &rule, &err));
        if (tz_rule_offset(&rule, rules[i].at_s) != rules[i].offset) {
            fail_msg("%s at %lld", rules[i].text, (long long)rules[i].at_s);
        }
    }
}

static void what_is_no_rule_is_refused(void **state)
{
    static const char *const refused[] = {"",
                                          "U0",
                                          "UTC",
                                          "UTC25",
                                          "UTC0X",
                                          "<UTC0",
                                          "<+1>0",
                                          "EST5EDT",
                                          "EST5EDT,M3.2.0",
                                          "EST5EDT,M13.2.0,M11.1.0",
                                          "EST5EDT,M3.6.0,M11.1.0",
                                          "EST5EDT,M3.2.7,M11.1.0",
                                          "EST5EDT,J0,J1",
                                          "EST5EDT,1,366",
                                          "EST5EDT,1/168,2",
                                          "EST5EDT,1,2,",
                                          "EST5:60",
                                          "EST5EDT,1,2/3:60",
                                          "EST99999999999999999999"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct tz_rule rule;
        struct err err = {0};
        if (tz_rule_parse(refused[i], &rule, &err)) {
            fail_msg("taken: %s", refused[i]);
        }
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

/* ---- the zones of this machine ---- */

static int32_t c_library_offset(int64_t at_s)
{
    const time_t at = at_s;
    struct tm local;

    assert_non_null(localtime_r(&at, &local));
    return (int32_t)local.tm_gmtoff;
}

static void check_same(const char *name, const struct tzif *zone, int64_t at_s)
{
    const int32_t expected = c_library_offset(at_s);
    const int32_t found = tzif_offset(zone, SECONDS(at_s));

    if (found != expected) {
        fail_msg("%s at %lld: %d, the C library says %d", name, (long long)at_s, found, expected);
    }
}

/* Around every change, every nine days from 1900 to 2100, and far out. */
static void every_zone_agrees_with_the_c_library(void **state)
{
    enum { STEP_S = 9 * 86400 + 1234 };
    const int64_t from = INT64_C(-2208988800);
    const int64_t until = INT64_C(4102444800);
    const struct zones *zones = zones_system();
    size_t compared = 0;

    (void)state;
    assert_non_null(zones);
    for (size_t i = 0; i < zones_count(zones); i++) {
        const char *name = zones_name(zones, i);
        const struct tzif *zone = zones_find(zones, name);
        (void)setenv("TZ", name, 1);
        tzset();
        for (size_t c = 0; c < tzif_changes(zone); c++) {
            check_same(name, zone, tzif_change_s(zone, c) - 1);
            check_same(name, zone, tzif_change_s(zone, c));
            compared += 2;
        }
        for (int64_t at = from; at < until; at += STEP_S, compared++) {
            check_same(name, zone, at);
        }
        for (int64_t at = until; at < INT64_C(100000000000); at += 997 * (int64_t)STEP_S) {
            check_same(name, zone, at);
            compared++;
        }
    }
    assert_true(zones_count(zones) > 300);
    assert_true(compared > 1000000);
}

static void zones_are_found_by_their_names_alone(void **state)
{
    static const char *const none[] = {"",
                                       ".",
                                       "..",
                                       "Europe",
                                       "Europe/",
                                       "/Europe/Berlin",
                                       "../zoneinfo/Europe/Berlin",
                                       "Europe/../Europe/Berlin",
                                       "posix/Europe/Berlin",
                                       "right/Europe/Berlin",
                                       "localtime",
                                       "tzdata.zi",
                                       "Mars/Olympus",
                                       "europe/berlin"};
    const struct zones *zones = zones_system();

    (void)state;
    assert_non_null(zones_find(zones, "Europe/Berlin"));
    assert_non_null(zones_find(zones, "America/Argentina/Buenos_Aires"));
    assert_non_null(zones_find(zones, "Asia/Calcutta")); /* what browsers still say */
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        assert_null(zones_find(zones, none[i]));
    }
    assert_true(strcmp(zones_version(zones), "2020a") > 0 && zones_version(zones)[0] == '2');
    assert_null(zones_find(NULL, "UTC"));
    assert_string_equal(zones_version(NULL), "unknown");
}

/* A folder under /tmp with one file of that content. */
static void write_folder(char folder[40], const char *name, const void *bytes, size_t size)
{
    char path[80];

    (void)snprintf(folder, 40, "/tmp/zones_test_XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void remove_folder(const char *folder, const char *name)
{
    char path[80];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void a_damaged_file_is_named_and_none_at_all_says_where_zones_come_from(void **state)
{
    (void)state;
    const struct file f = a_file("\nXXX-3\n");
    struct err err = {0};
    struct zones *zones = NULL;
    char folder[40];

    write_folder(folder, "Moon", f.bytes, f.size - 3);
    assert_false(zones_load(folder, &zones, &err));
    assert_string_equal(err.path, "Moon");
    remove_folder(folder, "Moon");

    err = (struct err){0};
    write_folder(folder, "README", "TZ", 2);
    assert_false(zones_load(folder, &zones, &err));
    assert_text_contains(err.text, "tzdata");
    remove_folder(folder, "README");

    err = (struct err){0};
    assert_false(zones_load("/nowhere", &zones, &err));
    assert_text_contains(err.text, "tzdata");
    assert_null(zones);
}

static void a_folder_without_a_version_is_read_all_the_same(void **state)
{
    (void)state;
    const struct file f = a_file("\nXXX-3\n");
    struct err err = {0};
    struct zones *zones = NULL;
    char folder[40];

    write_folder(folder, "Moon", f.bytes, f.size);
    assert_true(zones_load(folder, &zones, &err));
    assert_string_equal(zones_version(zones), "unknown");
    assert_int_equal(tzif_offset(zones_find(zones, "Moon"), 0), 7200);
    zones_free(&zones);
    remove_folder(folder, "Moon");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_goes_by_its_changes_and_then_by_its_footer),
        cmocka_unit_test(without_a_rule_in_the_footer_the_last_change_stays),
        cmocka_unit_test(a_file_that_is_cut_off_anywhere_is_refused),
        cmocka_unit_test(a_file_that_contradicts_itself_is_refused),
        cmocka_unit_test(leap_seconds_and_what_follows_the_footer_are_refused),
        cmocka_unit_test(a_rule_is_read_by_the_letter),
        cmocka_unit_test(what_is_no_rule_is_refused),
        cmocka_unit_test(every_zone_agrees_with_the_c_library),
        cmocka_unit_test(zones_are_found_by_their_names_alone),
        cmocka_unit_test(a_damaged_file_is_named_and_none_at_all_says_where_zones_come_from),
        cmocka_unit_test(a_folder_without_a_version_is_read_all_the_same),
    };
    return cmocka_run_group_tests_name("time zones", tests, NULL, NULL);
}
