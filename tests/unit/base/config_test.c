#include "base/config.h"

#include "base/clock.h"
#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every test starts in an empty directory of its own, with no setting in the environment. */
static char directory[64];

static int begin(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/config-test-XXXXXX");
    static const char *const variables[] = {
        "DATABASE_URL",    "DATABASE_PREPARED", "CARTWRIGHT_LISTEN",      "CARTWRIGHT_CONFIG",
        "CARTWRIGHT_AUTH", "CARTWRIGHT_PICKS",  "CARTWRIGHT_DATABASE_URL"};
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        (void)unsetenv(variables[i]);
    }
    return mkdtemp(directory) != NULL && chdir(directory) == 0 ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    (void)unlink("cartwright.conf");
    (void)unlink("other.conf");
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Loads with the arguments behind the program's name; args ends with NULL. */
#define LOAD(config, err, ...)                                                                     \
    load_from((const char *[]){"cartwright", __VA_ARGS__, NULL}, config, err)
#define LOAD_PLAIN(config, err) load_from((const char *[]){"cartwright", NULL}, config, err)

static struct {
    char text[16][80];
    char *argv[17];
    int argc;
} line;

static bool load_from(const char *const *args, struct config *config, struct err *err)
{
    line.argc = 0;
    for (; args[line.argc] != NULL; line.argc++) {
        (void)snprintf(line.text[line.argc], sizeof line.text[0], "%s", args[line.argc]);
        line.argv[line.argc] = line.text[line.argc];
    }
    line.argv[line.argc] = NULL;
    *err = (struct err){0};
    return config_load(config, &line.argc, line.argv, err);
}

static void every_default_lies_within_its_own_limits(void **state)
{
    struct config c;
    struct err err;
    (void)state;

    assert_true(LOAD_PLAIN(&c, &err));
    assert_string_equal(c.listen, "127.0.0.1:8080");
    assert_string_equal(c.database_url, "");
    assert_true(c.database_prepared);
    assert_false(c.unsafe_database);
    assert_int_equal(c.http_body_max, 1048576);
    assert_int_equal(c.abandoned_after, MINUTES(60));
    assert_true(c.risk_threshold == 0.5);
    for (int id = 0; id < CONFIG_COUNT; id++) {
        assert_int_equal(c.source[id], CONFIG_DEFAULT);
    }
}

static void flag_beats_environment_beats_file_beats_default(void **state)
{
    struct config c;
    struct err err;
    (void)state;

    write_file("cartwright.conf", "picks = 5\n");
    assert_true(LOAD_PLAIN(&c, &err));
    assert_int_equal(c.picks, 5);
    assert_int_equal(c.source[CONFIG_ID_picks], CONFIG_FILE);
    (void)setenv("CARTWRIGHT_PICKS", "6", 1);
    assert_true(LOAD_PLAIN(&c, &err));
    assert_int_equal(c.picks, 6);
    assert_int_equal(c.source[CONFIG_ID_picks], CONFIG_ENV);
    assert_true(LOAD(&c, &err, "--picks", "7"));
    assert_int_equal(c.picks, 7);
    assert_int_equal(c.source[CONFIG_ID_picks], CONFIG_FLAG);
    assert_int_equal(c.source[CONFIG_ID_factors], CONFIG_DEFAULT);
}

static void the_usual_database_variables_are_read_and_beaten_by_our_own(void **state)
{
    struct config c;
    struct err err;
    (void)state;

    (void)setenv("DATABASE_URL", "postgres://there/shop", 1);
    (void)setenv("DATABASE_PREPARED", "off", 1);
    assert_true(LOAD_PLAIN(&c, &err));
    assert_string_equal(c.database_url, "postgres://there/shop");
    assert_false(c.database_prepared);
    (void)setenv("CARTWRIGHT_DATABASE_URL", "postgres://here/shop", 1);
    assert_true(LOAD_PLAIN(&c, &err));
    assert_string_equal(c.database_url, "postgres://here/shop");
}

static void an_empty_variable_is_no_variable(void **state)
{
    struct config c;
    struct err err;
    (void)state;

    (void)setenv("CARTWRIGHT_PICKS", "", 1);
    assert_true(LOAD_PLAIN(&c, &err));
    assert_int_equal(c.source[CONFIG_ID_picks], CONFIG_DEFAULT);
}

static void what_is_no_setting_stays_in_the_arguments(void **state)
{
    struct config c;
    struct err err;
    static const char *const left[] = {"cartwright", "import", "--format", "rees46",
                                       "-",          "--",     "--picks"};
    (void)state;

    assert_true(LOAD(&c, &err, "import", "--picks=4", "--format", "rees46", "--http-idle", "20s",
                     "-", "--", "--picks"));
    assert_int_equal(c.picks, 4);
    assert_int_equal(c.http_idle, SECONDS(20));
    assert_int_equal(line.argc, COUNT_OF(left));
    for (size_t i = 0; i < COUNT_OF(left); i++) {
        assert_string_equal(line.argv[i], left[i]);
    }
    assert_null(line.argv[line.argc]);
}

static void a_flag_without_a_value_means_on(void **state)
{
    struct config c;
    struct err err;
    (void)state;

    assert_true(
        LOAD(&c, &err, "--unsafe-database", "serve", "--auth", "off", "--database_prepared=false"));
    assert_true(c.unsafe_database);
    assert_false(c.auth);
    assert_false(c.database_prepared);
    assert_int_equal(line.argc, 2);
    assert_string_equal(line.argv[1], "serve");
    assert_true(LOAD(&c, &err, "--unsafe-database"));
    assert_true(c.unsafe_database);
}

static const struct {
    const char *flag;
    const char *path;
    const char *says;
} bad_flags[] = {
    {"--picks=0", "picks", "must be a whole number from 1 to 8, not \"0\" (command line)"},
    {"--picks=9", "picks", "from 1 to 8"},
    {"--picks=", "picks", "from 1 to 8"},
    {"--picks=3x", "picks", "not \"3x\""},
    {"--picks= 3", "picks", "not \" 3\""},
    {"--picks=99999999999999999999", "picks", "from 1 to 8"},
    {"--picks", "picks", "needs a value behind --picks"},
    {"--config", "config", "needs a value behind --config"},
    {"--config=gone.conf", "config", "cannot open the settings file gone.conf"},
    {"--http-idle=15", "http_idle", "a whole number and its unit"},
    {"--http-idle=1ms", "http_idle", "must be between 1s and 10m, not 1ms (command line)"},
    {"--http-idle=11m", "http_idle", "must be between 1s and 10m"},
    {"--risk-threshold=1.1", "risk_threshold", "must be a number from 0 to 1, not \"1.1\""},
    {"--risk-threshold=nan", "risk_threshold", "must be a number from 0 to 1"},
    {"--risk-threshold=0x1", "risk_threshold", "must be a number from 0 to 1"},
    {"--risk-threshold=", "risk_threshold", "must be a number from 0 to 1"},
    {"--message-register=du", "message_register",
     "must be formal or informal, not \"du\" (command line)"},
    {"--picks-substitutes=no", "picks_substitutes", "must be last, never or allowed, not \"no\""},
    {"--purchase-closes=all", "purchase_closes", "must be cart or lines, not \"all\""},
    {"--purchase-closes=cart lines", "purchase_closes", "must be cart or lines"},
    {"--log-level=verbose", "log_level", "must be debug, info, warn or error, not \"verbose\""},
    {"--auth=maybe", "auth", "must be on, off, true or false, not \"maybe\""},
    {"--listen=", "listen", "must be HOST:PORT with a port from 0 to 65535, not \"\""},
    {"--listen=localhost", "listen", "must be HOST:PORT"},
    {"--listen=127.0.0.1:99999", "listen", "a port from 0 to 65535, not \"127.0.0.1:99999\""},
    {"--listen=127.0.0.1:65536", "listen", "a port from 0 to 65535"},
    {"--locale=1234567890abcdefg", "locale", "must have 2 to 16 bytes, not 17"},
    {"--shop-name=a\nb", "shop_name", "must not hold control characters"},
    {"--shop-name=a\xe2\x80\xae"
     "b",
     "shop_name", "or turn the text around"},
    {"--data-dir=a\xc2\x9b"
     "b",
     "data_dir", "must not hold control characters"},
    {"--listen=a\x1b:80", "listen", "must not hold control characters"},
};

static void a_bad_value_is_refused_with_its_setting_limits_and_source(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(bad_flags); i++) {
        struct config c = {.picks = 77};
        struct err err;
        if (LOAD(&c, &err, bad_flags[i].flag)) {
            fail_msg("%s was accepted", bad_flags[i].flag);
        }
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.path, bad_flags[i].path);
        assert_text_contains(err.text, bad_flags[i].says);
        assert_int_equal(c.picks, 77);
    }
}

static void a_word_that_says_no_elsewhere_is_meant_for_its_flag(void **state)
{
    static const char *const words[] = {"no", "0", "OFF", "disabled"};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct config c;
        struct err err;
        assert_false(LOAD(&c, &err, "serve", "--auth", words[i]));
        assert_string_equal(err.path, "auth");
        assert_text_contains(err.text, "must be on, off, true or false, not");
    }
}

static void a_setting_is_found_by_what_is_nearly_its_name(void **state)
{
    (void)state;

    assert_string_equal(config_nearest("abandoned-afer"), "abandoned_after");
    assert_string_equal(config_nearest("shopName"), "shop_name");
    assert_string_equal(config_nearest("conifg"), "config");
    assert_null(config_nearest("colour"));
}

static void a_flag_in_place_of_a_value_is_not_swallowed(void **state)
{
    struct config c;
    struct err err;
    (void)state;

    assert_false(LOAD(&c, &err, "--listen", "--auth"));
    assert_string_equal(err.path, "listen");
}

static void a_file_has_comments_blanks_and_quotes(void **state)
{
    struct config c;
    struct err err;
    (void)state;

    write_file("other.conf", "# a comment\n\n  picks=4   # four\r\n"
                             "shop_name = \"Tea # \\\"Co\\\" \\\\ \"  # quoted\n"
                             "shop_url = https://shop.test/#top\nauth = off");
    assert_true(LOAD(&c, &err, "--config", "other.conf"));
    assert_int_equal(c.picks, 4);
    assert_string_equal(c.shop_name, "Tea # \"Co\" \\ ");
    assert_string_equal(c.shop_url, "https://shop.test/#top");
    assert_false(c.auth);
    (void)setenv("CARTWRIGHT_CONFIG", "other.conf", 1);
    assert_true(LOAD_PLAIN(&c, &err));
    assert_int_equal(c.picks, 4);
}

static const struct {
    const char *file;
    const char *path;
    const char *says;
} bad_files[] = {
    {"\npick = 3\n", "pick", "is not a setting (cartwright.conf:2)"},
    {"picks = 3\npicks = 4\n", "picks", "is set twice (cartwright.conf:2)"},
    {"picks\n", "cartwright.conf:1", "must be name = value"},
    {"picks = 99\n", "picks", "not \"99\" (cartwright.conf:1)"},
    {"shop_name = \"x\n", "cartwright.conf:1", "has a quote that does not end"},
    {"shop_name = \"x\\\n", "cartwright.conf:1", "has a quote that does not end"},
    {"shop_name = \"x\" y\n", "cartwright.conf:1", "or text after it"},
    {" = 3\n", "cartwright.conf:1", "must be name = value"},
};

static void a_bad_file_is_refused_with_its_line(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(bad_files); i++) {
        struct config c;
        struct err err;
        write_file("cartwright.conf", bad_files[i].file);
        assert_false(LOAD_PLAIN(&c, &err));
        assert_string_equal(err.path, bad_files[i].path);
        assert_text_contains(err.text, bad_files[i].says);
    }
}

static void a_line_is_not_cut_at_a_nul_without_a_word(void **state)
{
    static const char text[] = "shop_name = a\0b\n";
    struct config c;
    struct err err;
    (void)state;

    FILE *file = fopen("cartwright.conf", "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, sizeof text - 1, file), sizeof text - 1);
    assert_int_equal(fclose(file), 0);
    assert_false(LOAD_PLAIN(&c, &err));
    assert_string_equal(err.path, "cartwright.conf:1");
    assert_string_equal(err.text, "holds a NUL byte");
}

static void the_settings_file_is_a_file_that_ends(void **state)
{
    struct config c;
    struct err err;
    (void)state;

    (void)unlink("cartwright.conf");
    assert_int_equal(mkfifo("cartwright.conf", 0600), 0);
    assert_false(LOAD_PLAIN(&c, &err)); /* and does not wait for who writes into it */
    assert_text_contains(err.text, "must be a regular file");
    assert_int_equal(unlink("cartwright.conf"), 0);
    assert_false(LOAD(&c, &err, "--config", "/dev/zero"));
    assert_text_contains(err.text, "/dev/zero must be a regular file");
    assert_false(LOAD(&c, &err, "--config", "/dev/full"));
    assert_text_contains(err.text, "must be a regular file");
    assert_true(LOAD(&c, &err, "--config", "/dev/null"));

    write_file("other.conf", "shop_name = a\n");
    assert_int_equal(truncate("other.conf", (1 << 20) + 1), 0);
    assert_false(LOAD(&c, &err, "--config", "other.conf"));
    assert_text_contains(err.text, "must have at most 1048576 bytes");
}

static void the_settings_file_is_utf_8_with_or_without_its_mark(void **state)
{
    struct config c;
    struct err err;
    (void)state;

    write_file("cartwright.conf", "\xef\xbb\xbfshop_name = caf\xc3\xa9\n");
    assert_true(LOAD_PLAIN(&c, &err));
    assert_string_equal(c.shop_name, "caf\xc3\xa9");
    write_file("cartwright.conf", "# a\nshop_name = \xff\xfe\n");
    assert_false(LOAD_PLAIN(&c, &err));
    assert_string_equal(err.path, "cartwright.conf:2");
    assert_string_equal(err.text, "is not UTF-8");
    write_file("cartwright.conf", "");
    assert_false(LOAD(&c, &err, "--shop-name", "\xff\xfe"));
    assert_string_equal(err.path, "shop_name");
    assert_text_contains(err.text, "must be UTF-8");
}

static void a_bad_variable_is_named(void **state)
{
    struct config c;
    struct err err;
    (void)state;

    (void)setenv("CARTWRIGHT_AUTH", "yes", 1);
    assert_false(LOAD_PLAIN(&c, &err));
    assert_string_equal(err.path, "auth");
    assert_text_contains(err.text, "(CARTWRIGHT_AUTH)");
}

static char misspelt[400];

static void note_misspelt(const char *variable, const char *meant)
{
    const size_t len = strlen(misspelt);
    (void)snprintf(misspelt + len, sizeof misspelt - len, "%s: %s\n", variable, meant);
}

static void a_variable_that_is_nearly_a_setting_is_told(void **state)
{
    (void)state;
    misspelt[0] = '\0';
    (void)setenv("CARTWRIGHT_LISTEN", "127.0.0.1:1", 1); /* right */
    (void)setenv("CARTWRIGHT_PORT_8080_TCP", "x", 1);    /* Kubernetes */
    (void)setenv("CARTWRIGHT_SERVICE_HOST", "x", 1);
    (void)setenv("CARTWRIGHT_DATABSE_URL", "x", 1);
    config_misspelt(note_misspelt);
    (void)unsetenv("CARTWRIGHT_PORT_8080_TCP");
    (void)unsetenv("CARTWRIGHT_SERVICE_HOST");
    (void)unsetenv("CARTWRIGHT_DATABSE_URL");
    (void)unsetenv("CARTWRIGHT_LISTEN");
    assert_string_equal(misspelt, "DATABSE_URL: CARTWRIGHT_DATABASE_URL\n");
}

static void what_is_printed_reads_back_as_the_same_settings(void **state)
{
    struct config c;
    struct config back;
    struct err err;
    struct buf out = buf_make(1 << 16);
    (void)state;

    assert_true(LOAD(&c, &err, "--picks=4", "--shop-name= \"Tea\" # Co\\ ", "--http-idle=90s",
                     "--risk-threshold=0.25", "--auth=off"));
    config_print(&c, &out);
    write_file("cartwright.conf", buf_text(&out));
    assert_true(LOAD_PLAIN(&back, &err));
    memcpy(back.source, c.source, sizeof c.source);
    assert_memory_equal(&back, &c, sizeof c);
    assert_text_contains(buf_text(&out), "# flag; products recommended in a message\n");
    assert_text_contains(buf_text(&out), "# default; ");
    buf_free(&out);
}

/* What a process is given sets what it was made of, whatever else stands in the environment. */
static void what_is_handed_on_to_another_process_is_the_same_settings(void **state)
{
    struct config c;
    struct config back;
    struct err err;
    struct arena a = {0};
    (void)state;

    write_file("cartwright.conf", "http_idle = 90s\n");
    (void)setenv("DATABASE_URL", "postgres://me:s3cret@there/shop", 1);
    (void)setenv("CARTWRIGHT_PICKS", "6", 1);
    assert_true(
        LOAD(&c, &err, "--picks=4", "--shop-name= \"Tea\"", "--auth=off", "--risk-threshold=0.25"));
    char **given = config_environ(&c, &a);
    write_file("cartwright.conf", "picks = 8\n");
    char **mine = environ;
    environ = given;
    assert_true(LOAD_PLAIN(&back, &err));
    environ = mine;
    for (int id = 0; id < CONFIG_COUNT; id++) {
        assert_int_equal(back.source[id] == CONFIG_DEFAULT, c.source[id] == CONFIG_DEFAULT);
    }
    memcpy(back.source, c.source, sizeof c.source);
    assert_memory_equal(&back, &c, sizeof c);
    arena_free(&a);
}

static const struct {
    const char *url;
    const char *shown;
} secrets[] = {
    {"postgres://me:s3cret@host:5432/shop", "= postgres://me:***@host:5432/shop "},
    {"postgres://me:s3cr@et@host/shop", "= postgres://me:***@host/shop "},
    {"postgres://host:5432/shop", "= postgres://host:5432/shop "},
    {"postgres:///shop?user=me&password=s3cret&host=h",
     "= postgres:///shop?user=me&password=***&host=h "},
    {"host=h password=s3cret user=me", "= host=h password=*** user=me "},
    {"host=h PASSWORD = 's3 c\\'ret' user=me", "= host=h PASSWORD = *** user=me "},
    {"password=s3&cret", "= password=*** "},
    {"password=s3\\ cret dbname=d", "= password=*** dbname=d "},
    {"password='s3cret", "= password=*** "},
    {"host=h passfile=/home/me/.pgpass", "= host=h passfile=/home/me/.pgpass "},
};

static void passwords_are_not_printed(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(secrets); i++) {
        struct config c;
        struct err err;
        struct buf out = buf_make(1 << 16);
        (void)setenv("DATABASE_URL", secrets[i].url, 1);
        assert_true(LOAD_PLAIN(&c, &err));
        config_print(&c, &out);
        assert_text_contains(buf_text(&out), secrets[i].shown);
        assert_null(strstr(buf_text(&out), "cret"));
        buf_free(&out);
    }
}

static void every_setting_is_in_the_usage(void **state)
{
    struct buf out = buf_make(1 << 16);
    (void)state;

    config_usage(&out);
    assert_text_contains(buf_text(&out), "--database-url TEXT ");
    assert_text_contains(buf_text(&out), "--http-idle TIME ");
    assert_text_contains(buf_text(&out), "(default 15s)\n");
    int lines = 0;
    for (const char *at = strchr(buf_text(&out), '\n'); at != NULL; at = strchr(at + 1, '\n')) {
        lines++;
    }
    assert_int_equal(lines, CONFIG_COUNT);
    buf_free(&out);
}

static void the_reference_of_settings_is_what_the_table_says(void **state)
{
    char path[600];
    struct buf written = buf_make(1 << 18);
    struct buf kept = buf_make(1 << 18);
    (void)state;

    config_reference(&written);
    assert_true(buf_ok(&written));
    (void)snprintf(path, sizeof path, "%s/src/http/docs/settings.md", getenv("CARTWRIGHT_SOURCE"));
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
        buf_add_char(&kept, (char)c);
    }
    (void)fclose(file);
    if (strcmp(buf_text(&written), buf_text(&kept)) != 0) {
        fail_msg("src/http/docs/settings.md is not what the table of settings says: "
                 "cartwright config --reference > src/http/docs/settings.md");
    }
    buf_free(&written);
    buf_free(&kept);
}

static void every_setting_has_a_paragraph_of_its_own(void **state)
{
    struct buf out = buf_make(1 << 18);
    (void)state;

    config_reference(&out);
    const char *at = buf_text(&out);
    for (int id = 0; id < CONFIG_COUNT; id++) {
        at = strstr(at, "\n### ");
        assert_non_null(at);
        const char *how = strstr(at + 5, "\n\n`--");
        assert_non_null(how);
        const char *paragraph = strstr(how + 2, "\n\n");
        assert_non_null(paragraph);
        const char *end = strstr(paragraph + 2, "\n\n");
        assert_non_null(end);
        assert_true(end - paragraph > 60);
        at = end;
    }
    assert_null(strstr(at, "\n### "));
    buf_free(&out);
}

#define spec_of(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        spec_of(every_default_lies_within_its_own_limits),
        spec_of(flag_beats_environment_beats_file_beats_default),
        spec_of(the_usual_database_variables_are_read_and_beaten_by_our_own),
        spec_of(an_empty_variable_is_no_variable),
        spec_of(what_is_no_setting_stays_in_the_arguments),
        spec_of(a_flag_without_a_value_means_on),
        spec_of(a_bad_value_is_refused_with_its_setting_limits_and_source),
        spec_of(a_word_that_says_no_elsewhere_is_meant_for_its_flag),
        spec_of(a_setting_is_found_by_what_is_nearly_its_name),
        spec_of(a_flag_in_place_of_a_value_is_not_swallowed),
        spec_of(a_file_has_comments_blanks_and_quotes),
        spec_of(a_bad_file_is_refused_with_its_line),
        spec_of(a_line_is_not_cut_at_a_nul_without_a_word),
        spec_of(the_settings_file_is_a_file_that_ends),
        spec_of(the_settings_file_is_utf_8_with_or_without_its_mark),
        spec_of(a_bad_variable_is_named),
        spec_of(a_variable_that_is_nearly_a_setting_is_told),
        spec_of(what_is_printed_reads_back_as_the_same_settings),
        spec_of(what_is_handed_on_to_another_process_is_the_same_settings),
        spec_of(passwords_are_not_printed),
        spec_of(every_setting_is_in_the_usage),
        spec_of(the_reference_of_settings_is_what_the_table_says),
        spec_of(every_setting_has_a_paragraph_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
