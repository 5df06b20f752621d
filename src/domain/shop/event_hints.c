/* Names of other trackers, for errors that say what was probably meant. Nothing is decoded by them: an
 * event under a foreign name would otherwise be read half, and its sender never learn of it. */
#include "domain/shop/event_hints.h"

#include "base/spell.h"
#include "domain/shop/event.h"

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

/* Of properties: what Segment, GA4 and usual tables call those that are read. */
static const struct foreign_name properties[] = {
    {"shipping", "cost_minor"},
    {"shipping_cost", "cost_minor"},
    {"shipping_price", "cost_minor"},
    {"price", "cost_minor"},
    {"revenue", "total_minor"},
    {"value", "total_minor"},
    {"order_total", "total_minor"},
    {"total_price", "total_minor"},
    {"amount", "total_minor"},
    {"coupon", "code"},
    {"coupon_code", "code"},
    {"promo_code", "code"},
    {"discount_code", "code"},
    {"voucher", "code"},
    {"q", "query"},
    {"term", "query"},
    {"keyword", "query"},
    {"search_term", "query"},
    {"search_string", "query"},
    {"error", "reason"},
    {"error_code", "reason"},
    {"error_message", "reason"},
    {"decline_code", "reason"},
    {"step_name", "step"},
    {"checkout_step", "step"},
    {"path", "page"},
    {"page_path", "page"},
    {"page_name", "page"},
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

bool event_property_is_meant(const char *name, const char *read)
{
    bool meant = false;

    for (size_t i = 0; i < sizeof properties / sizeof properties[0] && !meant; i++) {
        meant = strcmp(properties[i].ours, read) == 0 && spell_same(properties[i].theirs, name);
    }
    return meant;
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
