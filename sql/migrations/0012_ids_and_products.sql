-- Ids that are none, refused from plain SQL as from the API; and the catalogue's own: removed products, and words to find them by.

-- Words that programs write where they have no id: the table of src/domain/shop/placeholder_table.inc, in small letters (store_append_events_test
-- holds them equal). p_of: shopper, cart, order or event. `ALTER DATABASE ... SET cartwright.ids_allowed = 'guest, 0'` gives some of them back.
CREATE FUNCTION cartwright.is_placeholder(id text, p_of text) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE STRICT
    AS $$
DECLARE
    v_id   text;
    v_uuid boolean;
BEGIN
    -- Nearly every real id has one of these digits, and no placeholder has but -1 and what a template may hold.
    IF id ~ '[1-9]' AND id !~ '^[ \t]*(-1[ \t]*$|\{\{|\$\{|%%)' THEN
        RETURN false;
    END IF;
    v_id := lower(btrim(id, E' \t'));
    v_uuid := length(v_id) IN (32, 36);
    IF v_id = '-1' AND p_of = 'event' THEN -- the first of a file may be numbered 0, or -1
        RETURN false;
    END IF;
    IF NOT (
        v_id = ANY (ARRAY[
        'undefined', 'null', 'nil', 'none', 'nan', 'na', 'n/a', '#n/a', '#null!', '#value!', '#ref!', '#name?', '<na>', '<null>',
        '<nil>', '<none>', '(null)', '(none)', '(not set)', 'not set', 'not_set', 'notset', '[null]', '\n', '[object object]',
        '[object undefined]', '[object null]', 'object', 'infinity', '-infinity', 'true', 'false', 'empty', 'missing', '""', '''''', '{}',
        '[]', '-', '--', '-1', 'ffffffff-ffff-ffff-ffff-ffffffffffff'])
        OR (p_of = 'shopper' AND v_id = ANY (ARRAY[
        'anonymous', 'anonym', 'anon', 'guest', 'visitor', 'unknown', 'not_authenticated', 'unauthenticated', 'not_logged_in',
        'logged_out', 'default', 'id', 'user', 'user_id', 'userid', 'customer', 'customer_id', 'customerid', 'anonymous_id', 'anonymousid',
        'visitor_id', 'distinct_id', 'distinctid', 'email', 'uuid', 'guid']))
        OR (v_id ~ '^[-0{}]*0[-0{}]*$' AND (v_uuid OR p_of <> 'event'))
        OR (length(v_id) > 2 AND v_id ~ '^(\{\{.*\}\}|\$\{.*\}|%%.*%%)$')
        -- nothing that can be seen: white space, zero-width characters and marks of direction
        OR id ~ '^[\s\u00a0\u00ad\u034f\u061c\u1680\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0]*$'
    ) THEN
        RETURN false;
    END IF;
    RETURN v_id = '' OR v_id NOT IN (
        SELECT lower(btrim(w, E' \t')) FROM regexp_split_to_table(coalesce(current_setting('cartwright.ids_allowed', true), ''), ',') AS w);
END $$;

-- The envelope as before, and then its ids.
ALTER FUNCTION cartwright.envelope(jsonb, timestamptz) RENAME TO envelope_form;
CREATE FUNCTION cartwright.envelope(e jsonb, p_received timestamptz, OUT id text, OUT key text, OUT type text, OUT occurred timestamptz,
                                    OUT pointer text, OUT detail text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    f record := cartwright.envelope_form(e, p_received);
BEGIN
    id := f.id;
    key := f.key;
    type := f.type;
    occurred := f.occurred;
    pointer := f.pointer;
    detail := f.detail;
    IF detail IS NOT NULL THEN
        RETURN;
    END IF;
    pointer := CASE WHEN cartwright.is_placeholder(e ->> 'customer_id', 'shopper') THEN '/customer_id'
                    WHEN cartwright.is_placeholder(e ->> 'anonymous_id', 'shopper') THEN '/anonymous_id'
                    WHEN cartwright.is_placeholder(e ->> 'cart_id', 'cart') THEN '/cart_id'
                    WHEN cartwright.is_placeholder(e ->> 'order_id', 'order') THEN '/order_id'
                    WHEN cartwright.is_placeholder(e ->> 'event_id', 'event') THEN '/event_id' END;
    IF pointer IS NOT NULL THEN
        detail := 'must be an id, not what programs write where there is none (where it is one, name it in cartwright.ids_allowed)';
    END IF;
END $$;

-- A product that the shop removed keeps its row, sold out and without a word, so that whoever serves learns of it, and no import of old history
-- brings it back; describing it again does.
ALTER TABLE cartwright.product ADD COLUMN deleted boolean NOT NULL DEFAULT false;

-- What a product is found by: the words of its id, title, brand and category, whatever parts them.
CREATE FUNCTION cartwright.product_plain(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT translate(value, E'-_/\\.,:;()[]{}<>+*#@&|!?"''=%~^`$', repeat(' ', 33)) $$;
CREATE FUNCTION cartwright.product_words(id text, title text, brand text, category text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT to_tsvector('pg_catalog.simple'::regconfig, cartwright.product_plain(
               id || ' ' || coalesce(title, '') || ' ' || coalesce(brand, '') || ' ' || coalesce(category, ''))) $$;
-- Every word of q, as the beginning of one; NULL where q has none.
CREATE FUNCTION cartwright.product_search(q text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT to_tsquery('pg_catalog.simple'::regconfig, string_agg('''' || w || ''':*', ' & '))
            FROM regexp_split_to_table(btrim(cartwright.product_plain(q)), '\s+') AS w WHERE w <> '' $$;
-- Serves products_search.
CREATE INDEX product_words ON cartwright.product USING gin (cartwright.product_words(product_id, title, brand, category));
