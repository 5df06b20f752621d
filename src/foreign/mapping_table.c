/* The formats of which a row is one event, each a row of the table at the end: where its columns are, and what the values
 * of its type mean. The names of columns come from the sources named beside them.
 *
 * Ids of shoppers and products stay as they are in the file: what a shop sends later through the API must use the same. */
#include "foreign/mapping.h"

#include "foreign/order_rows.h"

/* Every column has its names in the order in which they are looked for. */
#define COLUMN(...)                                                                                \
    {                                                                                              \
        .names = { __VA_ARGS__ }                                                                   \
    }
#define MAYBE(...)                                                                                 \
    {                                                                                              \
        .names = {__VA_ARGS__}, .optional = true                                                   \
    }

/* Every row is one of these. */
static const struct mapping_type all_purchases[] = {{"*", EVENT_PURCHASE, false}, {0}};

/* RetailRocket's log (Kaggle, retailrocket/ecommerce-dataset, events.csv), with either header: the published one and a
 * shortened one. No prices, no names; categories come from two files of their own (import/categories.c). It has no
 * removals: carts of this shop grow until they are bought. */
static const struct table_column retailrocket_columns[TARGETS] = {
    [TO_TIME] = COLUMN("timestamp", "timestamp_s"),
    [TO_CUSTOMER] = COLUMN("visitorid", "user"),
    [TO_TYPE] = COLUMN("event"),
    [TO_PRODUCT] = COLUMN("itemid", "item"),
    [TO_ORDER] = MAYBE("transactionid"),
};
static const struct mapping_type retailrocket_types[] = {
    {"view", EVENT_PRODUCT_VIEWED, false},
    {"addtocart", EVENT_CART_ITEM_ADDED, false},
    {"transaction", EVENT_PURCHASE, false},
    {0},
};

/* REES46's multi-category and cosmetics shops (rees46.com/en/open-cdp-datasets, 2019-Oct.csv). Prices come without a
 * currency, so the user names it. */
static const struct table_column rees46_columns[TARGETS] = {
    [TO_TIME] = COLUMN("event_time"),    [TO_TYPE] = COLUMN("event_type"),
    [TO_PRODUCT] = COLUMN("product_id"), [TO_CATEGORY] = COLUMN("category_code"),
    [TO_BRAND] = COLUMN("brand"),        [TO_PRICE] = COLUMN("price"),
    [TO_CUSTOMER] = COLUMN("user_id"),   [TO_SESSION] = COLUMN("user_session"),
};
static const struct mapping_type rees46_types[] = {
    {"view", EVENT_PRODUCT_VIEWED, false},
    {"cart", EVENT_CART_ITEM_ADDED, false},
    {"remove_from_cart", EVENT_CART_ITEM_REMOVED, false},
    {"purchase", EVENT_PURCHASE, false},
    {0},
};

/* Taobao user behaviour (Tianchi, UserBehavior.csv): user,item,category,behaviour,unix seconds; no header. The category's
 * number is all the file says about a product. "fav" keeps one in mind without a cart: a wish list, not an addition. */
static const struct table_column taobao_columns[TARGETS] = {
    [TO_CUSTOMER] = COLUMN("#1"), [TO_PRODUCT] = COLUMN("#2"), [TO_CATEGORY] = COLUMN("#3"),
    [TO_TYPE] = COLUMN("#4"),     [TO_TIME] = COLUMN("#5"),
};
static const struct mapping_type taobao_types[] = {
    {"pv", EVENT_PRODUCT_VIEWED, false},
    {"cart", EVENT_CART_ITEM_ADDED, false},
    {"fav", EVENT_WISHLIST_ADDED, false},
    {"buy", EVENT_PURCHASE, false},
    {0},
};

/* Google Analytics 4 from BigQuery (support.google.com/analytics/answer/7029846, events_YYYYMMDD), with the repeated items
 * unnested to a row each, as a CSV needs it. What follows a page or says nothing of a product or a checkout is left out. */
static const struct table_column ga4_columns[TARGETS] = {
    [TO_TIME] = COLUMN("event_timestamp"),
    [TO_TYPE] = COLUMN("event_name"),
    [TO_CUSTOMER] = MAYBE("user_id"),
    [TO_ANONYMOUS] = COLUMN("user_pseudo_id"),
    [TO_SESSION] = MAYBE("ga_session_id", "session_id"),
    [TO_ORDER] = MAYBE("transaction_id", "ecommerce.transaction_id", "ecommerce_transaction_id"),
    [TO_PRODUCT] = COLUMN("item_id", "items.item_id", "items_item_id"),
    [TO_QUANTITY] = MAYBE("quantity", "items.quantity", "items_quantity", "item_quantity"),
    [TO_PRICE] = MAYBE("price", "items.price", "items_price", "item_price"),
    [TO_CURRENCY] = MAYBE("currency"),
    [TO_TITLE] = MAYBE("item_name", "items.item_name", "items_item_name"),
    [TO_CATEGORY] = MAYBE("item_category", "items.item_category", "items_item_category"),
    [TO_BRAND] = MAYBE("item_brand", "items.item_brand", "items_item_brand"),
};
static const struct mapping_type ga4_types[] = {
    {"view_item", EVENT_PRODUCT_VIEWED, false},
    {"add_to_cart", EVENT_CART_ITEM_ADDED, false},
    {"remove_from_cart", EVENT_CART_ITEM_REMOVED, false},
    {"add_to_wishlist", EVENT_WISHLIST_ADDED, false},
    {"begin_checkout", EVENT_CHECKOUT_STARTED, false},
    {"add_payment_info", EVENT_PAYMENT_INFO, false},
    {"purchase", EVENT_PURCHASE, false},
    {"refund", EVENT_REFUND, false},
    {"*", EVENT_UNKNOWN, true},
    {0},
};

/* Shopify's orders export (help.shopify.com, "Exporting orders": a row a line item, the order's own columns in its first row
 * only). Whether it was paid later does not matter here: the cart was closed; a voided payment never came, and a cancelled order is none. */
static const struct table_column shopify_orders_columns[TARGETS] = {
    [TO_ORDER] = COLUMN("Name"),
    [TO_CUSTOMER] = COLUMN("Email"),
    [TO_TYPE] = COLUMN("Financial Status"),
    [TO_CANCELLED] = MAYBE("Cancelled at"),
    [TO_CURRENCY] = COLUMN("Currency"),
    [TO_TOTAL] = COLUMN("Total"),
    [TO_TIME] = COLUMN("Created at"),
    [TO_QUANTITY] = COLUMN("Lineitem quantity"),
    [TO_TITLE] = COLUMN("Lineitem name"),
    [TO_PRICE] = COLUMN("Lineitem price"),
    [TO_PRODUCT] = COLUMN("Lineitem sku"),
    [TO_BRAND] = MAYBE("Vendor"),
};
static const struct mapping_type shopify_orders_types[] = {
    {"voided", EVENT_UNKNOWN, true},
    {"expired", EVENT_UNKNOWN, true},
    {"*", EVENT_PURCHASE, false},
    {0},
};

/* Shopify's export of abandoned checkouts (checkouts_export.csv): the line items of the orders export, under the checkout's
 * Id, without a status. Each is a cart. */
static const struct table_column shopify_checkouts_columns[TARGETS] = {
    [TO_CART] = COLUMN("Id"),
    [TO_CUSTOMER] = COLUMN("Email"),
    [TO_CURRENCY] = MAYBE("Currency"),
    [TO_TIME] = COLUMN("Created at"),
    [TO_QUANTITY] = COLUMN("Lineitem quantity"),
    [TO_TITLE] = COLUMN("Lineitem name"),
    [TO_PRICE] = COLUMN("Lineitem price"),
    [TO_PRODUCT] = COLUMN("Lineitem sku"),
    [TO_BRAND] = MAYBE("Vendor"),
};
static const struct mapping_type all_additions[] = {{"*", EVENT_CART_ITEM_ADDED, false}, {0}};

/* WooCommerce's orders, a row an item: by "Customer/Order/Coupon Export" (one row per item: order_id, item_sku ...) and by
 * "Advanced Order Export" (Order Number, SKU ...). Statuses in another language are said by --types. */
static const struct table_column woocommerce_columns[TARGETS] = {
    [TO_ORDER] = COLUMN("Order Number", "order_number", "order_id", "Order ID"),
    [TO_TIME] = COLUMN("Order Date", "order_date", "date"),
    [TO_TYPE] = COLUMN("Order Status", "status", "order_status"),
    [TO_CUSTOMER] = COLUMN("Email (Billing)", "billing_email", "customer_email"),
    [TO_CURRENCY] = MAYBE("Order Currency", "order_currency", "Currency"),
    [TO_TOTAL] = MAYBE("Order Total Amount", "order_total"),
    [TO_PRODUCT] = COLUMN("SKU", "item_sku", "Product Id", "item_product_id"),
    [TO_TITLE] = COLUMN("Item Name", "item_name", "Product Name", "Name"),
    [TO_QUANTITY] = MAYBE("Quantity", "Quantity (- Refund)", "item_quantity"),
    [TO_PRICE] = MAYBE("Item Cost", "item_price"),
};
static const struct mapping_type woocommerce_types[] = {
    {"completed", EVENT_PURCHASE, false},
    {"wc-completed", EVENT_PURCHASE, false},
    {"processing", EVENT_PURCHASE, false},
    {"wc-processing", EVENT_PURCHASE, false},
    {"on-hold", EVENT_PURCHASE, false},
    {"on hold", EVENT_PURCHASE, false},
    {"wc-on-hold", EVENT_PURCHASE, false},
    {"refunded", EVENT_PURCHASE, false},
    {"wc-refunded", EVENT_PURCHASE, false},
    {"pending", EVENT_UNKNOWN, true},
    {"pending payment", EVENT_UNKNOWN, true},
    {"wc-pending", EVENT_UNKNOWN, true},
    {"cancelled", EVENT_UNKNOWN, true},
    {"wc-cancelled", EVENT_UNKNOWN, true},
    {"failed", EVENT_UNKNOWN, true},
    {"wc-failed", EVENT_UNKNOWN, true},
    {"checkout-draft", EVENT_UNKNOWN, true},
    {"draft", EVENT_UNKNOWN, true},
    {0},
};

/* H&M (Kaggle, h-and-m-personalized-fashion-recommendations, transactions_train.csv): a row a piece, by day. Its prices are
 * scaled to hide the currency, and left out. articles.csv has names. */
static const struct table_column hm_columns[TARGETS] = {
    [TO_TIME] = COLUMN("t_dat"),
    [TO_CUSTOMER] = COLUMN("customer_id"),
    [TO_PRODUCT] = COLUMN("article_id"),
    [TO_TITLE] = MAYBE("prod_name"),
    [TO_CATEGORY] = MAYBE("product_type_name"),
};

/* Instacart (Kaggle, instacart-market-basket-analysis): order_products__prior.csv and __train.csv, which orders.csv,
 * products.csv and aisles.csv complete. It has no dates (foreign/lookup.h). */
static const struct table_column instacart_columns[TARGETS] = {
    [TO_ORDER] = COLUMN("order_id"),    [TO_PRODUCT] = COLUMN("product_id"),
    [TO_CUSTOMER] = COLUMN("user_id"),  [TO_TIME] = COLUMN(LOOKUP_SINCE),
    [TO_TITLE] = MAYBE("product_name"), [TO_CATEGORY] = MAYBE("aisle"),
};

/* Olist (Kaggle, olistbr/brazilian-ecommerce): olist_order_items_dataset.csv, a row a piece, which the files of orders,
 * customers (one customer_id an order: customer_unique_id is the person) and products complete. */
static const struct table_column olist_columns[TARGETS] = {
    [TO_ORDER] = COLUMN("order_id"),
    [TO_PRODUCT] = COLUMN("product_id"),
    [TO_PRICE] = COLUMN("price"),
    [TO_CUSTOMER] = COLUMN("customer_unique_id", "customer_id"),
    [TO_TYPE] = COLUMN("order_status"),
    [TO_TIME] = COLUMN("order_purchase_timestamp"),
    [TO_CATEGORY] = MAYBE("product_category_name_english", "product_category_name"),
};
static const struct mapping_type olist_types[] = {
    {"canceled", EVENT_UNKNOWN, true},
    {"unavailable", EVENT_UNKNOWN, true},
    {"*", EVENT_PURCHASE, false},
    {0},
};

/* Ratings: MovieLens (grouplens.org, ratings.csv; without header u.data and Amazon's ratings_*.csv of 2014) and Amazon
 * (amazon-reviews-2023.github.io: user_id,parent_asin,rating,timestamp). Who rates has had the product; who rates it four
 * stars or more would again. */
static const struct table_column ratings_columns[TARGETS] = {
    [TO_CUSTOMER] = COLUMN("userId", "user_id", "reviewerID", "user"),
    [TO_PRODUCT] = COLUMN("movieId", "parent_asin", "asin", "item_id", "item"),
    [TO_TYPE] = COLUMN("rating", "overall"),
    [TO_TIME] = COLUMN("timestamp", "unixReviewTime"),
};
static const struct table_column ratings_plain_columns[TARGETS] = {
    [TO_CUSTOMER] = COLUMN("#1"),
    [TO_PRODUCT] = COLUMN("#2"),
    [TO_TYPE] = COLUMN("#3"),
    [TO_TIME] = COLUMN("#4"),
};
static const struct mapping_type ratings_types[] = {
    {"5", EVENT_PURCHASE, false},
    {"4.5", EVENT_PURCHASE, false},
    {"4", EVENT_PURCHASE, false},
    {"3.5", EVENT_PRODUCT_VIEWED, false},
    {"3", EVENT_PRODUCT_VIEWED, false},
    {"2.5", EVENT_PRODUCT_VIEWED, false},
    {"2", EVENT_PRODUCT_VIEWED, false},
    {"1.5", EVENT_PRODUCT_VIEWED, false},
    {"1", EVENT_PRODUCT_VIEWED, false},
    {"0.5", EVENT_PRODUCT_VIEWED, false},
    {0},
};

#define TABLE(columns_, ...)                                                                       \
    &(const struct table)                                                                          \
    {                                                                                              \
        .columns = (columns_), .column_count = TARGETS, .row = mapping_row,                        \
        .unread = mapping_unread, __VA_ARGS__                                                      \
    }
#define HEADER       .header = true
#define NO_HEADER(n) .width = (n)
#define JOINS(what)  .header = true, .join = (what)
#define MEANING(...)                                                                               \
    &(const struct mapping)                                                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
/* NULL: the user says the currency of its prices; "": it has no prices, or each has its own. */
#define FORMAT(name_, currency_, table_, ...)                                                      \
    {                                                                                              \
        .name = (name_), .currency = (currency_), .table = table_,                                 \
        .state_bytes = sizeof(struct order_rows), .record = table_record, .close = mapping_close,  \
        .mapping = __VA_ARGS__                                                                     \
    }

const struct foreign_format mapped_formats[] = {
    FORMAT("retailrocket", "", TABLE(retailrocket_columns, HEADER),
           MEANING(.types = retailrocket_types),
           .ids_allowed = "0"), /* the published file counts its visitors from 0 */
    FORMAT("rees46", NULL, TABLE(rees46_columns, HEADER),
           MEANING(.types = rees46_types, .codes = true)),
    FORMAT("taobao", "", TABLE(taobao_columns, NO_HEADER(5)), MEANING(.types = taobao_types)),
    FORMAT("ga4", "", TABLE(ga4_columns, HEADER), MEANING(.types = ga4_types, .by_order = true)),
    FORMAT("shopify-orders", "", TABLE(shopify_orders_columns, HEADER),
           MEANING(.types = shopify_orders_types, .by_order = true, .title_names = true,
                   .order_is_cart = true)),
    FORMAT("shopify-checkouts", "", TABLE(shopify_checkouts_columns, HEADER),
           MEANING(.types = all_additions, .by_order = true, .title_names = true,
                   .order_is_cart = true)),
    FORMAT("woocommerce", "", TABLE(woocommerce_columns, HEADER),
           MEANING(.types = woocommerce_types, .by_order = true, .title_names = true,
                   .order_is_cart = true)),
    FORMAT("hm", "", TABLE(hm_columns, HEADER), MEANING(.types = all_purchases)),
    FORMAT("instacart", "", TABLE(instacart_columns, JOINS("order_id=orders.csv")),
           MEANING(.types = all_purchases, .by_order = true)),
    FORMAT("olist", "BRL", TABLE(olist_columns, JOINS("order_id=olist_orders_dataset.csv")),
           MEANING(.types = olist_types, .by_order = true)),
    FORMAT("ratings", "", TABLE(ratings_columns, HEADER), MEANING(.types = ratings_types)),
    FORMAT("ratings-plain", "", TABLE(ratings_plain_columns, NO_HEADER(4)),
           MEANING(.types = ratings_types)),
};
const size_t mapped_format_count = sizeof mapped_formats / sizeof mapped_formats[0];
