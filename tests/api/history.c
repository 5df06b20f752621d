/* Makes the history up, the same each time. */
#include "api/history.h"

#include <stdio.h>
#include <time.h>

enum { VISITS = 120, SHOPPERS = 60, PRODUCTS = 12, VIEWS = 4, HISTORY_MAX = 400000 };

struct history {
    char text[HISTORY_MAX];
    size_t len;
    int events;
};

/* One event `minute` minutes into the visit; visits lie five hours apart. */
static void add_event(struct history *h, int visit, int minute, const char *type, int product)
{
    time_t at = 1769904000 + (time_t)visit * 5 * 3600 + (time_t)minute * 60;
    struct tm tm;
    char when[40];

    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
    int n =
        snprintf(h->text + h->len, HISTORY_MAX - h->len,
                 "{\"event_id\":\"h%d\",\"type\":\"%s\",\"customer_id\":\"h%d\",\"occurred_at\":"
                 "\"%s\",\"items\":[{\"product_id\":\"p%d\",\"quantity\":1,\"price_minor\":%d,"
                 "\"currency\":\"EUR\"}]}\n",
                 h->events++, type, visit % SHOPPERS, when, product, 1000 + product);
    h->len += n > 0 ? (size_t)n : 0;
}

const char *history_ndjson(void)
{
    static struct history h;

    h = (struct history){.len = 0};
    for (int visit = 0; visit < VISITS; visit++) {
        for (int i = 0; i < VIEWS; i++) {
            add_event(&h, visit, i, "product_viewed", (visit + i * i) % PRODUCTS);
        }
        add_event(&h, visit, VIEWS, "cart_item_added", visit % PRODUCTS);
        if (visit % 3 == 0) {
            add_event(&h, visit, VIEWS + 2, "purchase", visit % PRODUCTS);
        }
    }
    return h.text;
}
