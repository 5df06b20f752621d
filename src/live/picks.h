#ifndef LIVE_PICKS_H
#define LIVE_PICKS_H

#include "base/arena.h"
#include "base/config.h"
#include "base/err.h"
#include "domain/affinity/affinity.h"
#include "domain/shop/product.h"
#include "store/pg/db.h"

/* Picks that can be shown: the model's ranking without what is out of stock, each with its
 * catalogue entry and that of the product it is recommended because of (an entry with only its id
 * where there is none). All in arena. */
struct shown_picks {
    struct picks picks;
    struct product *products; /* of picks.items, same order */
    struct product *because;  /* likewise */
};

struct picks_wanted {
    const struct affinity *model; /* NULL: no picks */
    /* What is shown beside them, by the catalogue: nothing of the same name is picked. May be NULL. */
    const struct product *beside;
    size_t beside_count;
    struct pick_wish
        wish; /* shopper, now_us, k, shelf, category, prices; picks are always diverse */
};
/* Sets what the settings say of every pick: how long what was bought is left out, how dear picks may be, substitutes. */
void picks_wish_of_shop(const struct config *config, struct pick_wish *wish);

/* Every pick is looked up in the catalogue: in stock, with a title (where most
 * have one), of the cart's currency and size, and of the wished category and price, as it says now. What is not makes room for the next best, so that fewer than k come only where the shop
 * has no more. */
CAN_FAIL bool picks_show(struct db *db, const struct picks_wanted *want, struct arena *a,
                         struct shown_picks *out, struct err *err);

/* The same in two halves, for who asks the catalogue together with something else. First the
 * ranking, without a database. */
struct picks_asked {
    struct picks_wanted want;
    struct picks *ranked;
    const char **ids; /* what the catalogue is to be asked for */
    size_t id_count;
};
void picks_ask(const struct picks_wanted *want, struct arena *a, struct picks_asked *out);
/* Then, with the catalogue's entries of ids in their order, what can be shown. Ranks and reads
 * again only where some of them cannot. */
CAN_FAIL bool picks_answer(struct db *db, const struct picks_asked *asked,
                           const struct product *products, struct arena *a, struct shown_picks *out,
                           struct err *err);

/* Catalogue entries of a cart's lines, same order, in arena; cart may be NULL. */
CAN_FAIL bool cart_products_read(struct db *db, const struct cart *cart, struct arena *a,
                                 struct product **out, struct err *err);

#endif
