-- The log in a third of its bytes. What stands in columns leaves the body, ids are bytes, types numbers, and what bodies often say is one byte; src/domain/shop/
-- event_pack.h has the form, and the C side of it. For people the view cartwright.event shows every event as it was sent, with the columns of before.
-- A log that has events already is carried over while it is served (end of this file): until that is done the view log_rows shows the events of both tables.

-- ---- what is short for what ----
-- Functions of one expression are not STRICT: such are written into the statement that calls them, and into indexes.

-- Ids as bytes: a tag, what stands before the last 32 hex digits (tag 2), 64 (tag 3) or UUID (tag 1), and those; tag 0: text. In small letters only.
CREATE FUNCTION cartwright.id_pack(id text) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN id ~ '[0-9a-f]{64}$' THEN '\x03'::bytea || convert_to(left(id, -64), 'UTF8') || decode(right(id, 64), 'hex')
                      WHEN id ~ '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                      THEN '\x01'::bytea || convert_to(left(id, -36), 'UTF8') || decode(replace(right(id, 36), '-', ''), 'hex')
                      WHEN id ~ '[0-9a-f]{32}$' THEN '\x02'::bytea || convert_to(left(id, -32), 'UTF8') || decode(right(id, 32), 'hex')
                      ELSE '\x00'::bytea || convert_to(id, 'UTF8') END $$;
CREATE FUNCTION cartwright.id_unpack(id bytea) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT CASE get_byte(id, 0)
                 WHEN 0 THEN convert_from(substring(id FROM 2), 'UTF8')
                 WHEN 3 THEN convert_from(substring(id FROM 2 FOR octet_length(id) - 33), 'UTF8') || encode(substring(id FROM octet_length(id) - 31), 'hex')
                 WHEN 2 THEN convert_from(substring(id FROM 2 FOR octet_length(id) - 17), 'UTF8') || encode(substring(id FROM octet_length(id) - 15), 'hex')
                 ELSE convert_from(substring(id FROM 2 FOR octet_length(id) - 17), 'UTF8')
                      || encode(substring(id FROM octet_length(id) - 15), 'hex')::uuid::text END $$;
-- Where the index of ids has an id: itself, or if it is longer than 10 bytes 11 of its hash, which keeps an entry of the index at 24 bytes; no short id is in the
-- place of a long one. 88 bits: among a billion events of a lane two are in one place once in 600 million times, and nobody can make one that
-- is in the place of another's. Two ids in one place are told apart even so, and the second is refused (append_lost).
CREATE FUNCTION cartwright.id_slot(id bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN octet_length(id) <= 10 THEN id ELSE substring(sha256(id) FROM 1 FOR 11) END $$;

-- Types by number: the table of src/domain/shop/event_codes.inc. 0: one that has none, and stands in the body.
CREATE FUNCTION cartwright.type_name(code int) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT (ARRAY[
        'product_viewed', 'list_viewed', 'searched', 'cart_item_added', 'cart_item_removed', 'cart_snapshot', 'checkout_started', 'checkout_step',
        'shipping_shown', 'payment_info', 'payment_failed', 'coupon_entered', 'coupon_applied', 'coupon_denied', 'purchase', 'order_cancelled',
        'renewal', 'refund', 'wishlist_added', 'page_viewed', 'identify', 'alias', 'logged_out', 'consent_given', 'consent_withdrawn', 'chat_message',
        'shopper_bound', 'shopper_unbound', 'shopper_named', 'binding_set', 'forwarded', 'outreach_released'])[code] $$;
CREATE FUNCTION cartwright.type_code(type text) RETURNS int
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT coalesce(array_position(ARRAY[
        'product_viewed', 'list_viewed', 'searched', 'cart_item_added', 'cart_item_removed', 'cart_snapshot', 'checkout_started', 'checkout_step',
        'shipping_shown', 'payment_info', 'payment_failed', 'coupon_entered', 'coupon_applied', 'coupon_denied', 'purchase', 'order_cancelled',
        'renewal', 'refund', 'wishlist_added', 'page_viewed', 'identify', 'alias', 'logged_out', 'consent_given', 'consent_withdrawn', 'chat_message',
        'shopper_bound', 'shopper_unbound', 'shopper_named', 'binding_set', 'forwarded', 'outreach_released'], type), 0) $$;

-- The members of a packed body, written out: the table of src/domain/shop/event_pieces.inc.
CREATE FUNCTION cartwright.event_expand(body text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT
    AS $$
DECLARE
    v_often  text[] := ARRAY[
        '"items":[{"product_id":"',
        '","items":[{"product_id":"',
        '"}]}',
        '","price_minor":',
        ',"currency":"EUR"}]}',
        ',"currency":"USD"}]}',
        ',"currency":"',
        '"session_id":"',
        '","quantity":',
        ',"price_minor":',
        '"},{"product_id":"',
        '"context":{"',
        '"properties":{"',
        '"order_id":"',
        '","session_id":"',
        ',"currency":"EUR"}',
        '","variant_id":"',
        '"}],"context":{"',
        '"user_agent":"Mozilla/5.0 (',
        '"locale":"',
        ',"properties":{"',
        '","currency":"',
        '"total_minor":',
        '"}}',
        '"items":[{"currency":"EUR","product_id":"',
        '"items":[{"currency":"USD","product_id":"',
        '"timezone":"Europe/',
        '"device":"',
        '"properties":{"page":"'];
    v_seldom text[] := ARRAY[ -- from code 33 on
        '"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/',
        '"user_agent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/',
        '"user_agent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/',
        '"user_agent":"Mozilla/5.0 (iPhone; CPU iPhone OS ',
        '"user_agent":"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/',
        '"user_agent":"Mozilla/5.0 (Linux; Android ',
        NULL,
        '"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:',
        '"user_agent":"',
        '"device":"mobile"',
        '"device":"desktop"',
        '"device":"tablet"',
        '"channel":"',
        '"channel":"email"',
        '"campaign":"',
        '"timezone":"',
        '"event":{"event_id":"',
        '","type":"product_viewed","anonymous_id":"',
        '","type":"',
        '","anonymous_id":"',
        '","customer_id":"',
        '","occurred_at":"',
        '"received_at":"',
        '"origin":"api"',
        '"origin":"import"',
        '"origin":"sql"',
        '"origin":"derived"',
        '"customer_id":"',
        '"anonymous_id":"',
        '"cart_id":"',
        '","cart_id":"',
        '"event_id":"',
        '"type":"',
        '"via":"',
        '"occurred_at":"',
        '"sent_at":"',
        '"round":1,"step":1}',
        '"round":',
        ',"step":',
        '"version":',
        '"intervals":[{"from":"',
        '","until":"',
        '"guessed":true}',
        '"properties":{"query":"',
        '"properties":{"cost_minor":',
        '"properties":{"step":"',
        '"properties":{"code":"',
        '"properties":{"reason":"',
        '"properties":{"total_minor":',
        '"properties":{"channel":"email"}}',
        '"properties":{"text":"',
        '"kind":"',
        '"quantity":',
        '"line_id":"',
        '","line_id":"',
        '"variant_id":"',
        '"price_minor":',
        '"product_id":"',
        '"}],"order_id":"',
        NULL,
        '"}],"session_id":"',
        '"}],"properties":{"',
        '}],"order_id":"',
        '}],"session_id":"',
        '}],"properties":{"',
        '}],"context":{"',
        '},{"product_id":"',
        '},{"currency":"EUR","product_id":"',
        '},{"currency":"USD","product_id":"',
        '","session_id":',
        '","context":{"',
        '","properties":{"',
        ',"quantity":1}',
        ',"quantity":1',
        ',"quantity":',
        ',"currency":"USD"}',
        ',"currency":"EUR"',
        ',"currency":"USD"',
        ',"items":[{"product_id":"',
        '"items":[]}',
        '"opt_out":true',
        ',"currency":"EUR","quantity":1}]}',
        ',"currency":"USD","quantity":1}]}',
        '","quantity":1,"price_minor":',
        NULL,
        ',"quantity":1}]}'];
    v_code   text;
BEGIN
    LOOP -- UUIDs and hashes
        v_code := substring(body FROM E'\x1e(?:[uw].{22}|x.{43})');
        EXIT WHEN v_code IS NULL;
        body := replace(body, v_code, cartwright.text_sent(v_code));
    END LOOP;
    LOOP -- those of two bytes first: what follows the first is no code of its own
        v_code := substring(body FROM E'\x1e.');
        EXIT WHEN v_code IS NULL;
        body := replace(body, v_code, coalesce(v_seldom[ascii(substr(v_code, 2)) - 32], ''));
    END LOOP;
    LOOP
        v_code := substring(body FROM E'[\x01-\x1d]');
        EXIT WHEN v_code IS NULL;
        body := replace(body, v_code, v_often[ascii(v_code)]);
    END LOOP;
    RETURN body;
END $$;

-- An event as it was sent, but for the order of its members.
CREATE FUNCTION cartwright.event_sent(id bytea, key text, type int, occurred_at timestamptz, body text) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    v_flags int := ascii(body) - 64;
    v_rest  text := substr(body, 2);
    v_time  timestamp := occurred_at AT TIME ZONE 'UTC';
    v_sent  text;
    v_type  text := cartwright.type_name(type);
BEGIN
    IF left(body, 1) = '{' THEN
        RETURN body::jsonb;
    END IF;
    v_sent := '{"event_id":"' || cartwright.id_unpack(id) || '"';
    IF v_flags & 4 <> 0 THEN
        v_sent := v_sent || CASE left(key, 1) WHEN 'c' THEN ',"customer_id":"' ELSE ',"anonymous_id":"' END || substr(key, 3) || '"';
    END IF;
    IF v_flags & 3 <> 0 THEN
        v_sent := v_sent || ',"occurred_at":"' || to_char(v_time, 'YYYY-MM-DD"T"HH24:MI:SS') || CASE
                  WHEN v_flags & 3 = 2 THEN to_char(v_time, '.MS') WHEN date_trunc('second', v_time) = v_time THEN '' ELSE to_char(v_time, '.US') END || 'Z"';
    END IF;
    IF v_flags & 8 <> 0 THEN
        v_sent := v_sent || ',"cart_id":"' || cartwright.text_sent(split_part(v_rest, E'\x1f', 1)) || '"';
        v_rest := substr(v_rest, strpos(v_rest, E'\x1f') + 1);
    END IF;
    IF v_flags & 16 <> 0 THEN
        v_sent := v_sent || CASE WHEN v_flags & 32 <> 0 THEN ',"via":"' ELSE ',"anonymous_id":"' END
                  || cartwright.text_sent(split_part(v_rest, E'\x1f', 1)) || '"';
        v_rest := substr(v_rest, strpos(v_rest, E'\x1f') + 1);
    END IF;
    IF v_type IS NULL THEN
        v_type := cartwright.text_sent(split_part(v_rest, E'\x1f', 1));
        v_rest := substr(v_rest, strpos(v_rest, E'\x1f') + 1);
    END IF;
    RETURN (v_sent || ',"type":"' || v_type || '"' || CASE WHEN v_rest = '}' THEN '' ELSE ',' END || cartwright.event_expand(v_rest))::jsonb;
END $$;

-- A text as it was sent, of one that is shorter where it is a UUID or a hash.
CREATE FUNCTION cartwright.text_sent(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE left(value, 2)
                 WHEN E'\x1eu' THEN encode(decode(substr(value, 3) || '==', 'base64'), 'hex')::uuid::text
                 WHEN E'\x1ew' THEN encode(decode(substr(value, 3) || '==', 'base64'), 'hex')
                 WHEN E'\x1ex' THEN encode(decode(substr(value, 3) || '=', 'base64'), 'hex') ELSE value END $$;
CREATE FUNCTION cartwright.text_short(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN value ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                      THEN E'\x1eu' || rtrim(encode(decode(replace(value, '-', ''), 'hex'), 'base64'), '=')
                      WHEN value ~ '^[0-9a-f]{32}$' THEN E'\x1ew' || rtrim(encode(decode(value, 'hex'), 'base64'), '=')
                      WHEN value ~ '^[0-9a-f]{64}$' THEN E'\x1ex' || rtrim(encode(decode(value, 'hex'), 'base64'), '=') ELSE value END $$;
-- What the body says of the cart, and whom a customer's event names: the texts that a packed body has in front.
CREATE FUNCTION cartwright.event_cart(body text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN left(body, 1) = '{' THEN body::jsonb ->> 'cart_id'
                      WHEN ascii(body) & 8 <> 0 THEN cartwright.text_sent(split_part(substr(body, 2), E'\x1f', 1)) END $$;
CREATE FUNCTION cartwright.event_name(body text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN left(body, 1) = '{' THEN coalesce(body::jsonb ->> 'anonymous_id', body::jsonb ->> 'via')
                      WHEN ascii(body) & 16 <> 0
                      THEN cartwright.text_sent(split_part(substr(body, 2), E'\x1f', CASE WHEN ascii(body) & 8 <> 0 THEN 2 ELSE 1 END)) END $$;

-- Is the event, or the one that it forwards, about the cart? What is no ordinary id may stand there in other letters; of the others most bodies need not be unpacked.
CREATE FUNCTION cartwright.event_about(id bytea, key text, type int, occurred_at timestamptz, body text, cart_id text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN cartwright.event_cart(body) = cart_id THEN true
                      WHEN type <> 31
                           OR (cart_id ~ '^[-A-Za-z0-9_.:]+$' AND strpos(body, '\u') = 0 AND strpos(body, cart_id) = 0
                               AND strpos(body, cartwright.text_short(cart_id)) = 0) THEN false
                      ELSE coalesce(cartwright.event_sent(id, key, type, occurred_at, body) #>> '{event,cart_id}' = cart_id, false) END $$;

-- ---- the log ----

DROP FUNCTION cartwright.events_within(int, bigint[], bigint); -- of its rows; made anew below
ALTER TABLE cartwright.event RENAME TO event_before;

-- Columns from the widest to the narrowest, so that no byte is lost between them. Rows of a lane become visible in offset order (migration 1).
CREATE TABLE cartwright.log (
    off         bigint NOT NULL CHECK (off > 0),
    occurred_at timestamptz NOT NULL,          -- clamped to received_at where it lay up to 24 h ahead; body keeps the sender's where it is another
    received_at timestamptz NOT NULL,
    lane        int NOT NULL,
    type        smallint NOT NULL CHECK (type >= 0),  -- type_name
    origin      "char" NOT NULL CHECK (origin IN ('a', 's', 'i', 'd')),  -- api, sql, import, derived
    id          bytea NOT NULL CHECK (octet_length(id) BETWEEN 2 AND 201),  -- id_pack(event_id)
    key         text COLLATE "C" NOT NULL,     -- 'c:' || customer_id, else 'a:' || anonymous_id
    body        text COLLATE "C" NOT NULL,     -- packed (event_sent), or as sent
    PRIMARY KEY (lane, off)
);
CREATE UNIQUE INDEX log_id ON cartwright.log (lane, cartwright.id_slot(id));
-- One shopper's events, to fold a shopper again when an event arrives out of order, and to see what no cart has seen yet. By four bytes of a hash: a
-- key is as long as a UUID, and whoever reads compares it anyway.
CREATE INDEX log_key ON cartwright.log (lane, hashtext(key), off);
-- By time, in a few pages: the log is written in the order of received_at, and nearly in that of occurred_at.
CREATE INDEX log_time ON cartwright.log USING brin (occurred_at, received_at) WITH (pages_per_range = 32, autosummarize = on);
-- What joins people, found before any fold came to it (as in migration 15). Of no lane: it asks which customer, in whatever lane, names a browser or ordered a cart.
-- By a hash, as log_key.
CREATE INDEX log_name ON cartwright.log (hashtext(cartwright.event_name(body)), lane, off)
    WHERE key >= 'c:' AND key < 'c;' AND type <> 31 AND (left(body, 1) = '{' OR ascii(body) & 16 <> 0);
CREATE INDEX log_cart ON cartwright.log (hashtext(cartwright.event_cart(body)), lane, off)
    WHERE type IN (15, 25, 26) AND (left(body, 1) = '{' OR ascii(body) & 8 <> 0);
-- Bodies that are large even so. A server that was built without lz4 keeps pglz.
DO $$
BEGIN
    ALTER TABLE cartwright.log ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;

-- What everybody reads: all events, wherever they lie (p_before: also in event_before). The columns of log, and the id as text.
CREATE FUNCTION cartwright.log_views(p_before boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE
    AS $$
BEGIN
    EXECUTE $v$ CREATE OR REPLACE VIEW cartwright.log_rows AS
        SELECT lane, off, id, cartwright.id_unpack(id) COLLATE "C" AS event_id, key, type, origin, occurred_at, received_at, body FROM cartwright.log
    $v$ || CASE WHEN p_before THEN $v$ UNION ALL
        SELECT lane, off, cartwright.id_pack(event_id), event_id, key, cartwright.type_code(type)::smallint, left(origin, 1)::"char", occurred_at, received_at,
               body::text COLLATE "C" FROM cartwright.event_before
    $v$ ELSE '' END;
    -- By the indexes log_name and log_cart; of names and carts that are NULL, which nobody asks for, there are some.
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
         WHERE type IN (15, 25, 26) AND (left(body, 1) = '{' OR ascii(body) & 8 <> 0)
    $v$ || CASE WHEN p_before THEN $v$ UNION ALL
        SELECT (body ->> 'cart_id') COLLATE "C", lane, off, key, cartwright.type_code(type)::smallint, occurred_at FROM cartwright.event_before
         WHERE type IN ('purchase', 'consent_withdrawn', 'chat_message') AND body ->> 'cart_id' IS NOT NULL
    $v$ ELSE '' END;
END $$;

-- ---- append ----

DROP FUNCTION cartwright.append_if_free(int[], text[], text[], text[], text, timestamptz[], timestamptz, jsonb[]);
DROP FUNCTION cartwright.body_hash(jsonb);

-- A retry, or another event with the same id? All but the moment of sending and what intake adds tells; an opt_out that was not there is another event (migration 28).
CREATE FUNCTION cartwright.body_same(stored jsonb, comes jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT stored - '{received_at,sent_at,opt_out}'::text[] = comes - '{received_at,sent_at,opt_out}'::text[]
                 AND (comes -> 'opt_out' IS DISTINCT FROM 'true' OR stored -> 'opt_out' = 'true') $$;

CREATE FUNCTION cartwright.append_lost(id bytea) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    RAISE EXCEPTION 'the id % has the hash of another event of its lane: it needs another id', cartwright.id_unpack(id) USING ERRCODE = 'unique_violation';
END $$;

-- The one append. Arrays run in parallel, element i is event i: lane of its key, packed id, type by number, body packed or as sent. Returns a row only for
-- what was NOT stored: duplicate = same id and same body are there; conflict = same id, other body. Locks the lanes in ascending order until
-- commit. Each statement below has a snapshot of its own, so those after the lock see what the previous holder committed:
-- that is why one CTE would be wrong, and READ COMMITTED is a must.
-- The planner is held to index scans: its plans are kept for the session and were perhaps made when the log was empty.
CREATE FUNCTION cartwright.append_rows(
    p_lane int[], p_id bytea[], p_key text[], p_type int[], p_origin text, p_occurred timestamptz[], p_received timestamptz, p_body text[])
    RETURNS TABLE (ord int, status text)
    LANGUAGE plpgsql VOLATILE
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET lock_timeout = '2s' -- a producer that keeps its transaction open must not stall the others for ever
    AS $$
DECLARE
    v_off    bigint[];
    v_stored bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'events are appended in READ COMMITTED transactions only' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM 1 FROM cartwright.lane l WHERE l.lane = ANY (p_lane) ORDER BY l.lane FOR UPDATE;

    WITH head AS MATERIALIZED (
        SELECT n.lane, greatest(n.floor_off, (SELECT x.off FROM cartwright.log_rows x
                                               WHERE x.lane = n.lane ORDER BY x.off DESC LIMIT 1)) AS base
          FROM cartwright.lane n WHERE n.lane = ANY (p_lane)
    ), numbered AS (
        SELECT u.lane, u.o, row_number() OVER (PARTITION BY u.lane ORDER BY u.o) AS nth
          FROM unnest(p_lane) WITH ORDINALITY AS u(lane, o)
    )
    SELECT array_agg(h.base + i.nth ORDER BY i.o) INTO v_off FROM numbered i JOIN head h ON h.lane = i.lane;

    INSERT INTO cartwright.log (off, occurred_at, received_at, lane, type, origin, id, key, body)
    SELECT u.off, u.occurred, p_received, u.lane, u.type, left(p_origin, 1)::"char", u.id, u.key, u.body
      FROM unnest(p_lane, v_off, p_id, p_key, p_type, p_occurred, p_body) AS u(lane, off, id, key, type, occurred, body)
     ORDER BY u.lane, u.off
    ON CONFLICT (lane, cartwright.id_slot(id)) DO NOTHING;
    GET DIAGNOSTICS v_stored = ROW_COUNT;
    IF v_stored = cardinality(p_lane) THEN
        RETURN;
    END IF;

    -- What is there under the id now: this very element (its offset), the same event, or another one. What was sent again to the byte is told at once.
    RETURN QUERY
    SELECT u.o::int - 1, CASE WHEN e.off IS NULL THEN cartwright.append_lost(u.id)
                              WHEN (e.key, e.type, e.occurred_at, e.body) = (u.key, u.type, u.occurred, u.body)
                                OR cartwright.body_same(cartwright.event_sent(e.id, e.key, e.type, e.occurred_at, e.body),
                                                        cartwright.event_sent(u.id, u.key, u.type, u.occurred, u.body))
                              THEN 'duplicate' ELSE 'conflict' END
      FROM unnest(p_lane, v_off, p_id, p_key, p_type, p_occurred, p_body) WITH ORDINALITY AS u(lane, off, id, key, type, occurred, body, o)
      LEFT JOIN LATERAL (SELECT x.off, x.id, x.key, x.type, x.occurred_at, x.body FROM cartwright.log_rows x
                          WHERE x.lane = u.lane AND cartwright.id_slot(x.id) = cartwright.id_slot(u.id) AND x.event_id = cartwright.id_unpack(u.id)
                          LIMIT 1) AS e ON true
     WHERE e.off IS DISTINCT FROM u.off
     ORDER BY u.o;
END $$;

-- The same for producers that speak SQL: of texts and JSON. What they send is kept as it is.
CREATE OR REPLACE FUNCTION cartwright.append_rows(
    p_id text[], p_key text[], p_type text[], p_origin text, p_occurred timestamptz[], p_received timestamptz, p_body jsonb[])
    RETURNS TABLE (ord int, status text)
    LANGUAGE plpgsql VOLATILE
    AS $$
BEGIN
    RETURN QUERY
    SELECT r.ord, r.status
      FROM (SELECT array_agg(cartwright.lane_of(u.key) ORDER BY u.o) AS lane, array_agg(cartwright.id_pack(u.id) ORDER BY u.o) AS id,
                   array_agg(cartwright.type_code(u.type) ORDER BY u.o) AS type, array_agg(u.body::text ORDER BY u.o) AS body
              FROM unnest(p_id, p_key, p_type, p_body) WITH ORDINALITY AS u(id, key, type, body, o)) AS a
     CROSS JOIN LATERAL cartwright.append_rows(a.lane, a.id, p_key, a.type, p_origin, p_occurred, p_received, a.body) AS r;
END $$;

-- append_rows for writers that serve many lanes: appends all of the rows, or none where another transaction holds a lane. Then there
-- is a row for each such lane (its number, 'busy'), and the caller sends the others again without it.
-- The locks are waited for a moment and in order, so that those who only write as well take turns; a held lane is told
-- from one that was in line behind it by looking at each without waiting.
CREATE FUNCTION cartwright.append_if_free(
    p_lane int[], p_id bytea[], p_key text[], p_type int[], p_origin text, p_occurred timestamptz[], p_received timestamptz, p_body text[])
    RETURNS TABLE (ord int, status text)
    LANGUAGE plpgsql VOLATILE
    SET lock_timeout = '25ms'
    AS $$
DECLARE
    v_free int[];
BEGIN
    BEGIN
        PERFORM 1 FROM cartwright.lane l WHERE l.lane = ANY (p_lane) ORDER BY l.lane FOR UPDATE;
    EXCEPTION WHEN lock_not_available THEN
        v_free := ARRAY(SELECT l.lane FROM cartwright.lane l WHERE l.lane = ANY (p_lane) ORDER BY l.lane FOR UPDATE SKIP LOCKED);
        IF NOT p_lane <@ v_free THEN
            RETURN QUERY SELECT DISTINCT w.lane, 'busy' FROM unnest(p_lane) AS w(lane) WHERE w.lane <> ALL (v_free) ORDER BY w.lane;
            RETURN;
        END IF;
    END;
    RETURN QUERY SELECT r.ord, r.status
                   FROM cartwright.append_rows(p_lane, p_id, p_key, p_type, p_origin, p_occurred, p_received, p_body) AS r;
END $$;

-- ---- a log of before is carried over, by the service (src/eventlog/carry.c), a page of one lane at a time ----

-- An event lies in one of the two tables at any time. Appends number from the newest of both (log_rows) and find ids in both (log_once); retention removes
-- from both (lane_trimmed); nothing else writes to event_before but what moves its rows, under the lock of their lane.
CREATE FUNCTION cartwright.log_once() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF to_regclass('cartwright.event_before') IS NOT NULL THEN
        IF EXISTS (SELECT FROM cartwright.event_before b WHERE b.lane = NEW.lane AND b.event_id = cartwright.id_unpack(NEW.id)) THEN
            RETURN NULL;
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION cartwright.lane_trimmed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF to_regclass('cartwright.event_before') IS NOT NULL THEN
        DELETE FROM cartwright.event_before b WHERE b.lane = NEW.lane AND b.off <= NEW.floor_off;
    END IF;
    RETURN NULL;
END $$;

-- One row while there is something to carry.
CREATE TABLE cartwright.carry (
    events   bigint NOT NULL,      -- of before, all in all, about
    moved    bigint NOT NULL DEFAULT 0,
    last_xid xid8                  -- of the last move: whoever looks at an older moment still sees rows in event_before
);

-- The events of a lane that are still to be moved, from behind an offset on.
CREATE FUNCTION cartwright.carry_page(p_lane int, p_after bigint, p_count int)
    RETURNS TABLE (off bigint, event_id text, key text, type text, origin text, occurred_at timestamptz, received_at timestamptz, body text)
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    IF to_regclass('cartwright.event_before') IS NOT NULL THEN
        RETURN QUERY SELECT b.off, b.event_id, b.key, b.type, b.origin, b.occurred_at, b.received_at, b.body::text
                       FROM cartwright.event_before b WHERE b.lane = p_lane AND b.off > p_after ORDER BY b.off LIMIT p_count;
    END IF;
END $$;

-- Moves a page of one lane, packed by the caller; arrays run in parallel. Returns how many it moved: none where one of them has gone meanwhile, since retention
-- or somebody else who carries was there first. Locks the lane until commit.
CREATE FUNCTION cartwright.carry_move(p_lane int, p_off bigint[], p_id bytea[], p_type int[], p_body text[]) RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    AS $$
DECLARE
    v_moved bigint;
BEGIN
    PERFORM 1 FROM cartwright.lane l WHERE l.lane = p_lane FOR UPDATE;
    IF to_regclass('cartwright.event_before') IS NULL THEN
        RETURN 0;
    END IF;
    IF (SELECT count(*) FROM cartwright.event_before b WHERE b.lane = p_lane AND b.off = ANY (p_off)) < cardinality(p_off) THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        DELETE FROM cartwright.event_before b WHERE b.lane = p_lane AND b.off = ANY (p_off)
        RETURNING b.off, b.key, b.origin, b.occurred_at, b.received_at
    )
    INSERT INTO cartwright.log (off, occurred_at, received_at, lane, type, origin, id, key, body)
    SELECT g.off, g.occurred_at, g.received_at, p_lane, u.type, left(g.origin, 1)::"char", u.id, g.key, u.body
      FROM gone g JOIN unnest(p_off, p_id, p_type, p_body) AS u(off, id, type, body) ON u.off = g.off
     ORDER BY g.off;
    GET DIAGNOSTICS v_moved = ROW_COUNT;
    IF v_moved <> cardinality(p_off) THEN
        RAISE EXCEPTION 'lane %: % of % events came through', p_lane, v_moved, cardinality(p_off);
    END IF;
    UPDATE cartwright.carry SET moved = moved + v_moved, last_xid = pg_current_xact_id();
    RETURN v_moved;
END $$;

-- Where nothing is left to be moved, and nobody looks at a moment at which something was, the old table goes; then the trigger on log, then the one on lane. Each in
-- a transaction of its own, and a lock that somebody else holds is left for another time: together they would wait for an append that waits for them. Returns
-- whether all of it is gone.
CREATE FUNCTION cartwright.carry_end() RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET lock_timeout = '500ms'
    AS $$
BEGIN
    IF to_regclass('cartwright.event_before') IS NULL THEN
        IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgname = 'log_once' AND t.tgrelid = 'cartwright.log'::regclass) THEN
            DROP TRIGGER log_once ON cartwright.log;
            RETURN false;
        END IF;
        DROP TRIGGER IF EXISTS lane_trimmed ON cartwright.lane;
        DELETE FROM cartwright.carry;
        RETURN true;
    END IF;
    IF EXISTS (SELECT FROM cartwright.event_before) THEN
        RETURN false;
    END IF;
    PERFORM cartwright.log_views(false); -- locks the views, and then the table, as whoever reads them
    LOCK TABLE cartwright.event_before IN ACCESS EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM cartwright.event_before)
       OR EXISTS (SELECT FROM pg_stat_activity a CROSS JOIN cartwright.carry c
                   WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND age(a.backend_xmin) >= age(c.last_xid::xid)) THEN
        PERFORM cartwright.log_views(true);
        RETURN false;
    END IF;
    DROP TABLE cartwright.event_before;
    RETURN false;
END $$;

DO $$
DECLARE
    v_before boolean := EXISTS (SELECT FROM cartwright.event_before);
BEGIN
    PERFORM cartwright.log_views(v_before);
    IF v_before THEN
        INSERT INTO cartwright.carry (events)
        SELECT coalesce(sum(newest.off - l.floor_off), 0)
          FROM cartwright.lane l
         CROSS JOIN LATERAL (SELECT b.off FROM cartwright.event_before b WHERE b.lane = l.lane ORDER BY b.off DESC LIMIT 1) AS newest;
        ALTER TABLE cartwright.event_before SET (autovacuum_enabled = false); -- it goes as a whole, and who cleans it would be in the way
        CREATE TRIGGER log_once BEFORE INSERT ON cartwright.log FOR EACH ROW EXECUTE FUNCTION cartwright.log_once();
        CREATE TRIGGER lane_trimmed AFTER UPDATE OF floor_off ON cartwright.lane FOR EACH ROW EXECUTE FUNCTION cartwright.lane_trimmed();
    ELSE
        DROP TABLE cartwright.event_before;
    END IF;
END $$;

-- A body for the dead letters, whatever it is: what is no JSON, by a hand that wrote to the log, goes there as a text. It must not stop its lane.
CREATE FUNCTION cartwright.json_or_text(body text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    RETURN body::jsonb;
EXCEPTION WHEN data_exception OR syntax_error_or_access_rule_violation OR program_limit_exceeded THEN
    RETURN to_jsonb(body);
END $$;

-- ---- by time ----

-- How far the days of the shop are filled: what came in since may be of any day, and nothing that came before makes another day complete.
CREATE TABLE cartwright.shop_day_fill (
    id        boolean PRIMARY KEY DEFAULT true CHECK (id),  -- there is one
    until_day int NOT NULL  -- days before it had ended
);

-- Days that ended before p_until (a day's number) and have no row yet; returns how many it adds. Looks by the index of times, first at what came in since the last
-- time, then at those days: that the planner, who does not know how few those are, would rather read the whole log is why it may not.
CREATE FUNCTION cartwright.shop_days_fill(p_until int) RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET enable_seqscan = off
    AS $$
DECLARE
    -- An hour: for what was received before and committed behind the last look.
    v_since timestamptz := coalesce((SELECT to_timestamp(f.until_day * 86400.0) - interval '1 hour' FROM cartwright.shop_day_fill f), '-infinity');
    v_days  int[];
    v_added bigint := 0;
BEGIN
    SELECT array_agg(DISTINCT d.day) INTO v_days
      FROM (SELECT floor(extract(epoch FROM e.occurred_at) / 86400)::int AS day
              FROM cartwright.log_rows e
             WHERE e.received_at >= v_since AND e.type IN (4, 15) AND e.occurred_at < to_timestamp(p_until * 86400.0)) AS d
     WHERE NOT EXISTS (SELECT FROM cartwright.shop_day s WHERE s.day = d.day);
    IF v_days IS NOT NULL THEN
        INSERT INTO cartwright.shop_day (day, adds, orders)
        SELECT d.day, d.adds, d.orders
          FROM (SELECT floor(extract(epoch FROM e.occurred_at) / 86400)::int AS day,
                       count(*) FILTER (WHERE e.type = 4) AS adds,
                       count(*) FILTER (WHERE e.type = 15 AND cartwright.event_sent(e.id, e.key, e.type, e.occurred_at, e.body) #>> '{properties,kind}'
                                                              IS DISTINCT FROM 'renewal') AS orders
                  FROM cartwright.log_rows e
                 WHERE e.type IN (4, 15) AND e.occurred_at >= to_timestamp((SELECT min(v) FROM unnest(v_days) v) * 86400.0)
                   AND e.occurred_at < to_timestamp(((SELECT max(v) FROM unnest(v_days) v) + 1) * 86400.0)
                 GROUP BY 1) AS d
         WHERE d.day = ANY (v_days)
        ON CONFLICT (day) DO NOTHING;
        GET DIAGNOSTICS v_added = ROW_COUNT;
    END IF;
    INSERT INTO cartwright.shop_day_fill (until_day) VALUES (p_until)
    ON CONFLICT (id) DO UPDATE SET until_day = greatest(shop_day_fill.until_day, excluded.until_day);
    RETURN v_added;
END $$;

-- events_within (migration 30) of the log: no further than the event that goes beyond p_bytes bytes, counted as they lie there. Who unpacks them bounds what
-- comes of it (store/gather.c, store/heavy.c): a code of two bytes may stand for a hundred.
CREATE FUNCTION cartwright.events_within(p_lane int, p_offs bigint[], p_bytes bigint)
    RETURNS TABLE (lane int, off bigint, id bytea, key text, type smallint, origin "char", occurred_at timestamptz, received_at timestamptz, body text)
    LANGUAGE plpgsql STABLE STRICT ROWS 100
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    AS $$
DECLARE
    v_bytes bigint := 0;
BEGIN
    FOR lane, off, id, key, type, origin, occurred_at, received_at, body IN
        SELECT e.* FROM unnest(p_offs) AS u(off)
         CROSS JOIN LATERAL (SELECT x.lane, x.off, x.id, x.key, x.type, x.origin, x.occurred_at, x.received_at, x.body FROM cartwright.log_rows x
                              WHERE x.lane = p_lane AND x.off = u.off LIMIT 1) AS e
    LOOP
        RETURN NEXT;
        v_bytes := v_bytes + octet_length(body);
        EXIT WHEN v_bytes > p_bytes;
    END LOOP;
END $$;

-- ---- for people ----

CREATE VIEW cartwright.event AS
SELECT r.lane, r.off, r.event_id, r.key,
       coalesce(cartwright.type_name(r.type), cartwright.event_sent(r.id, r.key, r.type, r.occurred_at, r.body) ->> 'type') AS type,
       CASE r.origin WHEN 'a' THEN 'api' WHEN 's' THEN 'sql' WHEN 'i' THEN 'import' ELSE 'derived' END AS origin,
       r.occurred_at, r.received_at, cartwright.event_sent(r.id, r.key, r.type, r.occurred_at, r.body) AS body
  FROM cartwright.log_rows r;
COMMENT ON VIEW cartwright.event IS 'every event as it was sent; the log itself is cartwright.log';

-- Whoever changes the log by hand may do it here: a person is to be forgotten, an event was wrong.
CREATE FUNCTION cartwright.event_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM cartwright.log l WHERE l.lane = OLD.lane AND l.off = OLD.off;
        IF NOT FOUND AND to_regclass('cartwright.event_before') IS NOT NULL THEN
            DELETE FROM cartwright.event_before b WHERE b.lane = OLD.lane AND b.off = OLD.off;
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO cartwright.log (off, occurred_at, received_at, lane, type, origin, id, key, body)
        VALUES (NEW.off, NEW.occurred_at, NEW.received_at, NEW.lane, cartwright.type_code(NEW.type), left(NEW.origin, 1)::"char", cartwright.id_pack(NEW.event_id),
                NEW.key, NEW.body::text);
        RETURN NEW;
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER event_changed INSTEAD OF INSERT OR UPDATE OR DELETE ON cartwright.event FOR EACH ROW EXECUTE FUNCTION cartwright.event_changed();
