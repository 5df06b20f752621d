/* Specification of routing, queries and media types; and of openapi.json being true. */
#include "http/api/router.h"

#include "base/mem.h"
#include "http/wire/respond.h"
#include "store/keys.h"

#include "support/spec.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct config config = {.http_body_max = 1000, .batch_max = 3};
static struct app app = {.config = &config, .bodies = {.max = 100000}};

static struct request *a_request(const char *method, const char *target)
{
    struct request *rq = mem_alloc(sizeof *rq);

    request_begin(rq, &app, target);
    request_name(rq, "test", NULL);
    rq->method = method;
    return rq;
}

static void done(struct request *rq)
{
    request_end(rq);
    arena_free(&rq->arena);
    free(rq);
}

static void expect_route(const char *method, const char *target, route_handler *handler,
                         const char *id)
{
    struct request *rq = a_request(method, target);

    assert_true(router_find(rq));
    assert_ptr_equal(rq->route->handle, handler);
    if (id != NULL) {
        assert_string_equal(rq->id, id);
    } else {
        assert_null(rq->id);
    }
    done(rq);
}

static void expect_refusal(const char *method, const char *target, int status, const char *says)
{
    struct request *rq = a_request(method, target);

    assert_false(router_find(rq));
    assert_int_equal(rq->answer.status, status);
    assert_string_equal(rq->answer.content_type, "application/problem+json");
    assert_text_contains(buf_text(&rq->answer.body), says);
    done(rq);
}

static void a_route_is_found_by_method_and_path(void **state)
{
    (void)state;
    expect_route("POST", "/v1/events", api_events_post, NULL);
    expect_route("GET", "/v1/products?limit=3", api_products_list, NULL);
    expect_route("GET", "/v1/products/mug", api_product_get, "mug");
    expect_route("PUT", "/v1/products/mug", api_product_put, "mug");
    expect_route("PATCH", "/v1/products/mug", api_product_patch, "mug");
    expect_route("DELETE", "/v1/products/mug", api_product_delete, "mug");
    expect_route("HEAD", "/livez", api_livez, NULL);
    expect_route("GET", "/v1/customers/ada/recommendations", api_customer_recommendations, "ada");
}

static void an_id_is_decoded_once(void **state)
{
    (void)state;
    expect_route("GET", "/v1/customers/a%40b%2541+c", api_customer_get, "a@b%41+c");
    expect_route("GET", "/v1/customers/caf%C3%A9", api_customer_get, "caf\xc3\xa9");
    expect_route("GET", "/v1/outreach/a%2Fwhy", api_outreach_get, "a/why");
    expect_route("GET", "/v1/products/a%2fb%5C100%25", api_product_get, "a/b\\100%");
}

static void an_id_that_is_no_text_is_refused(void **state)
{
    char target[250] = "/v1/customers/";

    (void)state;
    expect_refusal("GET", "/v1/customers/%ff", 400, "is not UTF-8");
    memset(target + 14, 'a', 201);
    expect_refusal("GET", target, 400, "more than 200 bytes");
    target[14 + 200] = '\0';
    expect_route("GET", target, api_customer_get, target + 14);
}

static void an_unknown_path_is_404(void **state)
{
    static const char *const targets[] = {"/",           "/v1",           "/v1/",
                                          "/v1/event",   "/v1/events/",   "/v1/events/x",
                                          "/v1//events", "/v1/carts/x",   "/V1/events",
                                          "/livez/",     "/v1/products/", "/v1/outreach/x/y"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        expect_refusal("GET", targets[i], 404, "there is no such route");
    }
}

static void a_known_path_with_another_method_is_405_and_says_which(void **state)
{
    struct request *rq = a_request("POST", "/v1/products/mug");

    (void)state;
    assert_false(router_find(rq));
    assert_int_equal(rq->answer.status, 405);
    assert_string_equal(rq->answer.allow, "PUT, PATCH, DELETE, GET, HEAD");
    done(rq);
    expect_refusal("GET", "/v1/events", 405, "this route takes POST");
    expect_refusal("OPTIONS", "/v1/carts", 405, "this route takes GET, HEAD");
    expect_refusal("get", "/v1/carts", 405, "this route takes GET, HEAD");
}

static void a_query_parameter_nobody_knows_is_refused_rather_than_ignored(void **state)
{
    (void)state;
    expect_refusal("GET", "/v1/carts?sate=idle", 400, "\"parameter\":\"sate\"");
    expect_refusal("GET", "/v1/carts?status=idle", 400, "there are: state order limit cursor");
    expect_refusal("GET", "/livez?x", 400, "there is no such query parameter here");
    expect_refusal("GET", "/v1/carts?limit=1&limit=2", 400, "must be given once");
    expect_refusal("GET", "/v1/carts?limit=%00", 400, "not percent-coded UTF-8");
    expect_refusal("GET", "/v1/carts?limit=%f", 400, "not percent-coded UTF-8");
    expect_refusal("GET", "/v1/carts?=1", 400, "no such query parameter");
}

static void a_query_value_is_decoded(void **state)
{
    struct request *rq = a_request("GET", "/v1/carts?&cursor=a%2Fb+c&&limit=7&");
    struct err err = {0};
    int64_t limit = 0;

    (void)state;
    assert_true(router_find(rq));
    assert_string_equal(request_param(rq, "cursor"), "a/b c");
    assert_true(request_param_i64(rq, "limit", 1, 9, 3, &limit, &err));
    assert_int_equal(limit, 7);
    assert_true(request_param_i64(rq, "absent", 1, 9, 3, &limit, &err));
    assert_int_equal(limit, 3);
    done(rq);
}

static void a_number_out_of_range_or_none_at_all_is_refused(void **state)
{
    static const char *const bad[] = {"0", "10", "-1",   "x",
                                      "",  "5x", "%205", "9223372036854775808"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char target[100];
        struct err err = {0};
        int64_t limit = 3;
        (void)snprintf(target, sizeof target, "/v1/carts?limit=%s", bad[i]);
        struct request *rq = a_request("GET", target);
        assert_true(router_find(rq));
        assert_false(request_param_i64(rq, "limit", 1, 9, 3, &limit, &err));
        assert_string_equal(err.path, "limit");
        assert_string_equal(err.text, "must be an integer between 1 and 9");
        assert_int_equal(limit, 3);
        done(rq);
    }
}

static void only_json_and_ndjson_are_taken(void **state)
{
    static const struct {
        const char *type, *encoding;
        bool taken, lines, gzip;
    } cases[] = {
        {"application/json", NULL, true, false, false},
        {"application/json; charset=utf-8", NULL, true, false, false},
        {"Application/JSON;charset=UTF-8", "identity", true, false, false},
        {"application/x-ndjson", "gzip", true, true, true},
        {"application/json ; charset = utf-8", NULL, false, false, false},
        {"application/json ;charset=\"UTF-8\" ;", NULL, true, false, false},
        {"application/json; charset=us-ascii", NULL, true, false, false},
        {"application/json; odata=verbose; charset=utf-8; profile=\"a\\\";b\"", NULL, true, false,
         false},
        {"application/json; profile=\"a; charset=latin1\"", NULL, true, false, false},
        {"application/json; profile=\"a", NULL, false, false, false},
        {"application/json; odata", NULL, false, false, false},
        {"application/json; =x", NULL, false, false, false},
        {"application/json; charset=", NULL, false, false, false},
        {"application/json; charset=utf-8; charset=latin1", NULL, false, false, false},
        {"application/json; charset=utf-8; charset=utf-8", NULL, false, false, false},
        {"application/json charset=utf-8", NULL, false, false, false},
        {NULL, NULL, false, false, false},
        {"text/plain", NULL, false, false, false},
        {"application/jsonx", NULL, false, false, false},
        {"application/x-www-form-urlencoded", NULL, false, false, false},
        {"application/json; charset=latin1", NULL, false, false, false},
        {"application/json", "br", false, false, false},
        {"application/json", "gzip, gzip", false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct request *rq = a_request("POST", "/v1/events");
        assert_int_equal(request_take_media(rq, cases[i].type, cases[i].encoding), cases[i].taken);
        assert_int_equal(rq->answer.status, cases[i].taken ? 0 : 415);
        if (cases[i].taken) {
            assert_int_equal(rq->lines, cases[i].lines);
            assert_int_equal(rq->gzip, cases[i].gzip);
        }
        done(rq);
    }
}

static void request_ids_of_clients_are_kept_where_they_are_harmless(void **state)
{
    struct request *rq = a_request("GET", "/livez");

    (void)state;
    request_name(rq, "shop-1:42", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_string_equal(rq->request_id, "shop-1:42");
    assert_int_equal(strlen(rq->traceparent), TRACEPARENT_LEN);
    done(rq);

    rq = a_request("GET", "/livez");
    request_name(rq, "bad id\"", "00-00000000000000000000000000000000-b7ad6b7169203331-01");
    assert_int_equal(strlen(rq->request_id), 32);
    assert_string_equal(rq->traceparent, "");
    done(rq);
}

/* ---- openapi.json ---- */

static json_t *description(void)
{
    char path[1000];
    json_error_t e;

    (void)snprintf(path, sizeof path, "%s/src/http/openapi.json", getenv("CARTWRIGHT_SOURCE"));
    json_t *doc = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
    if (doc == NULL) {
        fail_msg("%s: line %d: %s", path, e.line, e.text);
    }
    return doc;
}

static json_t *operation_of(json_t *doc, const struct route *route)
{
    char method[10] = "";

    for (size_t i = 0; route->method[i] && i < sizeof method - 1; i++) {
        method[i] = (char)(route->method[i] | 0x20); /* lower case */
    }
    return json_object_get(json_object_get(json_object_get(doc, "paths"), route->pattern), method);
}

static size_t operations(json_t *doc)
{
    const char *path;
    json_t *item;
    size_t count = 0;

    json_object_foreach (json_object_get(doc, "paths"), path, item) {
        count += json_object_size(item);
    }
    return count;
}

static void the_description_has_every_route_and_no_other(void **state)
{
    json_t *doc = description();

    (void)state;
    for (size_t i = 0; i < route_count; i++) {
        if (operation_of(doc, &routes[i]) == NULL) {
            fail_msg("%s %s is not described", routes[i].method, routes[i].pattern);
        }
    }
    assert_int_equal(operations(doc), route_count);
    json_decref(doc);
}

static void the_description_tells_the_scope_and_the_query_of_every_route(void **state)
{
    static const struct {
        const char *name;
        unsigned bit;
    } scopes[] = {{"ingest", SCOPE_INGEST}, {"read", SCOPE_READ}, {"outreach", SCOPE_OUTREACH}};
    json_t *doc = description();

    (void)state;
    for (size_t i = 0; i < route_count; i++) {
        json_t *op = operation_of(doc, &routes[i]);
        json_t *named = json_array_get(
            json_object_get(json_array_get(json_object_get(op, "security"), 0), "key"), 0);
        unsigned bit = 0;
        for (size_t k = 0; k < COUNT_OF(scopes) && named; k++) {
            bit |= strcmp(scopes[k].name, json_string_value(named)) == 0 ? scopes[k].bit : 0;
        }
        assert_int_equal(bit, routes[i].scope);

        char query[100] = "";
        size_t k;
        json_t *p;
        json_array_foreach (json_object_get(op, "parameters"), k, p) {
            if (strcmp(json_string_value(json_object_get(p, "in")), "query") == 0) {
                size_t n = strlen(query);
                (void)snprintf(query + n, sizeof query - n, "%s%s", n > 0 ? " " : "",
                               json_string_value(json_object_get(p, "name")));
            }
        }
        assert_string_equal(query, routes[i].query);
    }
    json_decref(doc);
}

/* Every {"$ref": "#/components/..."} below node points at something. */
static void check_references(json_t *doc, json_t *node)
{
    const char *ref = json_string_value(json_object_get(node, "$ref"));
    const char *key;
    json_t *child;
    size_t i;

    if (ref != NULL) {
        char section[50];
        char name[50];
        assert_int_equal(sscanf(ref, "#/components/%49[^/]/%49s", section, name), 2);
        json_t *found =
            json_object_get(json_object_get(json_object_get(doc, "components"), section), name);
        if (found == NULL) {
            fail_msg("%s points nowhere", ref);
        }
    }
    json_object_foreach (node, key, child) {
        check_references(doc, child);
    }
    json_array_foreach (node, i, child) {
        check_references(doc, child);
    }
}

static void the_description_has_no_loose_references(void **state)
{
    json_t *doc = description();

    (void)state;
    check_references(doc, doc);
    json_decref(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_found_by_method_and_path),
        cmocka_unit_test(an_id_is_decoded_once),
        cmocka_unit_test(an_id_that_is_no_text_is_refused),
        cmocka_unit_test(an_unknown_path_is_404),
        cmocka_unit_test(a_known_path_with_another_method_is_405_and_says_which),
        cmocka_unit_test(a_query_parameter_nobody_knows_is_refused_rather_than_ignored),
        cmocka_unit_test(a_query_value_is_decoded),
        cmocka_unit_test(a_number_out_of_range_or_none_at_all_is_refused),
        cmocka_unit_test(only_json_and_ndjson_are_taken),
        cmocka_unit_test(request_ids_of_clients_are_kept_where_they_are_harmless),
        cmocka_unit_test(the_description_has_every_route_and_no_other),
        cmocka_unit_test(the_description_tells_the_scope_and_the_query_of_every_route),
        cmocka_unit_test(the_description_has_no_loose_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
