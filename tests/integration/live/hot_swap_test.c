/* Models are swapped a hundred times (a thousand under CARTWRIGHT_LONG) while clients ask over HTTP: no request fails, and every answer names one model. */
#include "integration/train_spec.h"

#include "base/clock.h"
#include "store/models.h"
#include "support/at_length.h"
#include "support/http_client.h"
#include "support/service.h"
#include "support/spec.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLIENTS = 4,
    SHOPPERS = SHOPPERS_ENOUGH,
    SWAPS_SHORT = SHOP_IS_LARGE ? 100 : 40,
    SWAPS_LONG = 1000,
    TIMEOUT_MS = 10000,
};

static struct flow_bench bench;
static struct service service;
static char *key;

static int open_bench(void **state)
{
    static const char *const flags[] = {"--model-poll", "10ms", "--log-level", "warn", NULL};
    (void)state;
    flow_open(&bench, "hot_swap");
    open_shop(&bench,
              &(struct shop){.shoppers = SHOPPERS, .taste = true, .effect = true, .seed = 1});
    train_shop(&bench, 1);
    fold_to_end(&bench);
    key = service_key(bench.url, "admin");
    service = service_start(bench.url, flags);
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    if (service_stop(&service) != 0) {
        service_print_log(&service);
        fail_msg("the service did not stop cleanly");
    }
    free(key);
    flow_close(&bench);
    return 0;
}

struct asking {
    atomic_bool stop;
    atomic_int answers;
    atomic_int failures;
};

struct client {
    struct asking *all;
    int number;
};

/* Recommendations, a customer, a decision: what reads the models. */
static bool ask(struct http_client *http, int shopper, int turn)
{
    char text[100];
    const char *body = NULL;
    int status = 0;
    if (turn % 3 == 2) {
        (void)snprintf(text, sizeof text, "{\"customer_id\":\"shopper%d\",\"dry_run\":true}",
                       shopper);
        status = http_client_request(http, service.port, "/v1/outreach", text, &body);
        return status == 200 && strstr(body, "\"decision\":") != NULL;
    }
    (void)snprintf(text, sizeof text, "/v1/customers/shopper%d%s", shopper,
                   turn % 3 ? "" : "/recommendations?k=5");
    status = http_client_request(http, service.port, text, NULL, &body);
    return status == 200 && (turn % 3 == 1 || strstr(body, "\"model\":\"affinity-") != NULL);
}

static void *ask_on(void *arg)
{
    const struct client *c = arg;
    struct http_client *http = http_client_open(key, TIMEOUT_MS);
    for (int turn = 0; !atomic_load(&c->all->stop); turn++) {
        bool ok = ask(http, (c->number * 7919 + turn) % SHOPPERS, turn);
        atomic_fetch_add(&c->all->failures, !ok);
        atomic_fetch_add(&c->all->answers, 1);
    }
    http_client_close(http);
    return NULL;
}

static void promote(const char *version)
{
    struct err err = {0};
    if (!store_model_promote(bench.db, "affinity", version, "promote", false, clock_now_us(),
                             &err)) {
        fail_msg("promote: %s", err.text);
    }
}

/* Until the program answers with that model. */
static bool await_model(struct http_client *http, const char *version)
{
    const char *named = arena_printf(&bench.arena, "\"model\":\"%s\"", version);
    const int64_t until_us = clock_monotonic_us() + SECONDS(20);
    while (clock_monotonic_us() < until_us) {
        const char *body = NULL;
        if (http_client_request(http, service.port, "/v1/customers/nobody/recommendations?k=1",
                                NULL, &body) == 200 &&
            strstr(body, named) != NULL) {
            return true;
        }
        (void)poll(NULL, 0, 2);
    }
    return false;
}

static void swaps_under_load_fail_no_request(void **state)
{
    const int swaps = at_length() ? SWAPS_LONG : SWAPS_SHORT;
    struct asking all = {0};
    struct client clients[CLIENTS];
    pthread_t threads[CLIENTS];
    struct http_client *http = http_client_open(key, TIMEOUT_MS);
    int seen = 0;
    (void)state;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){&all, i};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_on, &clients[i]), 0);
    }
    for (; seen < swaps; seen++) {
        const char *version = seen % 2 ? "affinity-als-2" : "affinity-popularity-1";
        promote(version);
        if (!await_model(http, version)) {
            break;
        }
    }
    atomic_store(&all.stop, true);
    for (int i = 0; i < CLIENTS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    http_client_close(http);
    print_message("%d swaps, %d answers, %d failures\n", seen, atomic_load(&all.answers),
                  atomic_load(&all.failures));
    assert_int_equal(seen, swaps);
    assert_int_equal(atomic_load(&all.failures), 0);
    assert_true(atomic_load(&all.answers) > swaps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swaps_under_load_fail_no_request),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
