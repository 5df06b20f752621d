-- What joins people, found before any fold came to it. A decision about a browser or a cart asks which customer's events name it: nobody
-- knows in which lane they lie, and the lanes' newest are too many to read while a history is being imported. Both are partial: the first
-- holds what customers send with an anonymous id and what they are answered about it, the second orders and withdrawals that name a cart, and chats, which may be one (STOP).
CREATE INDEX event_names ON cartwright.event ((coalesce(body ->> 'anonymous_id', body ->> 'via')), lane, off)
    WHERE key >= 'c:' AND key < 'c;' AND type <> 'forwarded' AND coalesce(body ->> 'anonymous_id', body ->> 'via') IS NOT NULL;
CREATE INDEX event_cart_orders ON cartwright.event ((body ->> 'cart_id'), lane, off)
    WHERE type IN ('purchase', 'consent_withdrawn', 'chat_message') AND body ->> 'cart_id' IS NOT NULL;

-- Who had to do with a cart, found by its id: a shop's server tells an order with the customer and the cart, and knows no browser. The row of
-- the cart id is where the two meet, whichever comes first. An id that many use is nobody's: a shop that calls every cart "cart".
CREATE TABLE cartwright.cart_party (
    lane       int NOT NULL,              -- of 'k:' and the cart id
    cart_id    text COLLATE "C" NOT NULL,
    customer   text COLLATE "C",          -- keys of the first that named the cart
    anonymous  text COLLATE "C",
    many       boolean NOT NULL,          -- there are others of the kind
    ordered_at timestamptz,               -- first order, or withdrawal of consent, that named it
    PRIMARY KEY (lane, cart_id)
) WITH (fillfactor = 80);

-- Two more types that nobody but Cartwright writes.
ALTER FUNCTION cartwright.envelope(jsonb, timestamptz) RENAME TO envelope_of_known;
CREATE FUNCTION cartwright.envelope(e jsonb, p_received timestamptz, OUT id text, OUT key text, OUT type text, OUT occurred timestamptz,
                                    OUT pointer text, OUT detail text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    v record;
BEGIN
    v := cartwright.envelope_of_known(e, p_received);
    id := v.id; key := v.key; type := v.type; occurred := v.occurred; pointer := v.pointer; detail := v.detail;
    IF detail IS NULL AND type IN ('shopper_unbound', 'shopper_named') THEN
        pointer := '/type';
        detail := 'is written by Cartwright itself';
    END IF;
END $$;
