#include "bench/session_eval.h"

#include "unit/ml/session_spec.h"

#include <stdio.h>

/* Of the sessions that settings are chosen by. ThreadSanitizer sees what threads do with the first few. */
#ifdef __SANITIZE_THREAD__
enum { QUERIES = 200 };
#else
enum { QUERIES = 1500 };
#endif

/* A file in memory; the caller closes it. */
static FILE *file_of(const char *text)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    rewind(file);
    return file;
}

static void trained(const struct session_log *log, struct session_model *out,
                    struct session_quality *out_valid)
{
    struct session_train_options o = session_train_defaults();
    struct err err = {0};
    o.threads = 2;
    o.queries_max = QUERIES;
    assert_succeeds(session_train(log, &o, out, out_valid, &err), err);
}

/* Test lines from sessions; the targets are their last items. */
static struct session_cases cases_of(const struct session_log *log)
{
    struct session_cases c = {.count = log->sessions,
                              .start = mem_array((size_t)log->sessions + 1, sizeof *c.start),
                              .item = mem_array((size_t)log->start[log->sessions], sizeof *c.item)};
    memcpy(c.start, log->start, ((size_t)log->sessions + 1) * sizeof *c.start);
    memcpy(c.item, log->item, (size_t)log->start[log->sessions] * sizeof *c.item);
    return c;
}

static void what_follows_is_learnt_and_each_test_line_is_scored_alone(void **state)
{
    (void)state;
    enum { LINES = 400 };
    struct session_log log = wandering_sessions(1500, 200, 11);
    struct session_log later = wandering_sessions(LINES, 200, 12);
    struct session_model model;
    struct session_quality valid;
    trained(&log, &model, &valid);
    struct session_cases cases = cases_of(&later);
    int32_t rank[LINES];
    (void)session_cases_rank(&model, &cases, rank);
    struct session_quality quality = session_ranks_quality(rank, LINES);
    assert_less(.6, quality.hit);
    assert_less(.3, quality.reciprocal_rank);

    int line[LINES];
    struct rng rng = rng_seed(5);
    for (int i = 0; i < LINES; i++) {
        int j = (int)rng_below(&rng, (uint64_t)i + 1);
        line[i] = line[j];
        line[j] = i;
    }
    struct session_log shuffled = {0};
    for (int i = 0; i < LINES; i++) {
        session_log_add(&shuffled, session_log_items(&later, line[i]),
                        session_log_length(&later, line[i]));
    }
    struct session_cases again = cases_of(&shuffled);
    int32_t rank_again[LINES];
    (void)session_cases_rank(&model, &again, rank_again);
    for (int i = 0; i < LINES; i++) {
        assert_int_equal(rank_again[i], rank[line[i]]);
    }
    session_cases_free(&cases);
    session_cases_free(&again);
    session_log_free(&shuffled);
    session_model_free(&model);
    session_log_free(&log);
    session_log_free(&later);
}

static void a_session_posted_now_changes_the_next_ranking(void **state)
{
    (void)state;
    struct session_log log = wandering_sessions(1000, 200, 13);
    struct session_model model;
    struct session_quality valid;
    trained(&log, &model, &valid);
    struct session_scratch *scratch = session_scratch_make(&model);
    const int32_t prefix[] = {10};
    const struct session_candidate *c;
    int count = session_candidates(&model, prefix, 1, scratch, &c);
    for (int i = 0; i < count; i++) {
        assert_true(c[i].item != 150 || c[i].neighbours < .05F);
    }
    for (int s = 0; s < 50; s++) {
        uint32_t session = SESSION_NONE;
        session_index_append(model.index, &session, 10);
        session_index_append(model.index, &session, 150);
    }
    count = session_candidates(&model, prefix, 1, scratch, &c);
    float share = 0;
    for (int i = 0; i < count; i++) {
        share = c[i].item == 150 ? c[i].neighbours : share;
    }
    assert_less(.2, share);
    session_scratch_free(&scratch);
    session_model_free(&model);
    session_log_free(&log);
}

static void odd_sessions_are_learnt_from_without_harm(void **state)
{
    (void)state;
    struct session_log log = {0};
    static int32_t wide[10000];
    for (int i = 0; i < 10000; i++) {
        wide[i] = i % 700;
    }
    for (int s = 0; s < 60; s++) {
        session_log_add(&log, (const int32_t[]){3, 3, 3, 3}, 4); /* one item */
        session_log_add(&log, (const int32_t[]){5}, 1);          /* nothing follows */
        session_log_add(&log, (const int32_t[]){s, s + 1}, 2);
    }
    session_log_add(&log, wide, 10000);
    for (int s = 0; s < 60; s++) {
        session_log_add(&log, (const int32_t[]){s, 3, s + 1}, 3);
    }
    struct session_model model;
    struct session_quality valid;
    trained(&log, &model, &valid);
    struct session_scratch *scratch = session_scratch_make(&model);
    struct session_hit hits[SESSION_CANDIDATES];
    assert_true(session_rank(&model, wide, 10000, scratch, hits) > 0);
    assert_true(session_rank(&model, (const int32_t[]){3, 3, 3}, 3, scratch, hits) > 0);
    assert_int_equal(session_rank(&model, (const int32_t[]){-1, 1 << 30}, 2, scratch, hits), 0);
    assert_int_equal(session_rank(&model, NULL, 0, scratch, hits), 0);
    session_scratch_free(&scratch);
    session_model_free(&model);
    session_log_free(&log);
}

static void sessions_of_one_item_teach_nothing_and_that_is_said(void **state)
{
    (void)state;
    struct session_log log = {0};
    for (int32_t s = 0; s < 40; s++) {
        session_log_add(&log, &s, 1);
    }
    struct session_train_options o = session_train_defaults();
    struct session_model model;
    struct session_quality valid;
    struct err err = {0};
    assert_refused(session_train(&log, &o, &model, &valid, &err), err, "no session");
    session_log_free(&log);
}

static void an_equal_score_counts_against_the_target(void **state)
{
    (void)state;
    const struct session_hit hits[] = {{1, .5F}, {2, .5F}, {3, .5F}, {4, .7F}, {5, .1F}};
    assert_int_equal(session_rank_of(hits, 5, 4), 1);
    assert_int_equal(session_rank_of(hits, 5, 1), 4);
    assert_int_equal(session_rank_of(hits, 5, 5), 5);
    assert_int_equal(session_rank_of(hits, 5, 9), 0);
}

static void check_bad_train(const char *text, const char *where, const char *part)
{
    struct session_data data;
    struct err err = {0};
    FILE *file = file_of(text);
    assert_refused(session_data_read(file, "train", &data, &err), err, part);
    assert_string_equal(err.path, where);
    (void)fclose(file);
}

static void a_bad_line_is_told_by_its_number(void **state)
{
    (void)state;
    check_bad_train("", "train", "at least one line");
    check_bad_train("1 2\n\n3\n", "train:2", "at least 1 item");
    check_bad_train("1 2\n1 x\n", "train:2", "item numbers only, byte 0x78");
    check_bad_train("1 -2\n", "train:1", "byte 0x2d");
    check_bad_train("1 2\n3 4", "train:2", "cut off");
    check_bad_train("1 1234567890123456789\n", "train:1", "at most 18 digits");

    struct session_data data;
    struct session_cases cases;
    struct err err = {0};
    FILE *train = file_of("1 2\n900 2 1\n");
    assert_succeeds(session_data_read(train, "train", &data, &err), err);
    assert_int_equal(data.log.sessions, 2);
    assert_int_equal(data.log.items, 3);
    assert_int_equal(data.id[2], 900);
    FILE *test = file_of("1 900\n2\n");
    assert_refused(session_cases_read(test, "test", &data, &cases, &err), err, "at least 2 items");
    assert_string_equal(err.path, "test:2");
    FILE *unknown = file_of("1\t77 900\r\n");
    assert_succeeds(session_cases_read(unknown, "test", &data, &cases, &err), err);
    assert_int_equal(cases.item[1], -1);
    assert_int_equal(cases.item[2], 2);
    session_cases_free(&cases);
    session_data_free(&data);
    (void)fclose(train);
    (void)fclose(test);
    (void)fclose(unknown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_follows_is_learnt_and_each_test_line_is_scored_alone),
        cmocka_unit_test(a_session_posted_now_changes_the_next_ranking),
        cmocka_unit_test(odd_sessions_are_learnt_from_without_harm),
        cmocka_unit_test(sessions_of_one_item_teach_nothing_and_that_is_said),
        cmocka_unit_test(an_equal_score_counts_against_the_target),
        cmocka_unit_test(a_bad_line_is_told_by_its_number),
    };
    TSAN_RUNS_ONLY("learnt", tests);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
