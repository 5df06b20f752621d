#ifndef DOMAIN_SHOPPER_SHOPPER_H
#define DOMAIN_SHOPPER_SHOPPER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"
#include "domain/shop/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A shopper's state and carts: a pure function of the SET of events of one key, whatever order they
 * arrived in. Pure: no clock, no I/O. Training, serving, replay and the consumer all fold through
 * here.
 *
 * Order: events are folded by (occurred_us, rank of the type along the funnel, sort_id, event_id).
 *   Arrival order plays no part. Rank: identify, consent given, consent withdrawn, views/searches/
 *   pages, wishlist, added, removed, snapshot, checkout .., coupons, payment, purchase, refund,
 *   outreach_released, rest: so a cart and a purchase of the same second end as a purchase.
 * Late: an event not imported that was received more than LATE_WINDOW after it occurred only counts
 *   (shopper.late_events), says who an anonymous shopper is (whose carts then stay carts of their own), and changes nothing else, if a purchase (or an empty cart_snapshot) is among
 *   the events that occurred at or after it and had been received before it: it would change a closed
 *   round. A closer itself is late only for one of the same cart, or of every cart (an order that names none): otherwise it still closes. For an
 *   order an empty snapshot that names no cart is no such (it has emptied one, whichever was open), nor one that took its own lines only. Never late: imports, derived events, identify, alias and logged_out (they say who), consents (a
 *   withdrawal counts whenever it comes; so does a chat_message that opts out).
 * Mended: what is left of an order or a no that was not whole as it came counts for nothing where the set has the whole one under the event_id that both were
 *   sent with, whatever time, cart or order either tells, and whichever came first.
 * Orders: purchases with the same order id, or without one at most 60 s after the previous one without,
 *   are one order (without one: if it names that order's cart or none, and has no goods but its own or nothing came to the cart meanwhile); more than ORDER_APART_US after it a row that names another open cart and goods of it, or that has none of the
 *   order's goods, is another order of the same number. Its first row closes the round of the cart it names, or of every open cart if it names none (or one that is not
 *   there), and of every other open cart in which nothing lies that it did not buy; a later row takes its own lines out of all of them.
 *   Within 60 s of the last one every row adds its units, and to what was spent its lines; a row that comes later repeats the order: it
 *   adds, and takes, only what the order did not have (the order was edited), or what lies in a cart that the order had not named.
 *   Such a cart is bought whole where the row has no goods, or others than the order's. Of what lines_left_out says every row closes
 *   the cart it names, or all. A total_minor stands for the whole order. By the rule closes_lines the first row, too, takes only its own lines; a cart that is
 *   left with none is bought. A renewal (a purchase with properties.kind "renewal") is no order.
 * Bought: every product of every row is remembered with its time (purchases); of an order that names none,
 *   the lines of the carts it closed. Cancelling an order forgets what it bought.
 * Before its cart: an order may be dated before what it bought was put into the cart (a date alone, a draft's time, local time told as
 *   UTC). What within ORDER_AHEAD_US comes into a cart that the order names, and that is not open, is bought already where it is
 *   nothing but the order's goods, which lay in no cart that it closed.
 *   An order that is dated by the day may be of the day before its cart, or told as midnight of
 *   another zone: what within ORDER_AHEAD_US of its time brings goods of it, which lay in no cart,
 *   to the cart it names (to any, if it names none and has an id) shows that it is of that cart,
 *   which it closes for the rest of that time, whatever else lies there. Not by closes_lines.
 * After an order: a snapshot or checkout within echo_us that tells nothing but goods just bought begins no
 *   round, nor does, within CART_SYNC_US, a snapshot that names the cart which the order closed. order_cancelled, and payment_failed with
 *   the id of a known order (or the cart it closed) within undo_us of it, undo the order; within undo_us the carts it closed are open
 *   again in the same round (order_cancelled without an order id means the newest order of the cart it names, and where it names none the newest), with the messages they had, and with what no other order has bought since it was put there: if
 *   that is nothing, the cart stays bought. A cancellation with items undoes, and gives back, these alone. Lines that an order took out
 *   of a cart that was left open do not come back so.
 * Idle: only what is the shopper's own doing (domain/shop/event_table.inc) ends it.
 * Rounds: buying or emptying closes a round; the next item that comes in (added, or by a snapshot or a
 *   checkout) opens round + 1 of the same cart. A bought round keeps its lines until then.
 * Carts: an event belongs to the cart it names, else to the shopper's most recently changed open cart of
 *   the same side (below), else to the default cart, whose id is "cart_" + 24 hex digits of
 *   SHA-256(key) (of the anonymous shopper's key on its side). Only items open a cart. An event of the
 *   shopper's own that brings items to a cart of a side takes that cart over. At most CARTS_MAX; the
 *   longest unchanged closed one (else open one) makes room, and every cart made from then on begins
 *   behind its round (dropped_rounds): a cart that comes back under its old id must not be in a round
 *   that had its message already. Which carts made room is remembered (dropped), since somebody else may order one of them; and so
 *   are ids that events named without filling such a cart (mentioned): by them, too, an order joins two.
 * Lines: increments add, removals subtract (no quantity given in the event means 1; removing at least
 *   what is there drops the line), cart_snapshot and a checkout_started with items replace the lines.
 *   A line is a product, its variant and the shop's line id, as far as they are named. The same of
 *   all three at another price is another line: a variant, more likely than a new price of what is there. What was sent with a negative price is an adjustment, and in no other list than cart.adjustments. A cart has at
 *   most CART_LINES_MAX lines, which no snapshot exceeds; if additions do, the longest untouched line is dropped, and the
 *   total is unknown from then on (lines_cut).
 * Signals: what happens around an open cart is counted in the cart the event belongs to.
 * Releases: outreach_released marks the round its cart is in at that time (a refold may have numbered it
 *   anew since), so that a shopper is not contacted twice about the same lines.
 * Bots: a crawler's user agent, or more than BOT_EVENTS_PER_MINUTE events within one minute of the
 *   clock, marks the shopper for good. The rate counts what is the shopper's own doing: an order once,
 *   however many rows it has, and nothing of imported history.
 *
 * Identity. Lane A holds the anonymous key, lane B the customer's:
 *   - Any event {customer Y, anonymous X} lies in B and says that X was Y then, as identify and alias do;
 *     logged_out says that it no longer is. Folding it asks (shopper_login) for `shopper_bound` (or
 *     `shopper_unbound`) in A, unless Y knows already that X was its then. Before A has
 *     answered only the first asks, and what comes ten minutes after it (shopper.named).
 *   - A's shopper remembers every change of its customer, sorted (shopper.bindings); an event of X at
 *     time t belongs to the newest login at or before t. A logout ends that LOGOUT_LASTS_US later, if
 *     nobody logs in meanwhile. The time before the first login, and from the end of a logout to the
 *     next login, belongs to whoever logs in then. What is nobody's yet A folds as its own, with carts; what is a customer's it only counts, and forwards to its owner, as `forwarded`
 *     events that wrap the original. Of more than BINDINGS_MAX changes the oldest are forgotten; what
 *     happened before the oldest one known belongs to nobody, not to the next. Whenever the intervals of
 *     a customer change (shopper_bindings_changed), A sends that customer a `binding_set` with all its
 *     intervals of X; version is A's bindings_seen.
 *   - B's shopper folds a forwarded event as its own where it occurred inside an interval of the newest
 *     binding_set of X, and ignores it otherwise. Until the first event of Y that names X, at time T, its
 *     cart events go to carts of the side X (cart.via); at T every open cart of that side merges into
 *     the open cart of the customer: union of lines, larger quantity; without an open cart the last
 *     changed one becomes the customer's own, id and all. Events that name a merged cart belong to the
 *     cart it went into.
 *   - A cart that one customer and one anonymous shopper name, and nobody else, and that either orders (or
 *     withdraws consent for), makes them one (fold_orders.c): the customer gets a `shopper_named`, an event
 *     that names the other. Nobody has said so, therefore it binds only whom nobody else says anything of:
 *     such logins are `guessed`, and one that is not makes all of them void. Each names the cart it rests on (shopper.grounds).
 *     Whoever names the cart later, it is several people's and joins nobody, then as now: both lanes are told that it is `taken_back`.
 *     That and what it is about count for nothing, in whatever order they come (shopper_grounds.c): what is folded is the set of the others.
 *     That the two may be one all the same is no matter of the fold: a decision asks for it (outreach/sharers.h).
 *   - Consent is given by the person alone: by an event of Y itself, or by a forwarded one of X while Y was logged in there
 *     (binding.login_us). What X did while it was nobody's, or Y's by a guess, withdraws for Y, and gives nothing.
 *   - Once a person: an event that reaches B under its own id and forwarded, or forwarded twice, with one
 *     time, is one event.
 * Because binding_set changes which events count, it makes B fold again from the log (SHOPPER_REFOLD),
 * as does any event that does not sort after the last folded one. */

enum {
    CARTS_MAX = 4,
    DROPPED_MAX = 28,
    MENTIONED_MAX = 8,
    CART_LINES_MAX = EVENT_ITEMS_MAX, /* as many as one event can tell; see Lines */
    RECENT_MAX = 40,                  /* last K events kept for features, newest last */
    ORDERS_MAX = 16,
    BINDINGS_MAX = EVENT_INTERVALS_MAX,
    NAMED_MAX = 500,
    CONSENTS_MAX = 8,
    STEPS_MAX = EVENT_STEP_MAX,
    PURCHASES_MAX = 200,
    GROUNDS_MAX = 500,
    STAND_INS_MAX = 500,
    BOT_EVENTS_PER_MINUTE = 120,
};
/* Another fold of the same events: what was stored by an older one is folded again. */
enum { SHOPPER_FORMAT = 22 };

#define LATE_WINDOW_US  INT64_C(86400000000)
#define ORDER_WINDOW_US INT64_C(60000000)
/* Who did nothing for this long has left: the next event begins another visit. */
#define SESSION_GAP_US INT64_C(1800000000)
/* A row of a known order id, so long after the order, may be another one of the same number. */
#define ORDER_APART_US INT64_C(86400000000)
/* So long a logout lasts, if nobody logs in meanwhile: an order told in whole seconds is at the end
 * of the second in which its buyer may have left. */
#define LOGOUT_LASTS_US INT64_C(1000000)
/* So long an order may be dated before its cart was filled. */
#define ORDER_AHEAD_US INT64_C(86400000000)
/* Days begin and end at quarters of an hour, in whatever zone. */
#define DAY_ENDS_US INT64_C(900000000)
/* So long after an order a snapshot of the cart that it closed, with nothing but its lines, is an echo: carts are synchronized by the
 * hour, or by night. */
#define CART_SYNC_US INT64_C(90000000000)
/* So long it is known which order bought what: at least as long as one may be undone. */
#define ORDER_LINES_AGE_US INT64_C(2592000000000) /* 30 days */
/* Older purchases than this, counted from the newest, are forgotten. */
#define PURCHASES_AGE_US INT64_C(34560000000000) /* 400 days */

enum cart_status { CART_OPEN, CART_BOUGHT, CART_EMPTIED, CART_MERGED };

struct cart_line {
    char *product_id;
    char *variant_id; /* NULL, as line_id: the shop named none */
    char *line_id;
    int64_t quantity_milli; /* thousandths */
    int64_t
        price_minor; /* of a unit, last known; MONEY_UNKNOWN. Of an adjustment what it takes off, > 0 */
    char currency[4];
    int64_t added_us; /* first added in this round */
    int64_t touched_us;
};

/* What happened around the cart in its current round. Times are 0 where it did not happen. */
struct cart_signals {
    int64_t checkout_started_us;
    int64_t checkout_step; /* highest number reached; 0 none */
    int64_t shipping_shown_us;
    int64_t shipping_minor; /* MONEY_UNKNOWN */
    int64_t payment_info_us;
    int64_t payment_failed_us;
    int64_t coupon_entered_us;
    int64_t coupon_applied_us;
    int64_t coupon_denied_us;
    int64_t pages_returns; /* counts of page_viewed by concern */
    int64_t pages_shipping;
    int64_t pages_size;
    int64_t pages_reviews;
    int64_t adds;
    int64_t removes;
    int64_t views;      /* product views in the round */
    int64_t line_views; /* of them, of products in the cart */
    int64_t searches;
    int64_t events;
};

struct cart {
    char *id;
    char *via;     /* side of this anonymous shopper; NULL: the shopper's own */
    char *into;    /* CART_MERGED: the cart that took the lines; NULL */
    int64_t round; /* from 1 */
    enum cart_status status;
    struct cart_line *lines; /* products; sorted by product, variant and line id */
    size_t line_count;
    struct cart_line
        *adjustments; /* what takes something off: discounts, gift cards; sorted likewise */
    size_t adjustment_count;
    int64_t lines_cut;  /* lines that found no room in this round: the total is then unknown */
    int64_t opened_us;  /* of this round */
    int64_t changed_us; /* last change of lines or status */
    int64_t closed_us;  /* 0 while open */
    int64_t released[STEPS_MAX]; /* time of outreach_released of step i+1 in this round; 0 none */
    char *order_id;              /* bought: of the order that closed it; NULL if it had none */
    int64_t left_us; /* of the last order in the round that left these lines over; 0 none */
    bool recovered;  /* bought after a release in the round */
    bool imported;   /* the round's last change came from an import */
    struct cart_signals signals;
};

/* A cart that had to make room. */
struct dropped_cart {
    char *id; /* tells it apart (domain/shop/cart_id.h) */
};

/* A cart that events named, and nothing was put into. */
struct mentioned_cart {
    char *id; /* tells it apart */
};

struct recent_event {
    enum event_type type;
    int64_t at_us;
    char *product_id; /* first item; NULL */
    int64_t price_minor;
};

struct order_seen {
    char *order_id;             /* NULL */
    int64_t at_us;              /* of its last row that bought something */
    int64_t first_us;           /* of its first */
    int64_t units, spent_minor; /* what it added to the shopper's sums */
    int64_t number;             /* another one for each of the shopper's orders, from 1 */
    char *cart_id;              /* the cart that it named last; NULL */
};

/* Goods of an order. */
struct bought_line {
    char *product_id;
    char *variant_id;       /* NULL */
    int64_t quantity_milli; /* as its rows told; 0: they did not */
    int64_t order;          /* its number */
    int64_t cart_milli;     /* as lay in a cart that it closed */
};

/* A product of an order: one entry for each time it was bought. */
struct purchase {
    char *product_id;
    int64_t at_us;
};

/* In an anonymous shopper: belongs to customer `other` in the interval; each begins where the one
 * before ends, neighbours differ. The first begins with INT64_MIN, unless older ones were forgotten; the
 * last is open, unless its customer logged out. In a customer: an interval of the anonymous shopper
 * `other`, sorted by (other, from); {0, 0} where it is known to have none. */
struct binding {
    char *other;
    int64_t from_us;
    int64_t until_us; /* INT64_MAX: open */
    int64_t version;  /* customer only: of the binding_set */
    bool identified;  /* customer only: its identify was folded, so there is no side any more */
    int64_t login_us; /* customer only: of its last own event that names `other`, no guess; 0 none
                         since the browser was logged out */
};

/* In a customer: an anonymous shopper that its own events name. */
struct named_via {
    char *other;
    int64_t first_us; /* of the first such event, and the last */
    int64_t last_us;
    int64_t said_us; /* of the first that is no guess; 0 none */
    bool guessed;    /* one was: what that gave it, who says so takes away again */
};

/* By which cart somebody was joined, without a word of theirs. */
struct ground {
    char *other; /* in an anonymous shopper the customer, in a customer the anonymous shopper */
    char *cart_id;
    int64_t at_us; /* of its first order */
};

/* An event that was not whole as it came, by a mark of the id it was sent with. */
struct stand_in {
    int64_t mark;
};

struct consent {
    char *channel; /* "all" where the event names none */
    bool given;
    int64_t at_us;
    char *cart_id; /* that a withdrawal named last; NULL: none did */
};

struct shopper {
    int64_t format; /* SHOPPER_FORMAT when it was folded; 0 before there was one */
    char *key;
    struct cart carts[CARTS_MAX]; /* sorted by id */
    size_t cart_count;
    int64_t dropped_rounds; /* highest round of a cart that made room; 0 none did */
    struct dropped_cart dropped[DROPPED_MAX]; /* the newest, newest last; none that is in carts */
    size_t dropped_count;
    struct mentioned_cart mentioned
        [MENTIONED_MAX]; /* likewise; but for those of orders and withdrawals, which keep theirs */
    size_t mentioned_count;
    struct recent_event recent[RECENT_MAX]; /* oldest first */
    size_t recent_count;
    struct order_seen orders[ORDERS_MAX]; /* by time of the last row */
    size_t order_count;
    struct bought_line *bought; /* of these orders, in the order in which they were told; at most
                                   CART_LINES_MAX, the newest of ORDER_LINES_AGE_US */
    size_t bought_count;
    int64_t bought_us; /* formats before 8: of the last row that bought */
    struct purchase
        *purchases; /* by time, then product; the newest PURCHASES_MAX of PURCHASES_AGE_US */
    size_t purchase_count;
    struct binding *bindings; /* at most BINDINGS_MAX, with room by cart_lines_capacity */
    size_t binding_count;
    struct named_via *named; /* by other; of more than NAMED_MAX the longest unnamed is forgotten */
    size_t named_count;
    struct ground *
        grounds; /* by time, other and cart; the newest GROUNDS_MAX of a customer, the first of an anonymous shopper, of which one counts */
    size_t ground_count;
    struct stand_in
        *stand_ins; /* by mark; of more than STAND_INS_MAX the smallest are kept, as of mended */
    size_t stand_in_count;
    bool stand_ins_more;     /* there were more */
    struct stand_in *mended; /* of these, those whose whole event came: they count for nothing */
    size_t mended_count;
    int64_t bindings_seen; /* anonymous only: logins and logouts folded, the version of the next
                              binding_set */
    bool guessed;          /* anonymous only: whose it is nobody has said */
    int64_t bound_last_us; /* anonymous only: of the latest of them, a change or not */
    struct consent consents[CONSENTS_MAX]; /* sorted by channel */
    size_t consent_count;
    char *locale, *timezone, *device, *channel, *campaign; /* last seen; NULL */
    int64_t first_us,
        last_us; /* first folded event, and last one that was the shopper's own doing (0 none): the idle clock */
    int64_t events, late_events, views, orders_total, refunds, units_bought;
    int64_t spent_minor;     /* sum of known purchase amounts, saturating */
    int64_t sessions;        /* gaps over 30 min start a new one */
    int64_t last_order_us;   /* 0 none */
    int64_t contacted_us;    /* of the last outreach_released, about whichever cart; 0 none */
    int64_t closed_until_us; /* latest occurred_us among closers folded (for lateness after
                                retention) */
    int64_t
        tardy_received_us; /* latest received_us among folded events that came past LATE_WINDOW and
                              were not late: a closer received before it makes one of them late */
    int64_t minute_us, minute_events; /* rate window for the bot rule */
    bool bot;
    int64_t rules; /* shopper_rules_stamp when it was folded */
    /* position of the last folded event, to see whether the next sorts after it */
    int64_t at_us;
    int64_t at_rank;
    char *at_id;
};

/* What the shop decides about orders. */
struct shopper_rules {
    bool closes_lines; /* a purchase takes its own lines only; else the whole cart */
    int64_t echo_us;   /* so long after an order its lines in a snapshot are an echo */
    int64_t undo_us;   /* so long after an order its cart comes back when it is undone */
};
/* Set once, when a program begins, before anything is folded; until then carts are closed whole, an echo may come for half
 * an hour, and what is undone within a day gives its cart back. Every shopper keeps by which rules it was made: a stored one of others is folded again from the log. */
void shopper_rules_set(const struct shopper_rules *rules);
int64_t shopper_rules_stamp(void);
/* The settings that a stamp stands for: "purchase_closes=cart order_echo=30m order_undo=1d". */
enum { SHOPPER_RULES_TEXT_MAX = 128 };
char *shopper_rules_text(int64_t stamp, char out[SHOPPER_RULES_TEXT_MAX]);
/* The stamp of a document of any version; false: it has none. */
bool shopper_rules_of_doc(const char *doc, int64_t *out_stamp);
struct shopper_rules shopper_rules_of(const struct shopper *s);

/* Empty shopper in the arena; key copied. */
struct shopper *shopper_new(const char *key, struct arena *a);

/* What a fold asks its caller to append in the same transaction (see "Identity"): after is the customer
 * with e folded. False: nothing. */
struct shopper_login {
    const char *via;
    int64_t at_us;
    bool ends;
    bool guessed;
    const char *cart_id; /* guessed: by that cart's; NULL: not known */
};
bool shopper_login(const struct shopper *after, const struct event *e, struct shopper_login *out);
/* Of a login that had been folded before: has an answer since made it one to be asked for? What was one before that, was asked for. */
bool shopper_login_again(const struct shopper *before, const struct shopper *after,
                         const struct event *e);

/* Whether the customer logged in at a browser at a time that is not its own, by what the browser has answered: while that answer is not folded,
 * the browser may be about to be told once more (shopper_login_again), and what a guest did before that login is the customer's then. */
bool shopper_may_login_again(const struct shopper *s);

/* Whom e names, where e itself is not folded yet: shopper_login then does not ask again for what follows. */
void shopper_take_name(struct shopper *s, const struct event *e, struct arena *a);

enum shopper_step { SHOPPER_FOLDED, SHOPPER_REFOLD };

/* Folds one event that sorts after the last one. SHOPPER_REFOLD: it does not, or it changes which
 * events count; the state is then unchanged and the caller folds all events of the key with
 * shopper_fold_all. An event that makes no difference in whatever place it sorts is FOLDED at once.
 * New strings live in the arena. */
enum shopper_step shopper_apply(struct shopper *s, const struct event *e, struct arena *a);

/* Folds a set of events in any order onto base (NULL: nothing); events later than until_us (occurred)
 * are left out; INT64_MAX takes all. The array is put in another order; a repeated event counts once.
 * Equal to applying them one by one where no refold was asked (tested). */
struct shopper *shopper_fold_all(const struct shopper *base, const char *key, struct event *events,
                                 size_t count, int64_t until_us, struct arena *a);
/* The same, and shows the state after every event that was folded and not late, in order of the
 * fold; the state is the final one's working copy: look, do not keep. */
typedef void shopper_visit(void *ctx, const struct shopper *s, const struct event *e);
struct shopper *shopper_fold_visiting(const struct shopper *base, const char *key,
                                      struct event *events, size_t count, shopper_visit *visit,
                                      void *ctx, struct arena *a);

/* Canonical text of the state: one line of JSON, members in a fixed order, absent ones left out.
 * decode(encode(s)) encodes equal; decode takes nothing but such text. */
void shopper_encode(const struct shopper *s, struct buf *out);
CAN_FAIL bool shopper_decode(const char *text, size_t len, struct arena *a, struct shopper **out,
                             struct err *err);
struct shopper *shopper_copy(const struct shopper *s, struct arena *a);

/* Owner of an event of this anonymous shopper at time t: a customer id, or NULL where it is nobody's. */
const char *shopper_owner_at(const struct shopper *s, int64_t at_us);
/* Who it is now, until further notice; NULL: itself. */
const char *shopper_owner_now(const struct shopper *s);
/* True if a change of its owner is what the event is, in the lane of this anonymous shopper. */
bool shopper_changes_owner(const struct shopper *s, const struct event *e);
/* The intervals of one customer, as its binding_set tells them. Returns how many. */
size_t shopper_intervals_of(const struct shopper *s, const char *customer_id,
                            struct event_interval out[BINDINGS_MAX]);
/* The earliest time that is somebody's in the second state of an anonymous shopper and was not that one's in the first; INT64_MIN: from ever
 * on, INT64_MAX: there is none. What has become nobody's is told nobody. */
int64_t shopper_owner_changed_from(const struct shopper *before, const struct shopper *after);
/* Customers whose intervals differ between two states of an anonymous shopper (before may be NULL),
 * each once; borrowed from them. Returns how many. */
size_t shopper_bindings_changed(const struct shopper *before, const struct shopper *after,
                                const char *out_customers[2 * BINDINGS_MAX]);

/* When the product was bought last, as far as is remembered; 0: never. */
int64_t shopper_bought_us(const struct shopper *s, const char *product_id);

/* The cart a decision is about: the open own cart changed last, else NULL. */
const struct cart *shopper_open_cart(const struct shopper *s);
const struct cart *shopper_cart(const struct shopper *s,
                                const char *cart_id); /* any status, or NULL */

/* Sum of quantity x price, each line rounded to minor units (half away from zero), less the adjustments, not below 0; false
 * (and *out_minor MONEY_UNKNOWN) when a price is unknown, currencies differ, it overflows, a line found no room, or there are
 * no lines. */
bool cart_total(const struct cart *c, int64_t *out_minor, char out_currency[4]);
int64_t cart_units(const struct cart *c); /* of products; a part of a unit counts as one */
/* Whether anything that lies in it now lay there at that time. Whoever ordered it then, or may have, has that already. */
bool cart_held(const struct cart *c, int64_t at_us);

/* Computed, never stored. Thresholds come from the settings. */
enum cart_state {
    STATE_ACTIVE,
    STATE_IDLE,
    STATE_ABANDONED,
    STATE_EXPIRED,
    STATE_BOUGHT,
    STATE_EMPTIED,
    STATE_MERGED
};
struct cart_clock {
    int64_t idle_after_us;
    int64_t abandoned_after_us;
    int64_t expired_after_us;
};
struct cart_clock cart_clock_of(const struct config *config);
enum cart_state cart_state(const struct cart *c, int64_t seen_us, const struct cart_clock *clock,
                           int64_t now_us);
const char *cart_state_name(enum cart_state state);
const char *cart_status_name(enum cart_status status);

/* Newest consent for the channel, or for "all"; at equal times a withdrawal. 0 unknown, 1 given, -1
 * withdrawn. */
int shopper_consent(const struct shopper *s, const char *channel);

#endif
