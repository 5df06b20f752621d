-- The form of the envelope, with what event_decode (src/domain/shop/event.h) says of time since: a clock that was behind ours as it sent (or a body
-- that is sent again, which looks the same) moves only what ends what was, a purchase, a no and any chat message, which may be one; one that was ahead
-- moves everything, as before. These, and what undoes an order, without a fraction of a second (or with one of zeros) were at the end of their second,
-- of their day where they tell midnight.
--
-- And what an order or a no that has something wrong tells (src/domain/shop/event_salvage.h): where its time cannot be read, or cannot be, it had
-- happened when it came in; of its ids those count that are some.

-- Whether properties, types and members of this name are a no: SAID of src/domain/shop/said_no_table.inc, whatever the case and whatever parts the
-- words (store_append_events_test holds them equal).
CREATE FUNCTION cartwright.no_is_named(name text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT translate(n, '_-. :', '') = ANY (ARRAY[
              'optout', 'optedout', 'isoptedout', 'hasoptedout', 'optmeout', 'optoutall', 'globaloptout', 'marketingoptout', 'unsub', 'unsubscribe',
              'unsubscribed', 'isunsubscribed', 'hasunsubscribed', 'unsubscribeall', 'unsubscribedall', 'donotcontact', 'dontcontact',
              'donotdisturb', 'donotmessage', 'nocontact', 'nomessages', 'nomarketing', 'stopmessages'])
              AND left(n, 2) = left(translate(n, '_-. :', ''), 2)
            FROM lower(name COLLATE "C") AS n $$;
-- Whether a member of the object says so. What is said besides, the fold judges.
CREATE FUNCTION cartwright.no_is_said(o jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN jsonb_typeof(o) = 'object'
                      THEN EXISTS (SELECT 1 FROM jsonb_each(o) AS m(name, value)
                                    WHERE (m.value IN ('true', '1') OR (jsonb_typeof(m.value) = 'string' AND
                                           lower(m.value #>> '{}' COLLATE "C") IN ('true', 'yes', 'y', '1', 'on')))
                                      AND cartwright.no_is_named(m.name)) ELSE false END $$;
-- Whether the event is a no, or may be one: in a chat message by its words, which only the fold reads. Heard is it in identify, alias and
-- types that nobody knows.
CREATE FUNCTION cartwright.may_be_a_no(e jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN jsonb_typeof(e -> 'type') IS DISTINCT FROM 'string' THEN false
                      WHEN e ->> 'type' IN ('consent_withdrawn', 'chat_message') THEN true
                      WHEN cartwright.type_code(e ->> 'type') NOT IN (0, 21, 22) THEN false
                      ELSE (cartwright.type_code(e ->> 'type') = 0 AND cartwright.no_is_named(e ->> 'type'))
                           OR cartwright.no_is_said(e) OR cartwright.no_is_said(e -> 'properties') END $$;

CREATE OR REPLACE FUNCTION cartwright.envelope_form(e jsonb, p_received timestamptz, OUT id text, OUT key text, OUT type text,
                                                    OUT occurred timestamptz, OUT pointer text, OUT detail text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    v_sent timestamptz := CASE WHEN jsonb_typeof(e -> 'sent_at') = 'string' THEN cartwright.time_or_null(e ->> 'sent_at') END;
    v_at   timestamptz := CASE WHEN jsonb_typeof(e -> 'occurred_at') = 'string' THEN cartwright.time_or_null(e ->> 'occurred_at') END;
    v_ends boolean := coalesce(e ->> 'type' = 'purchase', false) OR cartwright.may_be_a_no(e);
    v_form jsonb := e; -- but for what may be wrong
    v_skew interval := CASE WHEN v_sent BETWEEN p_received AND p_received + interval '10 minutes'
                              OR (v_ends AND v_sent BETWEEN p_received - interval '10 minutes' AND p_received)
                            THEN p_received - v_sent ELSE interval '0' END;
BEGIN
    IF v_ends AND (v_at IS NULL OR v_at < '2000-01-01 00:00:00+00' OR v_at > p_received - v_skew + interval '24 hours') THEN
        v_at := NULL;
        v_form := v_form || '{"occurred_at": "2000-01-01T00:00:00Z"}';
    END IF;
    -- By the sender's clock: what lies 24 hours ahead of it lies 24 hours ahead.
    SELECT f.id, f.key, f.type, f.occurred, f.pointer, f.detail INTO id, key, type, occurred, pointer, detail
      FROM cartwright.envelope_untimed(v_form, p_received - v_skew) AS f;
    IF detail IS NOT NULL THEN
        RETURN;
    END IF;
    IF jsonb_typeof(e) = 'object' AND e ? 'sent_at' AND v_sent IS NULL AND NOT v_ends THEN
        pointer := '/sent_at';
        detail := 'must be an RFC 3339 time';
    END IF;
    IF (v_ends OR type IN ('order_cancelled', 'refund')) AND e ->> 'occurred_at' !~ '[.]0*[1-9]' THEN
        v_at := v_at + CASE WHEN substr(e ->> 'occurred_at', 12, 8) = '00:00:00' THEN interval '24 hours' ELSE interval '1 second' END
                     - interval '1 microsecond';
    END IF;
    occurred := coalesce(least(v_at + v_skew, p_received), p_received); -- least leaves out what is NULL
END $$;

-- An id that was sent as an integer is its digits, and is stored as that text, so that the event is a duplicate of the one that says it so. jsonb has
-- forgotten whether 1000 was written 1e3.
CREATE FUNCTION cartwright.id_is_number(value jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN jsonb_typeof(value) = 'number'
                      THEN scale(value::numeric) = 0 AND value::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 ELSE false END $$;
CREATE FUNCTION cartwright.members_as_text(e jsonb, p_names text[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN jsonb_typeof(e) = 'object'
                      THEN e || coalesce((SELECT jsonb_object_agg(n, e ->> n) FROM unnest(p_names) AS n WHERE cartwright.id_is_number(e -> n)), '{}')
                      ELSE e END $$;
CREATE FUNCTION cartwright.ids_as_text(e jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    v_ids constant text[] := '{product_id,variant_id,line_id}';
    v jsonb := cartwright.members_as_text(e, '{event_id,customer_id,anonymous_id,cart_id,order_id,session_id}');
BEGIN
    IF jsonb_typeof(v -> 'items') = 'array' THEN
        IF EXISTS (SELECT 1 FROM jsonb_array_elements(v -> 'items') AS i(item) CROSS JOIN unnest(v_ids) AS n
                    WHERE jsonb_typeof(i.item) = 'object' AND jsonb_typeof(i.item -> n) = 'number') THEN
            v := v || jsonb_build_object('items', (SELECT jsonb_agg(cartwright.members_as_text(i.item, v_ids) ORDER BY i.o)
                                                     FROM jsonb_array_elements(v -> 'items') WITH ORDINALITY AS i(item, o)));
        END IF;
    END IF;
    RETURN v;
END $$;

-- The envelope and its ids, of 0012: of what is no text nothing is a placeholder (ids_as_text has made texts of whole numbers).
CREATE FUNCTION cartwright.id_is_placeholder(value jsonb, p_of text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN jsonb_typeof(value) = 'string' THEN cartwright.is_placeholder(value #>> '{}', p_of) ELSE false END $$;
CREATE OR REPLACE FUNCTION cartwright.envelope_of_known(e jsonb, p_received timestamptz, OUT id text, OUT key text, OUT type text,
                                                        OUT occurred timestamptz, OUT pointer text, OUT detail text)
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
    pointer := CASE WHEN cartwright.id_is_placeholder(e -> 'customer_id', 'shopper') THEN '/customer_id'
                    WHEN cartwright.id_is_placeholder(e -> 'anonymous_id', 'shopper') THEN '/anonymous_id'
                    WHEN cartwright.id_is_placeholder(e -> 'cart_id', 'cart') THEN '/cart_id'
                    WHEN cartwright.id_is_placeholder(e -> 'order_id', 'order') THEN '/order_id'
                    WHEN cartwright.id_is_placeholder(e -> 'event_id', 'event') THEN '/event_id' END;
    IF pointer IS NOT NULL THEN
        detail := 'must be an id, not what programs write where there is none (where it is one, name it in cartwright.ids_allowed)';
    END IF;
END $$;

-- An order or a no without members that should be ids and are none, as long as one says whose it is: what it says beside that counts. Not without
-- the customer that an order names and that cannot be read: it would fall on whoever was logged in in that browser.
CREATE FUNCTION cartwright.id_is_none(value jsonb, p_of text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN value IS NULL OR value = 'null' THEN false
                      ELSE cartwright.text_fault(value, 200) IS NOT NULL OR cartwright.id_is_placeholder(value, p_of) END $$;
CREATE FUNCTION cartwright.without_faulty_ids(e jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    v_no        boolean := cartwright.may_be_a_no(e);
    v_customer  boolean;
    v_anonymous boolean;
    v_nobody    boolean;
BEGIN
    IF jsonb_typeof(e) IS DISTINCT FROM 'object' OR (e -> 'type' IS DISTINCT FROM '"purchase"' AND NOT v_no) THEN
        RETURN e;
    END IF;
    v_customer := cartwright.id_is_none(e -> 'customer_id', 'shopper');
    v_anonymous := cartwright.id_is_none(e -> 'anonymous_id', 'shopper');
    v_nobody := coalesce(e -> 'customer_id' = '""', false) OR cartwright.id_is_placeholder(e -> 'customer_id', 'shopper');
    RETURN e - array_remove(ARRAY[
        CASE WHEN v_customer AND NOT v_anonymous AND e ->> 'anonymous_id' IS NOT NULL AND (v_no OR v_nobody) THEN 'customer_id'
             WHEN v_anonymous AND NOT v_customer AND e ->> 'customer_id' IS NOT NULL THEN 'anonymous_id' END,
        CASE WHEN cartwright.id_is_none(e -> 'cart_id', 'cart') THEN 'cart_id' END,
        CASE WHEN cartwright.id_is_none(e -> 'order_id', 'order') THEN 'order_id' END], NULL);
END $$;

-- What an event that is a conflict says otherwise than the stored one of its id: members by their names, at most ten; NULL where none is stored, or
-- nothing but what a retry may say anew. Of one lane. VOLATILE, so that it sees what the statement that calls it has stored.
CREATE FUNCTION cartwright.event_differs(p_lane int, p_id bytea, p_body jsonb) RETURNS text
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_stored jsonb;
BEGIN
    SELECT cartwright.event_sent(x.id, x.key, x.type, x.occurred_at, x.body) INTO v_stored FROM cartwright.log_rows x
     WHERE x.lane = p_lane AND cartwright.id_slot(x.id) = cartwright.id_slot(p_id) AND x.event_id = cartwright.id_unpack(p_id) LIMIT 1;
    RETURN (SELECT string_agg('/' || d.name, ', ' ORDER BY d.name)
              FROM (SELECT left(k, 64) AS name FROM jsonb_object_keys(v_stored || p_body) AS k
                     WHERE v_stored -> k IS DISTINCT FROM p_body -> k AND k NOT IN ('received_at', 'sent_at') ORDER BY k LIMIT 10) AS d);
END $$;

-- append_events of 0029, with ids as text, without faulty ones in an order or a no, and with what a conflict is about.
CREATE OR REPLACE FUNCTION cartwright.append_events(p_events jsonb)
    RETURNS TABLE (index int, event_id text, status text, errors jsonb)
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_now     timestamptz := clock_timestamp();
    v_events  jsonb := CASE WHEN jsonb_typeof(p_events) = 'array' THEN p_events ELSE jsonb_build_array(coalesce(p_events, 'null')) END;
    v_ids     text[];
    v_faults  jsonb[];    -- of every event; NULL: none
    v_good    int[];      -- index of each good event, in order
    v_good_id text[];
    v_key     text[];
    v_type    text[];
    v_time    timestamptz[];
    v_body    jsonb[];
    v_other   int[];      -- indexes that were not stored, and why
    v_why     text[];
    v_differ  text[];     -- of conflicts
BEGIN
    SELECT array_agg(CASE WHEN jsonb_typeof(u.e -> 'event_id') = 'string' THEN u.e ->> 'event_id' END ORDER BY u.o),
           array_agg(CASE WHEN f.detail IS NOT NULL THEN jsonb_build_object('pointer', f.pointer, 'detail', f.detail) END ORDER BY u.o),
           array_agg(u.o::int - 1 ORDER BY u.o) FILTER (WHERE f.detail IS NULL),
           array_agg(f.id ORDER BY u.o) FILTER (WHERE f.detail IS NULL),
           array_agg(f.key ORDER BY u.o) FILTER (WHERE f.detail IS NULL),
           array_agg(f.type ORDER BY u.o) FILTER (WHERE f.detail IS NULL),
           array_agg(f.occurred ORDER BY u.o) FILTER (WHERE f.detail IS NULL),
           array_agg(u.e ORDER BY u.o) FILTER (WHERE f.detail IS NULL)
      INTO v_ids, v_faults, v_good, v_good_id, v_key, v_type, v_time, v_body
      FROM (SELECT cartwright.without_faulty_ids(cartwright.ids_as_text(a.e)) AS e, a.o FROM jsonb_array_elements(v_events) WITH ORDINALITY AS a(e, o)) AS u
     CROSS JOIN LATERAL cartwright.envelope(jsonb_strip_nulls(u.e), v_now) AS f;
    IF v_good IS NOT NULL THEN
        SELECT array_agg(v_good[r.ord + 1] ORDER BY r.ord), array_agg(r.status ORDER BY r.ord),
               array_agg(CASE WHEN r.status = 'conflict'
                              THEN cartwright.event_differs(cartwright.lane_of(v_key[r.ord + 1]), cartwright.id_pack(v_good_id[r.ord + 1]),
                                                            v_body[r.ord + 1]) END ORDER BY r.ord)
          INTO v_other, v_why, v_differ
          FROM cartwright.append_rows(v_good_id, v_key, v_type, 'sql', v_time, v_now, v_body) AS r;
    END IF;
    RETURN QUERY
    SELECT u.o::int - 1, u.id, CASE WHEN u.fault IS NOT NULL THEN 'invalid' ELSE coalesce(n.why, 'stored') END,
           CASE WHEN u.fault IS NOT NULL THEN jsonb_build_array(u.fault)
                WHEN n.why = 'conflict'
                THEN jsonb_build_array(jsonb_build_object(
                         'pointer', '/event_id', 'detail',
                         'an event with this id and another body is stored already'
                         || coalesce(', and stays; they differ in ' || n.differ || ': what was mended is sent under a new event_id (rows of one order_id '
                                     'are one order)', '')))
                ELSE '[]'::jsonb END
      FROM unnest(v_ids, v_faults) WITH ORDINALITY AS u(id, fault, o)
      LEFT JOIN unnest(v_other, v_why, v_differ) AS n(ord, why, differ) ON n.ord = u.o - 1
     ORDER BY u.o;
END $$;

-- Withdrawals that name a cart: few, below a cart id under which very many ordered (log_cart has both). Serves joins_pending, as log_cart does.
CREATE INDEX log_cart_withdrawn ON cartwright.log (hashtext(cartwright.event_cart(body)), lane, off)
    WHERE type IN (25, 26) AND (left(body, 1) = '{' OR ascii(body) & 8 <> 0);
