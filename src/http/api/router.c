/* The route table: a row is the whole change for a new endpoint (and its path in openapi.json). */
#include "http/api/router.h"

#include "base/spell.h"
#include "domain/shop/event.h"
#include "http/wire/codec.h"
#include "http/wire/respond.h"
#include "store/keys.h"

#include <string.h>

const struct route routes[] = {
    {"POST", "/v1/events", SCOPE_INGEST, "sent_at", api_events_post},
    {"POST", "/v1/products", SCOPE_INGEST, "mode", api_products_post},
    {"GET", "/v1/products", SCOPE_READ, "q limit cursor", api_products_list},
    {"PUT", "/v1/products/{id}", SCOPE_INGEST, "", api_product_put},
    {"PATCH", "/v1/products/{id}", SCOPE_INGEST, "", api_product_patch},
    {"DELETE", "/v1/products/{id}", SCOPE_INGEST, "", api_product_delete},
    {"GET", "/v1/products/{id}", SCOPE_READ, "", api_product_get},
    {"GET", "/v1/carts", SCOPE_READ, "state order limit cursor", api_carts_list},
    {"POST", "/v1/outreach", SCOPE_OUTREACH, "", api_outreach_post},
    {"GET", "/v1/outreach/{id}", SCOPE_READ, "", api_outreach_get},
    {"GET", "/v1/outreach/{id}/why", SCOPE_READ, "", api_outreach_why},
    {"GET", "/v1/customers/{id}", SCOPE_READ, "", api_customer_get},
    {"GET", "/v1/customers/{id}/recommendations", SCOPE_READ, "k category price_min price_max",
     api_customer_recommendations},
    {"GET", "/livez", 0, "", api_livez},
    {"GET", "/readyz", 0, "verbose", api_readyz},
    {"GET", "/metrics", SCOPE_READ, "", api_metrics},
    {"GET", "/openapi.json", 0, "", api_openapi},
};
const size_t route_count = sizeof routes / sizeof *routes;

struct id_span {
    const char *text; /* NULL: the pattern has no {id} */
    size_t len;
};

/* Both begin with a slash; path ends at path_len. */
static bool matches(const char *pattern, const char *path, size_t path_len, struct id_span *out)
{
    const char *end = path + path_len;
    struct id_span id = {0};

    while (*pattern == '/' && path < end && *path == '/') {
        pattern++;
        path++;
        size_t want = strcspn(pattern, "/");
        size_t have = 0;
        while (path + have < end && path[have] != '/') {
            have++;
        }
        if (want == 4 && memcmp(pattern, "{id}", want) == 0) {
            id = (struct id_span){path, have};
            /* "/v1/products/" is not the product of an empty id */
            if (have == 0) {
                return false;
            }
        } else if (want != have || memcmp(pattern, path, want) != 0) {
            return false;
        }
        pattern += want;
        path += have;
    }
    *out = id;
    return *pattern == '\0' && path == end;
}

static bool take_id(struct request *rq, const struct id_span *id)
{
    if (id->text == NULL) {
        return true;
    }
    /* after the path was split: decoded before, a coded slash would part segments */
    rq->id = codec_percent_decode(id->text, id->len, false, &rq->arena);
    if (rq->id != NULL && strlen(rq->id) <= EVENT_ID_MAX) {
        return true;
    }
    answer_problem(rq, &(struct problem){.status = 400,
                                         .detail = rq->id ? "the id in the path has more than "
                                                            "200 bytes"
                                                          : "the id in the path is not UTF-8"});
    return false;
}

/* The path with {id} where the pattern has it, so that only the words are compared. */
static const char *told_as(const char *pattern, const char *path, size_t path_len, struct arena *a)
{
    const char *end = path + path_len;
    const char *out = "";

    while (path < end && *path == '/') {
        size_t want = *pattern == '/' ? strcspn(pattern + 1, "/") : 0;
        size_t have = 0;
        path++;
        while (path + have < end && path[have] != '/') {
            have++;
        }
        bool id = want == 4 && have > 0 && memcmp(pattern + 1, "{id}", want) == 0;
        out = arena_printf(a, "%s/%.*s", out, (int)(id ? want : have), id ? pattern + 1 : path);
        pattern += *pattern == '/' ? 1 + want : 0;
        path += have;
    }
    return out;
}

/* Of what is said of an object, where only its collection was named. */
static bool is_above(const char *path, size_t path_len, const char *pattern)
{
    const char *id = strstr(pattern, "/{id}");

    return id != NULL && path_len == (size_t)(id - pattern) && memcmp(path, pattern, path_len) == 0;
}

/* The pattern that was probably meant; NULL where nobody can say. */
static const char *nearest_route(struct request *rq, size_t path_len)
{
    enum { PATH_MAX_LOOKED_AT = 300 };

    for (size_t i = 0; i < route_count && path_len < PATH_MAX_LOOKED_AT; i++) {
        const char *pattern = routes[i].pattern;
        const char *path = told_as(pattern, rq->target, path_len, &rq->arena);
        const char *below = told_as(pattern, arena_printf(&rq->arena, "/v1%s", path),
                                    strlen("/v1") + strlen(path), &rq->arena);
        if (spell_nearest(path, &pattern, 1) != NULL || spell_same(below, pattern) ||
            is_above(rq->target, path_len, pattern)) {
            return pattern;
        }
    }
    return NULL;
}

static bool refuse(struct request *rq, const char *allow)
{
    if (allow == NULL) {
        const char *nearest = nearest_route(rq, strcspn(rq->target, "?"));
        const char *detail =
            nearest != NULL
                ? arena_printf(&rq->arena, "there is no such route; did you mean %s?", nearest)
                : "there is no such route; GET /openapi.json lists them";
        answer_problem(rq, &(struct problem){.status = 404, .detail = detail});
    } else {
        answer_problem(rq, &(struct problem){
                               .status = 405,
                               .detail = arena_printf(&rq->arena, "this route takes %s", allow)});
        rq->answer.allow = allow;
    }
    return false;
}

bool router_find(struct request *rq)
{
    /* RFC 9110, 9.3.2: HEAD is GET without the body, which the library leaves out */
    const char *method = strcmp(rq->method, "HEAD") == 0 ? "GET" : rq->method;
    size_t path_len = strcspn(rq->target, "?");
    const char *allow = NULL;
    struct id_span id = {0};

    for (size_t i = 0; i < route_count && rq->route == NULL; i++) {
        if (!matches(routes[i].pattern, rq->target, path_len, &id)) {
            continue;
        }
        if (strcmp(routes[i].method, method) == 0) {
            rq->route = &routes[i];
        } else {
            /* goes on through the table: a 405 names all methods of the path (RFC 9110, 15.5.6) */
            bool get = strcmp(routes[i].method, "GET") == 0;
            allow = arena_printf(&rq->arena, "%s%s%s", allow ? allow : "", allow ? ", " : "",
                                 get ? "GET, HEAD" : routes[i].method);
        }
    }
    if (rq->route == NULL) {
        return refuse(rq, allow);
    }
    struct err err = {0};
    if (!take_id(rq, &id)) {
        return false;
    }
    /* last, since which parameters there are hangs on the route */
    if (!request_read_query(rq, rq->route->query, &err)) {
        answer_error(rq, &err);
        return false;
    }
    return true;
}
