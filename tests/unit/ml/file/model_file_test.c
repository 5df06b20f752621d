#include "ml/file/model_file.h"

#include "ml/file/model_layout.h"
#include "unit/ml/ml_spec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t schema[SHA256_BYTES] = {1, 2, 3};
static const double rates[] = {0.5, -2};
static const int32_t ids[] = {7, -8, 9};
static const int64_t times[] = {INT64_MIN, INT64_MAX};
static const char card[] = "{\"rows\":5}";

/* One section of every type, a matrix among them. */
static struct buf a_model(uint8_t sha256[SHA256_BYTES])
{
    struct err err = {0};
    struct buf bytes;
    struct mat m = random_mat(2, 3, 4);
    struct model_builder b = model_builder_make("risk-fm", schema);
    model_builder_add_mat(&b, "pairs", &m);
    model_builder_add(&b, "rates", MODEL_F64, rates, COUNT_OF(rates));
    model_builder_add(&b, "ids", MODEL_I32, ids, COUNT_OF(ids));
    model_builder_add(&b, "times", MODEL_I64, times, COUNT_OF(times));
    model_builder_add(&b, "empty", MODEL_U8, NULL, 0);
    model_builder_add_text(&b, "card", card);
    assert_succeeds(model_builder_finish(&b, &bytes, sha256, &err), err);
    mat_free(&m);
    return bytes;
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    struct err err = {0};
    uint8_t sha256[SHA256_BYTES];
    struct buf bytes = a_model(sha256);
    struct mat expected = random_mat(2, 3, 4);
    struct model_file file;
    struct mat m;
    const double *doubles;
    const int32_t *ints;
    const int64_t *longs;
    const char *text;
    size_t len;
    uint64_t count;
    assert_succeeds(model_file_view(bytes.data, bytes.len, &file, &err), err);
    assert_succeeds(model_file_expect(&file, "risk-fm", schema, &err), err);
    assert_memory_equal(file.sha256, sha256, SHA256_BYTES);
    assert_succeeds(model_file_mat(&file, "pairs", 2, 3, &m, &err), err);
    assert_memory_equal(mat_row(&m, 1), mat_row(&expected, 1), 3 * sizeof(float));
    assert_succeeds(model_file_f64(&file, "rates", 2, &doubles, &err), err);
    assert_memory_equal(doubles, rates, sizeof rates);
    assert_succeeds(model_file_i32(&file, "ids", 3, &ints, &err), err);
    assert_memory_equal(ints, ids, sizeof ids);
    assert_succeeds(model_file_i64(&file, "times", 2, &longs, &err), err);
    assert_memory_equal(longs, times, sizeof times);
    assert_succeeds(model_file_text(&file, "card", &text, &len, &err), err);
    assert_int_equal(len, strlen(card));
    assert_memory_equal(text, card, len);
    assert_succeeds(model_file_count(&file, "empty", MODEL_U8, &count, &err), err);
    assert_int_equal(count, 0);
    mat_free(&expected);
    buf_free(&bytes);
}

static void the_layout_is_that_of_the_header_comment(void **state)
{
    (void)state;
    uint8_t sha256[SHA256_BYTES];
    uint8_t digest[SHA256_BYTES];
    struct buf bytes = a_model(sha256);
    uint64_t length;
    uint64_t offset;
    memcpy(&length, bytes.data + 16, sizeof length);
    memcpy(&offset, bytes.data + 128 + 40, sizeof offset);
    assert_memory_equal(bytes.data, "CWMODEL1\x01\0\0\0\x0D\x0C\x0B\x0A", 16);
    assert_int_equal(length, bytes.len);
    assert_int_equal(offset, 128 + 6 * 64);
    assert_memory_equal(bytes.data + 32, "risk-fm", 8);
    assert_memory_equal(bytes.data + 128, "pairs", 6);
    hash_sha256(bytes.data, bytes.len - 32, digest);
    assert_memory_equal(bytes.data + bytes.len - 32, digest, 32);
    hash_sha256(bytes.data, bytes.len, digest);
    assert_memory_equal(sha256, digest, 32);
    assert_int_equal(model_crc32("123456789", 9), 0xCBF43926); /* the published check value */
    buf_free(&bytes);
}

/* A copy of exactly len bytes, so that ASan sees a read past its end. */
static bool is_accepted(const void *bytes, size_t len)
{
    struct err err = {0};
    struct model_file file;
    void *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    bool accepted = model_file_view(copy, len, &file, &err);
    assert_true(accepted || (err.kind == ERR_INVALID && err.text[0]));
    free(copy);
    return accepted;
}

static void a_flip_of_any_bit_of_any_byte_is_refused(void **state)
{
    (void)state;
    uint8_t sha256[SHA256_BYTES];
    struct buf bytes = a_model(sha256);
    assert_true(is_accepted(bytes.data, bytes.len));
    for (size_t i = 0; i < 8 * bytes.len; i++) {
        uint8_t *byte = (uint8_t *)bytes.data + i / 8;
        uint8_t good = *byte;
        *byte = (uint8_t)(good ^ (1U << (i % 8)));
        bool accepted = is_accepted(bytes.data, bytes.len);
        *byte = good;
        assert_int_equal(accepted ? i : SIZE_MAX, SIZE_MAX); /* i: the bit */
    }
    buf_free(&bytes);
}

static void a_file_cut_at_any_length_or_grown_is_refused(void **state)
{
    (void)state;
    uint8_t sha256[SHA256_BYTES];
    struct buf bytes = a_model(sha256);
    for (size_t len = 0; len < bytes.len; len++) {
        if (is_accepted(bytes.data, len)) {
            fail_msg("cut to %zu bytes", len);
        }
    }
    buf_free(&bytes);
    struct buf grown = a_model(sha256);
    grown.max += 64;
    buf_add(&grown, "x", 1);
    assert_false(is_accepted(grown.data, grown.len));
    buf_free(&grown);
}

/* Writes value into the model's bytes and makes all checksums right again: a lie that only the
 * bounds see. */
static bool lie_is_accepted(size_t offset, const void *value, size_t size)
{
    uint8_t sha256[SHA256_BYTES];
    struct buf bytes = a_model(sha256);
    memcpy(bytes.data + offset, value, size);
    uint8_t digest[SHA256_BYTES];
    hash_sha256(bytes.data, bytes.len - SHA256_BYTES, digest);
    memcpy(bytes.data + bytes.len - SHA256_BYTES, digest, SHA256_BYTES);
    bool accepted = is_accepted(bytes.data, bytes.len);
    buf_free(&bytes);
    return accepted;
}

/* Puts numbers that are wrong there, small and huge, into the eight bytes at offset. */
static void check_numbers_at(size_t offset)
{
    const uint64_t numbers[] = {
        1, 63, 65, 1 << 20, 1 << 28, UINT64_C(1) << 61, UINT64_C(1) << 62, UINT64_MAX};
    for (size_t n = 0; n < COUNT_OF(numbers); n++) {
        if (lie_is_accepted(offset, &numbers[n], sizeof numbers[n])) {
            fail_msg("%llu at byte %zu", (unsigned long long)numbers[n], offset);
        }
    }
}

static void lies_with_a_right_checksum_are_refused_too(void **state)
{
    (void)state;
    const size_t table = sizeof(struct model_header);
    check_numbers_at(offsetof(struct model_header, file_bytes));
    check_numbers_at(offsetof(struct model_header, section_count));
    check_numbers_at(table + offsetof(struct model_entry, dtype));
    check_numbers_at(table + offsetof(struct model_entry, crc));
    check_numbers_at(table + offsetof(struct model_entry, count));
    check_numbers_at(table + offsetof(struct model_entry, offset));
    check_numbers_at(table + offsetof(struct model_entry, bytes));
    check_numbers_at(table + offsetof(struct model_entry, zero));
    assert_false(lie_is_accepted(table, "rates", 6));  /* a name twice */
    assert_false(lie_is_accepted(table, "Pairs", 6));  /* not a name */
    assert_false(lie_is_accepted(table, "\0airs", 6)); /* something after the end of a name */
    assert_false(lie_is_accepted(96, "x", 1));         /* reserved */
    assert_true(
        lie_is_accepted(32, "risk-gm", 8)); /* the harmless change proves the checksum is redone */
}

static void a_float_that_is_not_finite_is_refused_on_load(void **state)
{
    (void)state;
    uint8_t sha256[SHA256_BYTES];
    struct buf bytes = a_model(sha256);
    struct model_header header;
    struct model_entry entry;
    const float nan = NAN;
    memcpy(&header, bytes.data, sizeof header);
    memcpy(&entry, bytes.data + sizeof header, sizeof entry);
    memcpy(bytes.data + entry.offset, &nan, sizeof nan);
    entry.crc = model_crc32(bytes.data + entry.offset, entry.bytes);
    memcpy(bytes.data + sizeof header, &entry, sizeof entry);
    hash_sha256(bytes.data, bytes.len - 32, (uint8_t *)bytes.data + bytes.len - 32);
    struct err err = {0};
    struct model_file file;
    assert_refused(model_file_view(bytes.data, bytes.len, &file, &err), err,
                   "'pairs' holds a number");
    buf_free(&bytes);
}

static void the_same_sections_give_the_same_bytes(void **state)
{
    (void)state;
    uint8_t sha256[2][SHA256_BYTES];
    struct buf one = a_model(sha256[0]);
    struct buf two = a_model(sha256[1]);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
    buf_free(&one);
    buf_free(&two);
}

static void asking_for_another_shape_or_type_is_refused(void **state)
{
    (void)state;
    uint8_t sha256[SHA256_BYTES];
    struct buf bytes = a_model(sha256);
    struct err err = {0};
    struct model_file file;
    struct mat m;
    const float *floats;
    const int32_t *ints;
    const uint8_t other[SHA256_BYTES] = {0};
    assert_succeeds(model_file_view(bytes.data, bytes.len, &file, &err), err);
    assert_refused(model_file_mat(&file, "pairs", 3, 3, &m, &err), err, "32 elements, not 48");
    assert_refused(model_file_mat(&file, "pairs", -1, 3, &m, &err), err, "-1 rows");
    assert_refused(model_file_f32(&file, "ids", 3, &floats, &err), err, "type 3, not 1");
    assert_refused(model_file_i32(&file, "ids", 2, &ints, &err), err, "3 elements, not 2");
    assert_refused(model_file_i32(&file, "nothing", 2, &ints, &err), err, "no section 'nothing'");
    assert_refused(model_file_expect(&file, "affinity-als", schema, &err), err, "kind 'risk-fm'");
    assert_refused(model_file_expect(&file, "risk-fm", other, &err), err, "another schema");
    buf_free(&bytes);
}

static void a_builder_refuses_what_a_reader_would(void **state)
{
    (void)state;
    const float nan = NAN;
    const double infinity = (double)INFINITY;
    const struct {
        const char *kind, *name, *second;
        enum model_dtype dtype;
        const void *data;
        const char *text;
    } cases[] = {
        {"Risk", "a", "b", MODEL_I32, ids, "'Risk' is not a model kind"},
        {"", "a", "b", MODEL_I32, ids, "not a model kind"},
        {"a-kind-with-a-name-of-32-letters", "a", "b", MODEL_I32, ids, "not a model kind"},
        {"risk", "", "b", MODEL_I32, ids, "not a section name"},
        {"risk", "a name", "b", MODEL_I32, ids, "not a section name"},
        {"risk", "a-name-of-24-characters-", "b", MODEL_I32, ids, "not a section name"},
        {"risk", "a", "a", MODEL_I32, ids, "there twice"},
        {"risk", "a", "b", (enum model_dtype)0, ids, "unknown type"},
        {"risk", "a", "b", (enum model_dtype)6, ids, "unknown type"},
        {"risk", "a", "b", MODEL_F32, &nan, "not finite"},
        {"risk", "a", "b", MODEL_F64, &infinity, "not finite"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        struct buf bytes = {0};
        uint8_t sha256[SHA256_BYTES];
        struct model_builder b = model_builder_make(cases[i].kind, schema);
        model_builder_add(&b, cases[i].name, cases[i].dtype, cases[i].data, 1);
        model_builder_add(&b, cases[i].second, MODEL_I32, ids, 1);
        assert_refused(model_builder_finish(&b, &bytes, sha256, &err), err, cases[i].text);
        assert_null(bytes.data);
    }
}

static void a_model_has_between_one_and_64_sections(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf bytes;
    uint8_t sha256[SHA256_BYTES];
    struct model_builder b = model_builder_make("risk", schema);
    assert_refused(model_builder_finish(&b, &bytes, sha256, &err), err, "without sections");
    for (int i = 0; i < MODEL_SECTIONS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "s%d", i);
        model_builder_add(&b, name, MODEL_I32, ids, 1);
    }
    assert_succeeds(model_builder_finish(&b, &bytes, sha256, &err), err);
    assert_true(is_accepted(bytes.data, bytes.len));
    buf_free(&bytes);
    model_builder_add(&b, "one-more", MODEL_I32, ids, 1);
    assert_refused(model_builder_finish(&b, &bytes, sha256, &err), err, "at most 64");
}

/* ---- on disk ---- */

static char dir[] = "/tmp/cartwright-model-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int count_and_remove_files(bool remove_them)
{
    int count = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.') {
            count++;
            if (remove_them) {
                (void)unlinkat(dirfd(d), e->d_name, 0);
            }
        }
    }
    (void)closedir(d);
    return count;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)count_and_remove_files(true);
    return rmdir(dir);
}

static void a_saved_model_opens_under_the_name_of_its_hash(void **state)
{
    (void)state;
    struct err err = {0};
    uint8_t sha256[SHA256_BYTES];
    char path[MODEL_PATH_BYTES];
    char expected[MODEL_PATH_BYTES];
    struct buf bytes = a_model(sha256);
    struct model_file file;
    struct mat m;
    (void)count_and_remove_files(true);
    assert_succeeds(model_file_save(dir, bytes.data, bytes.len, path, &err), err);
    assert_succeeds(model_file_save(dir, bytes.data, bytes.len, path, &err), err);
    assert_succeeds(model_file_path(dir, sha256, expected, &err), err);
    assert_string_equal(path, expected);
    assert_int_equal(count_and_remove_files(false), 1); /* no temporary file stays behind */
    assert_succeeds(model_file_open(path, &file, &err), err);
    assert_true(file.owned);
    assert_memory_equal(file.sha256, sha256, SHA256_BYTES);
    assert_succeeds(model_file_mat(&file, "pairs", 2, 3, &m, &err), err);
    assert_int_equal((uintptr_t)m.data % 64, 0);
    model_file_close(&file);
    model_file_close(&file);
    buf_free(&bytes);
}

static void a_file_that_is_cut_short_while_it_serves_changes_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    uint8_t sha256[SHA256_BYTES];
    char path[MODEL_PATH_BYTES];
    struct buf bytes = a_model(sha256);
    struct model_file file;
    assert_succeeds(model_file_save(dir, bytes.data, bytes.len, path, &err), err);
    assert_succeeds(model_file_open(path, &file, &err), err);
    assert_int_equal(truncate(path, 0), 0);
    assert_memory_equal(file.bytes, bytes.data, bytes.len); /* mapped, this would be SIGBUS */
    model_file_close(&file);
    (void)unlink(path);
    buf_free(&bytes);
}

static void bytes_in_memory_are_copied(void **state)
{
    (void)state;
    struct err err = {0};
    uint8_t sha256[SHA256_BYTES];
    struct buf bytes = a_model(sha256);
    struct model_file file;
    struct mat m;
    assert_succeeds(model_file_copy(bytes.data, bytes.len, &file, &err), err);
    assert_refused(model_file_copy(bytes.data, 0, &file, &err), err, "cannot be a model file");
    bytes.data[300] = (char)~bytes.data[300];
    assert_memory_equal(file.sha256, sha256, SHA256_BYTES);
    assert_succeeds(model_file_mat(&file, "pairs", 2, 3, &m, &err), err);
    assert_int_equal((uintptr_t)m.data % 64, 0);
    model_file_close(&file);
    assert_false(model_file_copy(bytes.data, bytes.len, &file, &err)); /* checked as well */
    buf_free(&bytes);
}

static void saving_into_a_missing_directory_fails_and_says_why(void **state)
{
    (void)state;
    struct err err = {0};
    char path[MODEL_PATH_BYTES] = "untouched";
    assert_false(model_file_save("/nonexistent/models", "x", 1, path, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_text_contains(err.text, "no such file");
    assert_string_equal(path, "untouched");
}

static void links_directories_and_missing_files_are_not_opened(void **state)
{
    (void)state;
    struct err err = {0};
    uint8_t sha256[SHA256_BYTES];
    char path[MODEL_PATH_BYTES];
    char link[MODEL_PATH_BYTES];
    struct buf bytes = a_model(sha256);
    struct model_file file;
    assert_succeeds(model_file_save(dir, bytes.data, bytes.len, path, &err), err);
    (void)snprintf(link, sizeof link, "%s/link.bin", dir);
    assert_int_equal(symlink(path, link), 0);
    assert_refused(model_file_open(link, &file, &err), err, "symbolic links");
    assert_refused(model_file_open(dir, &file, &err), err, "not a plain file");
    assert_refused(model_file_open("/nonexistent", &file, &err), err, "no such file");
    buf_free(&bytes);
}

static void an_empty_or_truncated_file_on_disk_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    uint8_t sha256[SHA256_BYTES];
    char path[MODEL_PATH_BYTES];
    struct buf bytes = a_model(sha256);
    struct model_file file;
    const off_t lengths[] = {0, 1, 4000};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        assert_succeeds(model_file_save(dir, bytes.data, bytes.len, path, &err), err);
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(truncate(path, lengths[i]), 0);
        assert_refused(model_file_open(path, &file, &err), err, "model file");
    }
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(the_layout_is_that_of_the_header_comment),
        cmocka_unit_test(a_flip_of_any_bit_of_any_byte_is_refused),
        cmocka_unit_test(a_file_cut_at_any_length_or_grown_is_refused),
        cmocka_unit_test(lies_with_a_right_checksum_are_refused_too),
        cmocka_unit_test(a_float_that_is_not_finite_is_refused_on_load),
        cmocka_unit_test(the_same_sections_give_the_same_bytes),
        cmocka_unit_test(asking_for_another_shape_or_type_is_refused),
        cmocka_unit_test(a_builder_refuses_what_a_reader_would),
        cmocka_unit_test(a_model_has_between_one_and_64_sections),
        cmocka_unit_test(a_saved_model_opens_under_the_name_of_its_hash),
        cmocka_unit_test(a_file_that_is_cut_short_while_it_serves_changes_nothing),
        cmocka_unit_test(bytes_in_memory_are_copied),
        cmocka_unit_test(saving_into_a_missing_directory_fails_and_says_why),
        cmocka_unit_test(links_directories_and_missing_files_are_not_opened),
        cmocka_unit_test(an_empty_or_truncated_file_on_disk_is_refused),
    };
    return cmocka_run_group_tests_name("ml/file/model_file", tests, make_dir, remove_dir);
}
