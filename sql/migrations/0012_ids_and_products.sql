-- Ids that are none, refused from plain SQL as from the API; and the catalogue's own: removed products, and words to find them by.

-- Words that programs write where they have no id: the table of src/domain/shop/placeholder_table.inc, in small letters (store_append_events_test
-- holds them equal). p_of: shopper, cart, order or event. `ALTER DATABASE ... SET cartwright.ids_allowed = 'guest, 0'` gives some of them back.
CREATE FUNCTION cartwright.is_placeholder(id text, p_of text) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE STRICT
    AS $$
DECLARE
    v_id   text := lower(btrim(id, E' \t'));
    v_uuid boolean := length(v_id) IN (32, 36);
BEGIN
    IF v_id <> '' AND v_id IN (SELECT lower(btrim(w, E' \t')) FROM regexp_split_to_table(current_setting('cartwright.ids_allowed', true), ',') AS w) THEN
        RETURN false;
    END IF;
    IF v_id = '-1' AND p_of = 'event' THEN -- the first of a file may be numbered 0, or -1
        RETURN false;
    END IF;
    RETURN v_id = ANY (ARRAY[
        'undefined', 'null', 'nil', 'none', 'nan', 'nat', 'na', 'n/a', '#n/a', '#null!', '#value!', '#ref!', '#name?', '<na>', '<null>',
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
        OR id ~ '^[\s\u00a0\u00ad\u034f\u061c\u1680\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0]*$';
END $$;

-- The envelope as before, and then its ids.
ALTER FUNCTION cartwright.envelope(jsonb, timestamptz) RENAME TO envelope_form;
CREATE FUNCTION cartwright.envelope(e jsonb, p_received timestamptz, OUT id text, OUT key text, OUT type text, OUT occurred timestamptz,
                                    OUT pointer text, OUT detail text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    v_member text;
BEGIN
    SELECT f.id, f.key, f.type, f.occurred, f.pointer, f.detail INTO id, key, type, occurred, pointer, detail
      FROM cartwright.envelope_form(e, p_received) AS f;
    IF detail IS NOT NULL THEN
        RETURN;
    END IF;
    SELECT m.member INTO v_member
      FROM (VALUES (1, 'customer_id', 'shopper'), (2, 'anonymous_id', 'shopper'), (3, 'cart_id', 'cart'), (4, 'order_id', 'order'),
                   (5, 'event_id', 'event')) AS m(o, member, of)
     WHERE cartwright.is_placeholder(e ->> m.member, m.of)
     ORDER BY m.o
     LIMIT 1;
    IF v_member IS NOT NULL THEN
        pointer := '/' || v_member;
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
