/* Names of other trackers, for errors that say what was probably meant. Nothing is decoded by them: an
 * event under a foreign name would otherwise be read half, and its sender never learn of it. */
#include "domain/shop/event_hints.h"

#include "base/locale/zones.h"
#include "base/spell.h"
#include "domain/shop/clean_text.h"
#include "domain/shop/local_time.h"
#include "domain/shop/money.h"
#include "domain/shop/said_no.h"

#include <inttypes.h>
#include <string.h>

struct foreign_name {
    const char *theirs; /* case and what parts the words do not matter */
    const char *ours;
};

/* Of Segment, GA4, Shopify, WooCommerce, Mixpanel and PostHog, and what is usual in tables. */
static const struct foreign_name members[] = {
    {"user_id", "customer_id"},
    {"user", "customer_id"},
    {"uid", "customer_id"},
    {"external_id", "customer_id"},
    {"customer", "customer_id"},
    {"visitor_id", "anonymous_id"},
    {"device_id", "anonymous_id"},
    {"client_id", "anonymous_id"},
    {"guest_id", "anonymous_id"},
    {"cookie_id", "anonymous_id"},
    {"browser_id", "anonymous_id"},
    {"distinct_id", "anonymous_id"},
    {"user_pseudo_id", "anonymous_id"},
    {"id", "event_id"},
    {"message_id", "event_id"},
    {"opted_out", "opt_out"},
    {"unsubscribe", "opt_out"},
    {"unsubscribed", "opt_out"},
    {"do_not_contact", "opt_out"},
    {"insert_id", "event_id"},
    {"uuid", "event_id"},
    {"event", "type"},
    {"event_name", "type"},
    {"event_type", "type"},
    {"action", "type"},
    {"timestamp", "occurred_at"},
    {"original_timestamp", "occurred_at"},
    {"event_timestamp", "occurred_at"},
    {"time", "occurred_at"},
    {"ts", "occurred_at"},
    {"created_at", "occurred_at"},
    {"event_time", "occurred_at"},
    {"transaction_id", "order_id"},
    {"order_number", "order_id"},
    {"basket_id", "cart_id"},
    {"checkout_id", "cart_id"},
    {"cart_token", "cart_id"},
    {"session", "session_id"},
    {"ga_session_id", "session_id"},
    {"user_session", "session_id"},
    {"products", "items"},
    {"line_items", "items"},
    {"contents", "items"},
    {"lines", "items"},
    {"item_id", "product_id"},
    {"sku", "product_id"},
    {"content_id", "product_id"},
    {"product", "product_id"},
    {"qty", "quantity"},
    {"count", "quantity"},
    {"price", "price_minor"},
    {"unit_price", "price_minor"},
    {"item_price", "price_minor"},
    {"currency_code", "currency"},
    {"props", "properties"},
    {"total_minor", "properties.total_minor"},
    {"cost_minor", "properties.cost_minor"},
    {"channel", "properties.channel"},
    {"text", "properties.text"},
    {"message", "properties.text"},
    {"page", "properties.page"},
    {"query", "properties.query"},
    {"code", "properties.code"},
    {"step", "properties.step"},
    {"reason", "properties.reason"},
    {"kind", "properties.kind"},
    {"event_properties", "properties"},
    {"traits", "properties"},
    {"name", "title"},
    {"product_name", "title"},
    {"link", "url"},
    {"permalink", "url"},
    {"image", "image_url"},
    {"image_link", "image_url"},
    {"inventory", "stock"},
    {"stock_quantity", "stock"},
    {"product_type", "category"},
    {"categories", "category"},
    {"vendor", "brand"},
    {"manufacturer", "brand"},
};

static const struct foreign_name types[] = {
    {"add_to_cart", "cart_item_added"},
    {"addtocart", "cart_item_added"},
    {"product_added", "cart_item_added"},
    {"product_added_to_cart", "cart_item_added"},
    {"cart_add", "cart_item_added"},
    {"remove_from_cart", "cart_item_removed"},
    {"product_removed", "cart_item_removed"},
    {"product_removed_from_cart", "cart_item_removed"},
    {"cart_remove", "cart_item_removed"},
    {"cart_updated", "cart_snapshot"},
    {"cart_viewed", "cart_snapshot"},
    {"view_cart", "cart_snapshot"},
    {"view_item", "product_viewed"},
    {"product_view", "product_viewed"},
    {"view_content", "product_viewed"},
    {"viewed_product", "product_viewed"},
    {"view_item_list", "list_viewed"},
    {"product_list_viewed", "list_viewed"},
    {"collection_viewed", "list_viewed"},
    {"search", "searched"},
    {"search_submitted", "searched"},
    {"products_searched", "searched"},
    {"begin_checkout", "checkout_started"},
    {"initiate_checkout", "checkout_started"},
    {"started_checkout", "checkout_started"},
    {"checkout", "checkout_started"},
    {"checkout_step_viewed", "checkout_step"},
    {"add_shipping_info", "shipping_shown"},
    {"add_payment_info", "payment_info"},
    {"payment_info_entered", "payment_info"},
    {"payment_info_submitted", "payment_info"},
    {"order", "purchase"},
    {"order_completed", "purchase"},
    {"placed_order", "purchase"},
    {"order_placed", "purchase"},
    {"order_paid", "purchase"},
    {"order_created", "purchase"},
    {"order_confirmed", "purchase"},
    {"orders/create", "purchase"},
    {"orders/paid", "purchase"},
    {"paid", "purchase"},
    {"payment_succeeded", "purchase"},
    {"payment_completed", "purchase"},
    {"purchased", "purchase"},
    {"bought", "purchase"},
    {"checkout_completed", "purchase"},
    {"transaction", "purchase"},
    {"buy", "purchase"},
    {"order_refunded", "refund"},
    {"add_to_wishlist", "wishlist_added"},
    {"product_added_to_wishlist", "wishlist_added"},
    {"page_view", "page_viewed"},
    {"pageview", "page_viewed"},
    {"page", "page_viewed"},
    {"login", "identify"},
    {"opt_out", "consent_withdrawn"},
    {"opted_out", "consent_withdrawn"},
    {"stop", "consent_withdrawn"},
    {"do_not_contact", "consent_withdrawn"},
    {"consent_revoked", "consent_withdrawn"},
    {"unsub", "consent_withdrawn"},
    {"unsubscribed", "consent_withdrawn"},
    {"unsubscribe", "consent_withdrawn"},
    {"subscribed", "consent_given"},
    {"subscribe", "consent_given"},
    {"message", "chat_message"},
};

static const char *find(const struct foreign_name *rows, size_t count, const char *theirs)
{
    for (size_t i = 0; i < count; i++) {
        if (spell_same(rows[i].theirs, theirs)) {
            return rows[i].ours;
        }
    }
    return NULL;
}

const char *event_member_hint(const char *unknown)
{
    return find(members, sizeof members / sizeof members[0], unknown);
}

const char *event_type_hint(const char *unknown)
{
    const char *names[EVENT_TYPE_COUNT];
    const char *known = find(types, sizeof types / sizeof types[0], unknown);
    size_t count = 0;

    /* only those that a shop may send: ours are refused from outside */
    for (int t = EVENT_UNKNOWN + 1; t < EVENT_DERIVED_SHOPPER_BOUND; t++) {
        names[count++] = event_type_name((enum event_type)t);
    }
    return known != NULL ? known : spell_nearest(unknown, names, count);
}

/* ---- without effect ---- */

struct warnings {
    struct event_warning *all;
    size_t count;
    struct arena *arena;
};

static void warn(struct warnings *w, const char *code, const char *pointer, const char *detail)
{
    if (w->count < EVENT_WARNINGS_MAX) {
        w->all[w->count++] = (struct event_warning){code, pointer, detail};
    }
}

/* Nearly every id begins and ends in letters and digits of ASCII, and costs two looks. */
static bool ends_are_plain(const char *id)
{
    if (id[0] == '\0') {
        return false;
    }
    const char last = id[strlen(id) - 1];

    return id[0] > ' ' && id[0] < 0x7f && last > ' ' && last < 0x7f;
}

static bool warn_of_id(struct warnings *w, const char *pointer, const char *id)
{
    const char *bare = id == NULL || ends_are_plain(id) ? id : text_bare(id, w->arena);

    if (bare == id) {
        return false;
    }
    warn(w, "unseen_in_id", pointer,
         arena_printf(w->arena,
                      "begins or ends in a blank, or in what cannot be seen: it is another id than "
                      "\"%.40s\"",
                      bare));
    return true;
}

/* Items and adjustments lie apart in the event: the place is that of the document. */
static void warn_of_items(struct warnings *w, struct jval doc)
{
    struct jwalk walk = jwalk_begin(jval_get(doc, "items"));

    while (jwalk_next(&walk)) {
        const char *id = jval_text(jval_get(walk.value, "product_id"), w->arena);
        if (warn_of_id(w, arena_printf(w->arena, "/items/%zu/product_id", walk.at - 1), id)) {
            return;
        }
    }
}

/* Of the products the first is told: a sender that does so does it with all of them. */
static void warn_of_ids(struct warnings *w, const struct event *e, struct jval doc)
{
    (void)warn_of_id(w, "/event_id", e->event_id);
    (void)warn_of_id(w, "/customer_id", e->customer_id);
    (void)warn_of_id(w, "/anonymous_id", e->anonymous_id);
    (void)warn_of_id(w, "/cart_id", e->cart_id);
    (void)warn_of_id(w, "/order_id", e->order_id);
    for (size_t i = 0; i < e->item_count; i++) {
        if (!ends_are_plain(e->items[i].product_id)) {
            warn_of_items(w, doc);
            return;
        }
    }
}

static bool warn_of_number(struct warnings *w, struct jval of, const char *name,
                           const char *pointer)
{
    const struct jval id = jval_get(of, name);

    if (!jval_is(id, JSON_INTEGER)) {
        return false;
    }
    warn(w, "id_as_number", arena_printf(w->arena, "%s/%s", pointer, name),
         arena_printf(w->arena, "is a number: it is taken for the text \"%" PRId64 "\"",
                      jval_integer(id)));
    return true;
}

/* Of the items the first, as with what cannot be seen. */
static void warn_of_numbers(struct warnings *w, struct jval doc)
{
    static const char *const ids[] = {"event_id", "customer_id", "anonymous_id",
                                      "cart_id",  "order_id",    "session_id"};
    static const char *const of_items[] = {"product_id", "variant_id", "line_id"};
    struct jwalk walk = jwalk_begin(jval_get(doc, "items"));
    bool told = false;

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        (void)warn_of_number(w, doc, ids[i], "");
    }
    while (!told && jwalk_next(&walk)) {
        const char *pointer = arena_printf(w->arena, "/items/%zu", walk.at - 1);
        for (size_t i = 0; i < sizeof of_items / sizeof of_items[0]; i++) {
            told = warn_of_number(w, walk.value, of_items[i], pointer) || told;
        }
    }
}

/* "de", "de-AT", "de_AT.UTF-8" and "zh-Hant" begin with the two or three letters of a language, "deutsch" does not. */
static bool names_language(const char *locale)
{
    size_t letters = strcspn(locale, "-_.@");

    return letters == 2 || letters == 3;
}

/* "Berlin" of "Europe/Berlin". */
static const char *city(const char *zone)
{
    const char *slash = strrchr(zone, '/');

    return slash != NULL ? slash + 1 : zone;
}

/* "europe/berlin" and "America/NewYork" are nearly names. Of two names the continent is the same so often that the city has to be near by
 * itself: Europe/Wien is not Europe/Kiev. */
static const char *zone_hint(const char *timezone, struct arena *a)
{
    const struct zones *zones = zones_system();
    size_t count = zones_count(zones);
    const char **names = arena_array(a, count + 1, sizeof(const char *));

    for (size_t i = 0; i < count; i++) {
        names[i] = zones_name(zones, i);
    }
    const char *nearest = spell_nearest(timezone, names, count);
    if (nearest == NULL) {
        return NULL;
    }
    const char *meant = city(nearest);
    return spell_nearest(city(timezone), &meant, 1) != NULL ? nearest : NULL;
}

static void warn_of_context(struct warnings *w, const struct event *e)
{
    int offset;

    if (e->locale != NULL && !names_language(e->locale)) {
        warn(
            w, "no_language", "/context/locale",
            "is no language tag such as de-AT, and is not taken for one: the shop's own language is spoken");
    }
    if (e->timezone != NULL && !local_time_offset(e->timezone, e->occurred_us, &offset)) {
        const char *meant = zone_hint(e->timezone, w->arena);
        const char *hint = meant != NULL ? arena_printf(w->arena, "; did you mean %s?", meant) : "";
        warn(w, "no_time_zone", "/context/timezone",
             arena_printf(w->arena,
                          "is no name of the tz database such as Europe/Berlin, nor an offset such "
                          "as +02:00: it says nothing here%s",
                          hint));
    }
}

/* "cost" and "costMinor" are nearly cost_minor, and so is what is misspelt by little. */
static bool is_nearly(const char *name, const char *read, struct arena *a)
{
    return spell_nearest(name, &read, 1) != NULL ||
           spell_same(arena_printf(a, "%s_minor", name), read);
}

/* The property called read is not there: the first that was probably meant for it. */
static void warn_of_misspelt(struct warnings *w, struct jval properties, const char *read,
                             const char *kind)
{
    struct jwalk walk = jwalk_begin(properties);

    while (jwalk_next(&walk)) {
        const char *name = jwalk_name(&walk, w->arena);
        if (is_nearly(name, read, w->arena)) {
            warn(
                w, "not_read", arena_printf(w->arena, "/properties/%s", name),
                arena_printf(w->arena, "is kept, and not read; did you mean %s (%s)?", read, kind));
            return;
        }
    }
}

static void warn_of_property(struct warnings *w, struct jval properties, const char *read,
                             const char *kind, bool taken)
{
    if (read == NULL || taken) {
        return;
    }
    if (!jval_exists(jval_get(properties, read))) {
        warn_of_misspelt(w, properties, read, kind);
        return;
    }
    warn(w, "not_read", arena_printf(w->arena, "/properties/%s", read),
         arena_printf(w->arena, "is kept, and not read: it is %s", kind));
}

/* A no that its sender believes was heard, and a property that was taken for one. */
static void warn_of_no(struct warnings *w, const struct event *e, struct jval properties)
{
    struct jwalk walk = jwalk_begin(properties);

    while (jwalk_next(&walk)) {
        const char *name = jwalk_name(&walk, w->arena);
        const enum no_sign sign = no_sign_of(name, walk.value, w->arena);
        const bool heard = sign == NO_SIGN_SAID && no_is_heard_in(e->type);
        if (sign == NO_SIGN_NONE || (heard && strcmp(name, "opt_out") == 0)) {
            continue;
        }
        const char *pointer = arena_printf(w->arena, "/properties/%s", name);
        if (heard) {
            warn(w, "taken_for_no", pointer,
                 "is taken for a no: there are no messages to this person any more; it is called "
                 "opt_out");
        } else {
            warn(
                w, "not_read", pointer,
                "is kept, and not read: if no messages are wanted any more, send consent_withdrawn "
                "(with its channel, if it is one), or \"opt_out\": true in chat_message or identify");
        }
    }
}

/* An event whose type says it all. */
static void warn_of_named_no(struct warnings *w, const struct event *e)
{
    if (e->type == EVENT_UNKNOWN && e->opt_out && no_is_named(e->type_name)) {
        warn(w, "taken_for_no", "/type",
             "is taken for a no: there are no messages to this person any more; it is called "
             "consent_withdrawn");
    }
}

/* What a shopper writes may be a no: it must not get lost in silence because of where it stands. */
static void warn_of_message(struct warnings *w, const struct event *e, struct jval properties)
{
    if (e->type != EVENT_CHAT_MESSAGE || jval_is(jval_get(properties, "text"), JSON_STRING)) {
        return;
    }
    if (no_is_written(properties, w->arena)) {
        warn(w, "taken_for_no", "/properties/text",
             "is where the message belongs; it was found elsewhere, and is taken for a no: there "
             "are no messages to this person any more");
    } else if (!e->opt_out && !message_is_there(properties)) {
        warn(w, "not_read", "/properties/text",
             "is where the message belongs, and no text is there: if it says that no messages are "
             "wanted, that is not heard");
    }
}

size_t event_warnings(const struct event *e, struct jval doc, struct arena *a,
                      struct event_warning out[EVENT_WARNINGS_MAX])
{
    static const char text[] = "a text of 1 to 300 bytes";
    struct warnings w = {.all = out, .arena = a};
    const struct jval properties = jval_get(doc, "properties");
    const bool consent = e->type == EVENT_CONSENT_GIVEN || e->type == EVENT_CONSENT_WITHDRAWN;

    warn_of_ids(&w, e, doc);
    if (e->id_as_number) {
        warn_of_numbers(&w, doc);
    }
    warn_of_named_no(&w, e);
    warn_of_context(&w, e);
    warn_of_message(&w, e, properties);
    if (jval_is(properties, JSON_OBJECT)) {
        warn_of_no(&w, e, properties);
        warn_of_property(&w, properties, consent ? "channel" : event_subject_name(e->type), text,
                         e->subject != NULL);
        warn_of_property(&w, properties, event_amount_name(e->type),
                         "a whole number of minor units: 490 for 4.90",
                         e->amount_minor != MONEY_UNKNOWN);
    }
    return w.count;
}
