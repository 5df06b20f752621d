/* A factorization that is killed goes on where it stood; checkpoints that are not whole, or of another training, are not believed. */
#include "train/affinity/train_factors.h"

#include "base/mem.h"
#include "ml/linear/blas.h"
#include "train/affinity/train_checkpoint.h"
#include "unit/ml/ml_spec.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { M = 120, N = 80, SWEEPS = 5 };

static char folder[] = "/tmp/cartwright-factors-XXXXXX";

struct bench {
    struct config config;
    struct train_options options;
    struct training training;
    struct train_factors job;
    struct als_options als;
    struct csr interactions;
    char told[8192]; /* what the training said */
};

static void open_bench(struct bench *b)
{
    *b = (struct bench){.options.json = true, .als = als_defaults()};
    (void)snprintf(b->config.data_dir, sizeof b->config.data_dir, "%s", folder);
    b->training = (struct training){.config = &b->config, .options = &b->options};
    b->job = (struct train_factors){.t = &b->training, .what = "everything", .keep = true};
    b->als.factors = 12;
    b->als.sweeps = SWEEPS;
    b->interactions = random_interactions(M, N, 0.1, 21);
}

static void close_bench(struct bench *b)
{
    csr_free(&b->interactions);
    train_factors_forget(&b->training);
}

/* Trains with what is said in b->told. */
static void run(struct bench *b, struct mat *shoppers, struct mat *items)
{
    struct err err = {0};
    memset(b->told, 0, sizeof b->told);
    FILE *out = fmemopen(b->told, sizeof b->told, "w");
    assert_non_null(out);
    b->options.out = out;
    assert_succeeds(train_factors(&b->job, &b->interactions, &b->als, shoppers, items, &err), err);
    (void)fclose(out);
}

static void assert_same(const struct mat *a, const struct mat *b)
{
    assert_memory_equal(a->data, b->data, (size_t)a->rows * (size_t)a->ld * sizeof *a->data);
}

/* Runs, and compares with a training that nothing disturbed. */
static void run_and_compare(struct bench *b)
{
    struct err err = {0};
    struct mat shoppers[2];
    struct mat items[2];
    run(b, &shoppers[0], &items[0]);
    assert_succeeds(als_train(&b->interactions, &b->als, &shoppers[1], &items[1], &err), err);
    assert_same(&shoppers[0], &shoppers[1]);
    assert_same(&items[0], &items[1]);
    for (int i = 0; i < 2; i++) {
        mat_free(&shoppers[i]);
        mat_free(&items[i]);
    }
}

/* A stream that kills the process when it is told of sweep 3: the checkpoint of sweep 2 is written, that of 3 is not. */
static ssize_t kill_at_three(void *cookie, const char *text, size_t size)
{
    (void)cookie;
    if (memmem(text, size, "\"sweep\":3", 9)) {
        (void)raise(SIGKILL);
    }
    return (ssize_t)size;
}

static void train_until_killed(struct bench *b)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct err err = {0};
        struct mat shoppers;
        struct mat items;
        b->options.out = fopencookie(NULL, "w", (cookie_io_functions_t){.write = kill_at_three});
        bool ended = train_factors(&b->job, &b->interactions, &b->als, &shoppers, &items, &err);
        _exit(ended ? 1 : 2);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_training_killed_after_sweep_two_goes_on_and_gives_the_same_bytes(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    train_until_killed(&b);
    run_and_compare(&b);
    assert_text_contains(b.told, "resumed after sweep 2 of 5");
    assert_text_contains(b.told, "\"sweep\":3");
    assert_null(strstr(b.told, "\"sweep\":2,"));
    close_bench(&b);
}

static void other_data_and_other_options_do_not_go_on_from_it(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    train_until_killed(&b);
    b.als.reg *= 2;
    run_and_compare(&b);
    assert_null(strstr(b.told, "resumed"));
    b.als.reg /= 2;
    b.interactions.weight[3] *= 2;
    run_and_compare(&b);
    assert_null(strstr(b.told, "resumed"));
    close_bench(&b);
}

static void another_number_of_threads_goes_on_from_it(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    train_until_killed(&b);
    b.als.threads = 3;
    run_and_compare(&b);
    assert_text_contains(b.told, "resumed after sweep 2 of 5");
    close_bench(&b);
}

static void path_of(const struct bench *b, char out[MODEL_PATH_BYTES])
{
    struct err err = {0};
    struct checkpoint c;
    char dir[MODEL_PATH_BYTES];
    (void)snprintf(dir, sizeof dir, "%s/models", folder);
    assert_succeeds(checkpoint_name(dir, &b->interactions, &b->als, &c, &err), err);
    memcpy(out, c.path, MODEL_PATH_BYTES);
}

static void a_flipped_byte_or_a_missing_end_starts_from_the_beginning(void **state)
{
    (void)state;
    char path[MODEL_PATH_BYTES];
    struct stat st;
    for (int damage = 0; damage < 40; damage++) {
        struct bench b;
        open_bench(&b);
        path_of(&b, path);
        train_until_killed(&b);
        assert_int_equal(stat(path, &st), 0);
        off_t at = st.st_size * damage / 40;
        if (damage % 2) {
            assert_int_equal(truncate(path, at), 0);
        } else {
            uint8_t byte = 0;
            int fd = open(path, O_RDWR | O_CLOEXEC);
            assert_int_equal(pread(fd, &byte, 1, at), 1);
            byte ^= 4;
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
            (void)close(fd);
        }
        run_and_compare(&b);
        assert_null(strstr(b.told, "resumed"));
        close_bench(&b);
    }
}

static void an_ended_training_leaves_nothing_behind(void **state)
{
    (void)state;
    struct bench b;
    char path[MODEL_PATH_BYTES];
    open_bench(&b);
    path_of(&b, path);
    train_until_killed(&b);
    assert_int_equal(access(path, F_OK), 0);
    run_and_compare(&b);
    train_factors_forget(&b.training);
    assert_int_equal(access(path, F_OK), -1);
    close_bench(&b);
}

static void without_a_place_for_checkpoints_it_trains_all_the_same(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    (void)snprintf(b.config.data_dir, sizeof b.config.data_dir, "/proc/nowhere");
    run_and_compare(&b);
    assert_text_contains(b.told, "without checkpoints");
    close_bench(&b);
}

static void memory_and_every_sweep_are_told(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    run_and_compare(&b);
    assert_text_contains(b.told, "12 factors of 120 shoppers and 80 products");
    assert_text_contains(b.told, "MiB");
    assert_text_contains(b.told, "\"sweep\":5,\"sweeps\":5,\"loss\":");
    close_bench(&b);
}

static int start(void **state)
{
    (void)state;
    blas_init();
    return mkdtemp(folder) ? 0 : -1;
}

static int finish(void **state)
{
    char models[sizeof folder + 16];
    (void)state;
    (void)snprintf(models, sizeof models, "%s/models", folder);
    return rmdir(models) == 0 && rmdir(folder) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_killed_after_sweep_two_goes_on_and_gives_the_same_bytes),
        cmocka_unit_test(other_data_and_other_options_do_not_go_on_from_it),
        cmocka_unit_test(another_number_of_threads_goes_on_from_it),
        cmocka_unit_test(a_flipped_byte_or_a_missing_end_starts_from_the_beginning),
        cmocka_unit_test(an_ended_training_leaves_nothing_behind),
        cmocka_unit_test(without_a_place_for_checkpoints_it_trains_all_the_same),
        cmocka_unit_test(memory_and_every_sweep_are_told),
    };
    return cmocka_run_group_tests_name("train/affinity/train_factors", tests, start, finish);
}
