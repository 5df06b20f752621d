/* Files as people have them: packed, in UTF-16, or not there at all. */
#include "import/record.h"
#include "import/source.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { TEXT_MAX = 4 << 20 };

struct text {
    char bytes[TEXT_MAX];
    size_t len;
};

static void add(struct text *t, const void *bytes, size_t len)
{
    assert_true(t->len + len <= TEXT_MAX);
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
}

static void add_gzip(struct text *t, const char *bytes, size_t len)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    char *in = malloc(len + 1);
    assert_non_null(in);
    memcpy(in, bytes, len);
    z.next_in = (Bytef *)in;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)t->bytes + t->len;
    z.avail_out = (uInt)(TEXT_MAX - t->len);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    t->len += z.total_out;
    (void)deflateEnd(&z);
    free(in);
}

static void add_zstd(struct text *t, const char *bytes, size_t len)
{
    size_t got = ZSTD_compress(t->bytes + t->len, TEXT_MAX - t->len, bytes, len, 3);
    assert_false(ZSTD_isError(got));
    t->len += got;
}

/* Text that does not shrink to nothing. */
static char a_letter(size_t i)
{
    return (char)('a' + (i * 2654435761U >> 13) % 23);
}

/* ASCII as UTF-16. */
static void add_utf16(struct text *t, const char *ascii, bool big_endian)
{
    add(t, big_endian ? "\xFE\xFF" : "\xFF\xFE", 2);
    for (; *ascii != '\0'; ascii++) {
        char unit[2] = {0};
        unit[big_endian ? 1 : 0] = *ascii;
        add(t, unit, 2);
    }
}

static void a_file(char path[static 32], const struct text *t)
{
    (void)snprintf(path, 32, "/tmp/import_source.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, t->bytes, t->len), (ssize_t)t->len);
    assert_int_equal(close(fd), 0);
}

/* Reads all of it by pieces of `cap` bytes. */
static bool read_all(const struct text *t, size_t cap, struct buf *out, const char **out_form,
                     struct err *err)
{
    CLEANUP(source_close) struct source *s = NULL;
    char path[32];
    char piece[1 << 16];
    size_t got = 1;
    bool done = true;
    assert_true(cap <= sizeof piece);
    a_file(path, t);
    assert_true(source_open(path, &s, err));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(source_size(s), t->len);
    buf_reset(out);
    while (got > 0 && (done = source_read(s, piece, cap, &got, err))) {
        buf_add(out, piece, got);
    }
    *out_form = source_form(s);
    assert_int_equal(source_packed(s), *out_form != NULL);
    if (done) {
        assert_int_equal(source_taken(s), t->len);
    }
    return done;
}

static void expect_text(const struct text *t, const char *form, const char *want, size_t len)
{
    static const size_t caps[] = {1, 3, 1000, 1 << 16};
    CLEANUP(buf_free) struct buf out = buf_make(TEXT_MAX);
    for (size_t i = 0; i < COUNT_OF(caps); i++) {
        struct err err = {0};
        const char *said = NULL;
        if (len > 10000 && caps[i] < 1000) {
            continue; /* a byte at a time says no more of a long text than of a short one */
        }
        if (!read_all(t, caps[i], &out, &said, &err)) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(out.len, len);
        assert_memory_equal(buf_text(&out), want, len);
        if (form == NULL) {
            assert_null(said);
        } else {
            assert_string_equal(said, form);
        }
    }
}

static void packed_files_are_told_by_their_first_bytes(void **state)
{
    (void)state;
    static struct text t;
    t.len = 0;
    add(&t, "a,b\n1,2\n", 8);
    expect_text(&t, NULL, "a,b\n1,2\n", 8);
    t.len = 0;
    add_gzip(&t, "a,b\n1,2\n", 8);
    expect_text(&t, "gzip", "a,b\n1,2\n", 8);
    t.len = 0;
    add_zstd(&t, "a,b\n1,2\n", 8);
    expect_text(&t, "zstd", "a,b\n1,2\n", 8);
    t.len = 0;
    expect_text(&t, NULL, "", 0);
}

static void several_packed_files_behind_each_other_are_one(void **state)
{
    (void)state;
    static struct text t;
    t.len = 0;
    add_gzip(&t, "one\n", 4);
    add_gzip(&t, "", 0);
    add_gzip(&t, "two\n", 4);
    expect_text(&t, "gzip", "one\ntwo\n", 8);
    t.len = 0;
    add_zstd(&t, "one\n", 4);
    add_zstd(&t, "", 0);
    add_zstd(&t, "two\n", 4);
    expect_text(&t, "zstd", "one\ntwo\n", 8);
}

static void a_large_file_comes_out_whole(void **state)
{
    (void)state;
    static struct text t;
    static char large[1000000];
    for (size_t i = 0; i < sizeof large; i++) {
        large[i] = a_letter(i);
    }
    t.len = 0;
    add_gzip(&t, large, sizeof large);
    expect_text(&t, "gzip", large, sizeof large);
    t.len = 0;
    add_zstd(&t, large, sizeof large);
    expect_text(&t, "zstd", large, sizeof large);
}

static void a_file_that_cannot_be_read_says_why_in_words(void **state)
{
    CLEANUP(source_close) struct source *s = NULL;
    struct err err = {0};
    char piece[10];
    size_t got = 0;
    (void)state;
    assert_false(source_open("/nowhere/at/all", &s, &err));
    assert_string_equal(err.text, "cannot be opened: no such file or directory");
    /* nothing lies at its beginning, which only reading tells */
    assert_true(source_open("/proc/self/mem", &s, &err));
    assert_false(source_read(s, piece, sizeof piece, &got, &err));
    assert_string_equal(err.text, "read failed after 0 bytes: Input/output error");
}

static void a_packed_file_that_breaks_off_or_is_damaged_is_told(void **state)
{
    (void)state;
    static struct text whole[2];
    static char line[5000];
    CLEANUP(buf_free) struct buf out = buf_make(TEXT_MAX);
    for (size_t i = 0; i < sizeof line; i++) {
        line[i] = a_letter(i);
    }
    whole[0].len = whole[1].len = 0;
    add_gzip(&whole[0], line, sizeof line);
    add_zstd(&whole[1], line, sizeof line);
    for (size_t i = 0; i < COUNT_OF(whole); i++) {
        const char *form = NULL;
        struct err err = {0};
        whole[i].len -= 3;
        assert_false(read_all(&whole[i], 1000, &out, &form, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.text, i == 0 ? "breaks off: the gzip in it has no end"
                                             : "breaks off: the zstd in it has no end");
        err = (struct err){0};
        memset(whole[i].bytes + 7, 0xff, 4); /* the kind of the first block */
        assert_false(read_all(&whole[i], 1000, &out, &form, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_text_contains(err.text, "is damaged: ");
    }
}

static void utf_16_with_a_mark_is_read_in_either_order(void **state)
{
    (void)state;
    static struct text t;
    static struct text packed;
    t.len = packed.len = 0;
    add_utf16(&t, "a,b\n", true);
    expect_text(&t, "UTF-16", "a,b\n", 4);
    t.len = 0;
    add_utf16(&t, "a,b\n", false);
    add_gzip(&packed, t.bytes, t.len);
    expect_text(&t, "UTF-16", "a,b\n", 4);
    expect_text(&packed, "gzip, UTF-16", "a,b\n", 4);
    /* e with an accent, the euro, a character of a pair; half of a pair before a letter and before another half; a byte too
     * many at the end */
    static const char units[] = "\xFF\xFE\xE9\x00\xAC\x20\x3D\xD8\x00\xDE\x00\xDC\x3D\xD8"
                                "a\x00\x3D\xD8\x3D\xD8z";
    static const char utf8[] = "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD"
                               "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD";
    t.len = 0;
    add(&t, units, sizeof units - 1);
    expect_text(&t, "UTF-16", utf8, sizeof utf8 - 1);
}

static void utf_16_without_a_mark_is_told_by_the_nul_beside_its_first_letter(void **state)
{
    (void)state;
    static struct text t;
    t.len = 0;
    add(&t, "a\0,\0\xE9\0\n", 7);
    add(&t, "", 1);
    expect_text(&t, "UTF-16", "a,\xC3\xA9\n", 5);
    t.len = 0;
    add(&t, "\0a\0,\0b", 6);
    expect_text(&t, "UTF-16", "a,b", 3);
    /* these are no letters, and somebody else's to refuse */
    t.len = 0;
    add(&t, "\0\0a,b", 5);
    expect_text(&t, NULL, "\0\0a,b", 5);
    t.len = 0;
    add(&t, "\xE9\0a", 3);
    expect_text(&t, NULL, "\xE9\0a", 3);
}

/* What comes of a file of JSON by pieces of 1, 2 and many bytes; "" is an error, in *err. */
static void expect_json(const char *json, const char *want, bool array, const char *error)
{
    static const size_t caps[] = {1, 2, 1000};
    for (size_t i = 0; i < COUNT_OF(caps); i++) {
        CLEANUP(source_close) struct source *s = NULL;
        CLEANUP(buf_free) struct buf out = buf_make(TEXT_MAX);
        static struct text t;
        struct err err = {0};
        char path[32];
        char piece[1000];
        size_t got = 1;
        bool done = true;
        t.len = 0;
        add(&t, json, strlen(json));
        a_file(path, &t);
        assert_true(source_open(path, &s, &err));
        assert_int_equal(unlink(path), 0);
        source_expect_json(s);
        while (got > 0 && (done = source_read(s, piece, caps[i], &got, &err))) {
            buf_add(&out, piece, got);
        }
        assert_int_equal(done, error == NULL);
        assert_string_equal(done ? "" : err.text, error != NULL ? error : "");
        assert_string_equal(buf_text(&out), want);
        assert_int_equal(source_array(s), array);
    }
}

static void elements_of_an_array_of_json_come_out_as_lines(void **state)
{
    (void)state;
    expect_json("[{\"a\":1},{\"b\":[2,3]}]", "{\"a\":1}\n{\"b\":[2,3]}\n", true, NULL);
    expect_json("\xEF\xBB\xBF \n[\r\n  {\n \"a\" : \"x, ]\\\" }\"\n } ,\n[ ] ]\n",
                "\xEF\xBB\xBF \n{\"a\":\"x, ]\\\" }\"}\n[]\n", true, NULL);
    expect_json("[{\"a\":\"x\ny\"}] z", "{\"a\":\"x\ty\"}\nz", true, NULL);
    expect_json("[]", "\n", true, NULL);
    expect_json("{\"a\": [1, 2]}\n[3]\n", "{\"a\": [1, 2]}\n[3]\n", false, NULL);
    expect_json("", "", false, NULL);
    expect_json("[{\"a\":1},", "{\"a\":1}\n", true, "breaks off inside of its array of JSON");
    expect_json("[{\"a\":\"]", "{\"a\":\"]", true, "breaks off inside of its array of JSON");
}

static void a_pointer_of_git_lfs_is_told_as_one(void **state)
{
    (void)state;
    static struct text t;
    CLEANUP(buf_free) struct buf out = buf_make(TEXT_MAX);
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\n"
                                  "oid sha256:00\nsize 12345\n";
    struct err err = {0};
    const char *form = NULL;
    t.len = 0;
    add(&t, pointer, sizeof pointer - 1);
    assert_false(read_all(&t, 1000, &out, &form, &err));
    assert_string_equal(err.text, "is a pointer of Git LFS, the file itself is elsewhere: git lfs "
                                  "pull brings it");
}

/* ---- records ---- */

/* All records as "NUMBER:text|". */
static const char *records_of(const struct text *t)
{
    static char out[1 << 20];
    CLEANUP(lines_close) struct line_reader lines = {0};
    struct csv_shape shape = {.rows = true, .separator = ',', .width = 2};
    struct err err = {0};
    char path[32];
    bool more = true;
    size_t at = 0;
    a_file(path, t);
    assert_true(lines_open(path, &lines, &err));
    assert_int_equal(unlink(path), 0);
    out[0] = '\0';
    for (;;) {
        struct line line;
        assert_true(record_next(&lines, &shape, &line, &more, &err));
        if (!more) {
            assert_int_equal(lines_done(&lines), t->len);
            return out;
        }
        /* as much of them as there is room for: the first ones are looked at */
        at += at >= sizeof out ? 0
                               : (size_t)snprintf(out + at, sizeof out - at, "%lld:%.*s%s|",
                                                  (long long)line.number, (int)line.len, line.text,
                                                  line.ended ? "" : "<eof>");
    }
}

static void a_record_may_have_several_lines_and_keeps_the_number_of_its_first(void **state)
{
    (void)state;
    static struct text t;
    static const char text[] = "\xEF\xBB\xBF\"x\n\",1\r\n"
                               "a,\"b\r\n\r\nc\"\r\n"
                               "cut,\"off\n"
                               "d,e\n"
                               "f,\"g\ng\"";
    t.len = 0;
    add(&t, text, sizeof text - 1);
    assert_string_equal(records_of(&t), "1:\"x\n\",1|3:a,\"b\r\n\r\nc\"|6:cut,\"off|7:d,e|"
                                        "8:f,\"g\ng\"<eof>|");
}

static void a_record_is_whole_across_the_ends_of_the_buffer(void **state)
{
    (void)state;
    static struct text t;
    t.len = 0;
    for (int i = 0; i < 40000; i++) {
        static const char row[] = "0123456789012345678901234567890123456789,\"two\nlines\"\n";
        add(&t, row, sizeof row - 1);
    }
    const char *all = records_of(&t);
    assert_text_contains(all, "1:0123456789012345678901234567890123456789,\"two\nlines\"|3:");
    assert_null(strstr(all, "\"two|"));
}

static void a_field_of_more_lines_than_a_note_has_is_a_quote_that_was_cut_off(void **state)
{
    (void)state;
    static struct text t;
    t.len = 0;
    add(&t, "a,\"", 3);
    for (int i = 0; i < 10000; i++) {
        add(&t, "0,2345678\n", 10);
    }
    add(&t, "\"\n", 2);
    assert_text_contains(records_of(&t), "1:a,\"0,2345678|2:0,2345678|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_files_are_told_by_their_first_bytes),
        cmocka_unit_test(several_packed_files_behind_each_other_are_one),
        cmocka_unit_test(a_large_file_comes_out_whole),
        cmocka_unit_test(a_file_that_cannot_be_read_says_why_in_words),
        cmocka_unit_test(a_packed_file_that_breaks_off_or_is_damaged_is_told),
        cmocka_unit_test(utf_16_with_a_mark_is_read_in_either_order),
        cmocka_unit_test(utf_16_without_a_mark_is_told_by_the_nul_beside_its_first_letter),
        cmocka_unit_test(elements_of_an_array_of_json_come_out_as_lines),
        cmocka_unit_test(a_pointer_of_git_lfs_is_told_as_one),
        cmocka_unit_test(a_record_may_have_several_lines_and_keeps_the_number_of_its_first),
        cmocka_unit_test(a_record_is_whole_across_the_ends_of_the_buffer),
        cmocka_unit_test(a_field_of_more_lines_than_a_note_has_is_a_quote_that_was_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
