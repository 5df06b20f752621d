/* What of an event is without the effect that its sender believes it to have. */
#include "domain/shop/event_warnings.h"

#include "base/locale/zones.h"
#include "base/spell.h"
#include "domain/shop/clean_text.h"
#include "domain/shop/event_hints.h"
#include "domain/shop/local_time.h"
#include "domain/shop/money.h"
#include "domain/shop/opt_out.h"
#include "domain/shop/said_no.h"

#include <inttypes.h>
#include <string.h>

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
           spell_same(arena_printf(a, "%s_minor", name), read) ||
           event_property_is_meant(name, read);
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

/* An id that stands beside the type in events of ours, and among the properties in those of others. */
static const char *id_meant(const char *name)
{
    static const char *const ids[] = {"customer_id", "anonymous_id", "cart_id", "order_id"};
    const char *hint = event_member_hint(name);

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        if (spell_same(name, ids[i]) || (hint != NULL && strcmp(hint, ids[i]) == 0)) {
            return ids[i];
        }
    }
    return NULL;
}

static void warn_of_misplaced_ids(struct warnings *w, const struct event *e, struct jval doc,
                                  struct jval properties)
{
    struct jwalk walk = jwalk_begin(properties);

    while (e->type != EVENT_UNKNOWN && jwalk_next(&walk)) {
        const char *name = jwalk_name(&walk, w->arena);
        const char *id = id_meant(name);
        const bool said = jval_is(walk.value, JSON_STRING) || jval_is(walk.value, JSON_INTEGER);
        if (id != NULL && said && !jval_exists(jval_get(doc, id))) {
            warn(w, "not_read", arena_printf(w->arena, "/properties/%s", name),
                 arena_printf(w->arena,
                              "is kept, and not read: %s stands beside type, not in properties",
                              id));
        }
    }
}

/* A no that its sender believes was heard, and a property that was taken for one. */
static void warn_of_no(struct warnings *w, const struct event *e, struct jval properties)
{
    struct jwalk walk = jwalk_begin(properties);

    /* one by its type is a no whatever else it says */
    while (e->type != EVENT_CONSENT_WITHDRAWN && jwalk_next(&walk)) {
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

/* An event whose type says it all, or may. */
static void warn_of_named_no(struct warnings *w, const struct event *e)
{
    if (e->type == EVENT_CONSENT_WITHDRAWN && event_type_of(e->type_name) == EVENT_CONSENT_GIVEN) {
        warn(w, "taken_for_no", "/type",
             "is taken for consent_withdrawn, since its properties say no");
    } else if (e->type == EVENT_UNKNOWN && e->opt_out && no_is_named(e->type_name)) {
        warn(w, "taken_for_no", "/type",
             "is taken for a no: there are no messages to this person any more; it is called "
             "consent_withdrawn");
    } else if (e->type == EVENT_UNKNOWN && !e->opt_out && no_may_be_named(e->type_name)) {
        warn(w, "not_read", "/type",
             "may say that no messages are wanted, and is not taken for it: if it does, send "
             "consent_withdrawn (with its channel, if it is one)");
    }
}

/* What a shopper writes may be a no: it must not get lost in silence because of where it stands. */
static void warn_of_message(struct warnings *w, const struct event *e, struct jval properties)
{
    const char *text = jval_text(jval_get(properties, "text"), w->arena);

    if (e->type != EVENT_CHAT_MESSAGE) {
        return;
    }
    if (text != NULL) {
        if (!e->opt_out && opt_out_may_say(text)) {
            warn(w, "not_read", "/properties/text",
                 "may say that no messages are wanted, and is not taken for it: if it does, send "
                 "\"opt_out\": true with it, or consent_withdrawn");
        }
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
        warn_of_misplaced_ids(&w, e, doc, properties);
        warn_of_no(&w, e, properties);
        warn_of_property(&w, properties, consent ? "channel" : event_subject_name(e->type), text,
                         e->subject != NULL);
        warn_of_property(&w, properties, event_amount_name(e->type),
                         "a whole number of minor units: 490 for 4.90",
                         e->amount_minor != MONEY_UNKNOWN);
    }
    return w.count;
}
