-- Which customer named a cart first, by the times of the events: customer is the one that was folded first, and stays the one that was joined. Of rows of before
-- nobody knows the times: there it is that one.
ALTER TABLE cartwright.cart_party
    ADD COLUMN first_customer text COLLATE "C",
    ADD COLUMN first_at timestamptz; -- NULL as first_customer is
UPDATE cartwright.cart_party SET first_customer = customer, first_at = '-infinity' WHERE customer IS NOT NULL;

-- A no is also heard in identify, alias (21, 22) and types that nobody knows (0), and may name a cart as the others do. Marked it is by opt_out, in a packed body by the
-- bytes 30 and q (src/domain/shop/event_pieces.inc); what only seems to be one is waited for as well. Both indexes serve joins_pending, as before, each
-- with a view of its own: log_cart_nos has what log_carts has but for orders, in the words of log_cart_withdrawn, since the plan would take nearly all of the
-- log for no order and expect as much of it.
DROP INDEX cartwright.log_cart;
CREATE INDEX log_cart ON cartwright.log (hashtext(cartwright.event_cart(body)), lane, off)
    WHERE (type IN (15, 25, 26) OR (type IN (0, 21, 22) AND body ~ E'\x1eq|"opt_out": ?true')) AND (left(body, 1) = '{' OR ascii(body) & 8 <> 0);
DROP INDEX cartwright.log_cart_withdrawn;
CREATE INDEX log_cart_withdrawn ON cartwright.log (hashtext(cartwright.event_cart(body)), lane, off)
    WHERE (type IN (25, 26) OR (type IN (0, 21, 22) AND body ~ E'\x1eq|"opt_out": ?true')) AND (left(body, 1) = '{' OR ascii(body) & 8 <> 0);
CREATE OR REPLACE FUNCTION cartwright.log_views(p_before boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE
    AS $$
BEGIN
    EXECUTE $v$ CREATE OR REPLACE VIEW cartwright.log_rows AS
        SELECT lane, off, id, cartwright.id_unpack(id) COLLATE "C" AS event_id, key, type, origin, occurred_at, received_at, body FROM cartwright.log
    $v$ || CASE WHEN p_before THEN $v$ UNION ALL
        SELECT lane, off, cartwright.id_pack(event_id), event_id, key, cartwright.type_code(type)::smallint, left(origin, 1)::"char", occurred_at, received_at,
               body::text COLLATE "C" FROM cartwright.event_before
    $v$ ELSE '' END;
    -- By the indexes log_name and log_cart, which of the log of before has no login that says no; of names and carts that are NULL, which nobody asks for, there are some.
    EXECUTE $v$ CREATE OR REPLACE VIEW cartwright.log_names AS
        SELECT cartwright.event_name(body) AS name, lane, off, key, type FROM cartwright.log
         WHERE key >= 'c:' AND key < 'c;' AND type <> 31 AND (left(body, 1) = '{' OR ascii(body) & 16 <> 0)
    $v$ || CASE WHEN p_before THEN $v$ UNION ALL
        SELECT coalesce(body ->> 'anonymous_id', body ->> 'via') COLLATE "C", lane, off, key, cartwright.type_code(type)::smallint
          FROM cartwright.event_before
         WHERE key >= 'c:' AND key < 'c;' AND type <> 'forwarded' AND coalesce(body ->> 'anonymous_id', body ->> 'via') IS NOT NULL
    $v$ ELSE '' END;
    EXECUTE $v$ CREATE OR REPLACE VIEW cartwright.log_carts AS
        SELECT cartwright.event_cart(body) AS cart_id, lane, off, key, type, occurred_at FROM cartwright.log
         WHERE (type IN (15, 25, 26) OR (type IN (0, 21, 22) AND body ~ E'\x1eq|"opt_out": ?true')) AND (left(body, 1) = '{' OR ascii(body) & 8 <> 0)
    $v$ || CASE WHEN p_before THEN $v$ UNION ALL
        SELECT (body ->> 'cart_id') COLLATE "C", lane, off, key, cartwright.type_code(type)::smallint, occurred_at FROM cartwright.event_before
         WHERE type IN ('purchase', 'consent_withdrawn', 'chat_message') AND body ->> 'cart_id' IS NOT NULL
    $v$ ELSE '' END;
    EXECUTE $v$ CREATE OR REPLACE VIEW cartwright.log_cart_nos AS
        SELECT cartwright.event_cart(body) AS cart_id, lane, off, key, type, occurred_at FROM cartwright.log
         WHERE (type IN (25, 26) OR (type IN (0, 21, 22) AND body ~ E'\x1eq|"opt_out": ?true')) AND (left(body, 1) = '{' OR ascii(body) & 8 <> 0)
    $v$ || CASE WHEN p_before THEN $v$ UNION ALL
        SELECT (body ->> 'cart_id') COLLATE "C", lane, off, key, cartwright.type_code(type)::smallint, occurred_at FROM cartwright.event_before
         WHERE type IN ('consent_withdrawn', 'chat_message') AND body ->> 'cart_id' IS NOT NULL
    $v$ ELSE '' END;
END $$;
SELECT cartwright.log_views(to_regclass('cartwright.event_before') IS NOT NULL);
