/* Base rates of the shop from its days. Which days are written is eventlog/maintain.c's business. */
#include "domain/shop/shop_days.h"

#include "base/clock.h"

#include <math.h>

struct sums {
    double adds;
    double orders;
};

/* Days from..until, both included. */
static struct sums sum_of(const struct shop_days *days, int64_t from, int64_t until)
{
    struct sums sums = {0};

    /* days ascend, and the window lies at their end */
    for (size_t i = days->count; i > 0 && days->all[i - 1].day >= from; i--) {
        if (days->all[i - 1].day <= until) {
            sums.adds += (double)days->all[i - 1].adds;
            sums.orders += (double)days->all[i - 1].orders;
        }
    }
    return sums;
}

/* NaN for too few actions. Never 0: a trend is divided by it. */
static double rate_of(struct sums sums)
{
    /* Laplace's rule of succession: as if there had been one more of each. */
    double actions = sums.adds + sums.orders;

    return actions < SHOP_DAYS_ACTIONS_MIN ? (double)NAN : (sums.orders + 1) / (actions + 2);
}

struct shop_rates shop_days_rates(const struct shop_days *days, int64_t at_us)
{
    /* Today is not over, and yesterday is written only when maintain has run: the day before is the
     * last that was surely known at this moment. Training must not know more than serving did. */
    int64_t last = at_us / DAYS(1) - 2;
    double buying = rate_of(sum_of(days, last - SHOP_DAYS_WINDOW + 1, last));
    double lately = rate_of(sum_of(days, last - SHOP_DAYS_LATELY + 1, last));

    /* the trend is NaN where either rate is */
    return (struct shop_rates){.buying = buying, .trend = lately / buying};
}
