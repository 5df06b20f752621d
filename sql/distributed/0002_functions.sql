-- What a distributed database does lane by lane where a single server does it in one statement. Each has the result of the query of its name
-- (queries.sql says which call it), or takes the place of the migrations' function of its name; the same tests run on both.
-- Every statement here asks one lane, by a plain variable, or joins what it is asked for with distributed tables and nothing further (tests/lint/shapes.sh). Where it
-- takes several statements, each sees what is committed when its turn comes; the transaction is the caller's.

-- ---- locks of lanes ----

-- Locks a lane until commit; false: somebody holds it until p_until (NULL: it is waited for without end). Asks again and again, since the lock timeout of this
-- session does not reach the server where the lane lies.
CREATE OR REPLACE FUNCTION cartwright.lane_await(p_lane int, p_until timestamptz) RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    AS $$
BEGIN
    LOOP
        PERFORM 1 FROM cartwright.lane l WHERE l.lane = p_lane FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            RETURN true;
        END IF;
        IF clock_timestamp() >= p_until THEN
            RETURN false;
        END IF;
        PERFORM pg_sleep(0.002);
    END LOOP;
END $$;

-- The same as long as lock_timeout allows, whose error it raises.
CREATE OR REPLACE FUNCTION cartwright.lane_take(p_lane int) RETURNS void
    LANGUAGE plpgsql VOLATILE
    AS $$
BEGIN
    IF NOT cartwright.lane_await(p_lane, clock_timestamp() + nullif(current_setting('lock_timeout')::interval, interval '0')) THEN
        RAISE EXCEPTION 'lane % is held by another transaction', p_lane USING ERRCODE = 'lock_not_available';
    END IF;
END $$;

-- Distinct lanes, in the order in which they are locked.
CREATE OR REPLACE FUNCTION cartwright.lanes_ascending(p_lanes int[]) RETURNS SETOF int
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT DISTINCT u.lane FROM unnest(p_lanes) AS u(lane) ORDER BY u.lane $$;

CREATE OR REPLACE FUNCTION cartwright.lanes_lock(p_lanes int[]) RETURNS SETOF int
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_lane int;
BEGIN
    FOR v_lane IN SELECT a.lane FROM cartwright.lanes_ascending(p_lanes) AS a(lane) LOOP
        PERFORM cartwright.lane_take(v_lane);
        RETURN NEXT v_lane;
    END LOOP;
END $$;

-- Those that nobody holds.
CREATE OR REPLACE FUNCTION cartwright.derived_lock(p_lanes int[]) RETURNS SETOF int
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_lane int;
BEGIN
    FOR v_lane IN SELECT a.lane FROM cartwright.lanes_ascending(p_lanes) AS a(lane) LOOP
        IF cartwright.lane_await(v_lane, '-infinity') THEN
            RETURN NEXT v_lane;
        END IF;
    END LOOP;
END $$;

-- ---- append ----

-- The append of migration 31, a lane at a time: joined with the row of its lane, what is to be stored goes to where the lane lies as a whole.
CREATE OR REPLACE FUNCTION cartwright.append_rows(
    p_lane int[], p_id bytea[], p_key text[], p_type int[], p_origin text, p_occurred timestamptz[], p_received timestamptz, p_body text[])
    RETURNS TABLE (ord int, status text)
    LANGUAGE plpgsql VOLATILE
    SET lock_timeout = '2s' -- a producer that keeps its transaction open must not stall the others for ever
    AS $$
DECLARE
    v_lane     int;
    v_floor    bigint;
    v_last     bigint;
    v_stored   bigint;
    v_ord      bigint[];
    v_id       bytea[];
    v_key      text[];
    v_type     int[];
    v_occurred timestamptz[];
    v_body     text[];
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'events are appended in READ COMMITTED transactions only' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM a.lane FROM cartwright.lanes_lock(p_lane) AS a(lane);
    FOR v_lane IN SELECT a.lane FROM cartwright.lanes_ascending(p_lane) AS a(lane) LOOP
        SELECT array_agg(u.o ORDER BY u.o), array_agg(u.id ORDER BY u.o), array_agg(u.key ORDER BY u.o), array_agg(u.type ORDER BY u.o),
               array_agg(u.occurred ORDER BY u.o), array_agg(u.body ORDER BY u.o)
          INTO v_ord, v_id, v_key, v_type, v_occurred, v_body
          FROM unnest(p_lane, p_id, p_key, p_type, p_occurred, p_body) WITH ORDINALITY AS u(lane, id, key, type, occurred, body, o)
         WHERE u.lane = v_lane;
        SELECT n.floor_off INTO v_floor FROM cartwright.lane n WHERE n.lane = v_lane;
        SELECT x.off INTO v_last FROM cartwright.log_rows x WHERE x.lane = v_lane ORDER BY x.off DESC LIMIT 1;
        v_last := greatest(v_floor, v_last);

        INSERT INTO cartwright.log (off, occurred_at, received_at, lane, type, origin, id, key, body)
        SELECT v_last + u.nth, u.occurred, p_received, t.lane, u.type, left(p_origin, 1)::"char", u.id, u.key, u.body
          FROM cartwright.lane t
         CROSS JOIN unnest(v_id, v_key, v_type, v_occurred, v_body) WITH ORDINALITY AS u(id, key, type, occurred, body, nth)
         WHERE t.lane = v_lane
         ORDER BY u.nth
        ON CONFLICT (lane, cartwright.id_slot(id)) DO NOTHING;
        GET DIAGNOSTICS v_stored = ROW_COUNT;
        CONTINUE WHEN v_stored = cardinality(v_id);

        RETURN QUERY
        SELECT u.ord::int - 1, CASE WHEN e.off IS NULL THEN cartwright.append_lost(u.id)
                                    WHEN (e.key, e.type, e.occurred_at, e.body) = (u.key, u.type, u.occurred, u.body)
                                      OR cartwright.body_same(cartwright.event_sent(e.id, e.key, e.type, e.occurred_at, e.body),
                                                              cartwright.event_sent(u.id, u.key, u.type, u.occurred, u.body))
                                    THEN 'duplicate' ELSE 'conflict' END
          FROM cartwright.lane t
         CROSS JOIN unnest(v_ord, v_id, v_key, v_type, v_occurred, v_body) WITH ORDINALITY AS u(ord, id, key, type, occurred, body, nth)
          LEFT JOIN cartwright.log_rows e ON e.lane = v_lane AND cartwright.id_slot(e.id) = cartwright.id_slot(u.id)
                                         AND e.event_id = cartwright.id_unpack(u.id)
         WHERE t.lane = v_lane AND e.off IS DISTINCT FROM v_last + u.nth
         ORDER BY u.ord;
    END LOOP;
END $$;

-- The same unless another transaction holds one of the lanes: then nothing is stored, and there is a row (lane, 'busy') for each of those. All of them together
-- are waited for a moment.
CREATE OR REPLACE FUNCTION cartwright.append_if_free(
    p_lane int[], p_id bytea[], p_key text[], p_type int[], p_origin text, p_occurred timestamptz[], p_received timestamptz, p_body text[])
    RETURNS TABLE (ord int, status text)
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_until timestamptz := clock_timestamp() + interval '25 milliseconds';
    v_lane  int;
    v_held  int[] := '{}';
BEGIN
    FOR v_lane IN SELECT a.lane FROM cartwright.lanes_ascending(p_lane) AS a(lane) LOOP
        IF NOT cartwright.lane_await(v_lane, v_until) THEN
            v_held := v_held || v_lane;
        END IF;
    END LOOP;
    IF v_held <> '{}' THEN
        RETURN QUERY SELECT h.lane, 'busy' FROM unnest(v_held) AS h(lane);
        RETURN;
    END IF;
    RETURN QUERY SELECT r.ord, r.status
                   FROM cartwright.append_rows(p_lane, p_id, p_key, p_type, p_origin, p_occurred, p_received, p_body) AS r;
END $$;

-- Lane by lane, in ascending order; of one that is held nothing.
CREATE OR REPLACE FUNCTION cartwright.derived_move(p_now timestamptz, p_most bigint)
    RETURNS TABLE (moved bigint, wanted bigint, unheld bigint, refused bigint)
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_lanes    int[];
    v_free     int[];
    v_lane     int;
    v_refused  bigint;
    v_ids      text[];
    v_keys     text[];
    v_types    text[];
    v_occurred timestamptz[];
    v_bodies   jsonb[];
BEGIN
    SELECT array_agg(DISTINCT w.lane) INTO v_lanes FROM cartwright.derived_waiting w;
    SELECT array_agg(f.lane) INTO v_free FROM cartwright.derived_lock(v_lanes) AS f(lane);
    moved := 0;
    refused := 0;
    FOR v_lane IN SELECT a.lane FROM cartwright.lanes_ascending(v_free) AS a(lane) LOOP
        SELECT array_agg(t.event_id ORDER BY t.since, t.event_id), array_agg(t.key ORDER BY t.since, t.event_id), array_agg(t.type ORDER BY t.since, t.event_id),
               array_agg(t.occurred_at ORDER BY t.since, t.event_id), array_agg(t.body ORDER BY t.since, t.event_id)
          INTO v_ids, v_keys, v_types, v_occurred, v_bodies
          FROM (SELECT w.event_id, w.key, w.type, w.occurred_at, w.body, w.since FROM cartwright.derived_waiting w
                 WHERE w.lane = v_lane ORDER BY w.since, w.event_id LIMIT p_most - moved) AS t;
        CONTINUE WHEN v_ids IS NULL;
        DELETE FROM cartwright.derived_waiting d WHERE d.lane = v_lane AND d.event_id = ANY (v_ids);
        SELECT count(*) INTO v_refused FROM cartwright.append_rows(v_ids, v_keys, v_types, 'derived', v_occurred, p_now, v_bodies) AS r;
        moved := moved + cardinality(v_ids);
        refused := refused + v_refused;
    END LOOP;
    wanted := coalesce(cardinality(v_lanes), 0);
    unheld := coalesce(cardinality(v_free), 0);
    RETURN NEXT;
END $$;

-- ---- read behind the cursors ----

-- The shares are those of events_after, which it cannot call: that holds the planner to generic plans.
CREATE OR REPLACE FUNCTION cartwright.events_fresh(p_lanes int[], p_offs bigint[], p_most bigint, p_bytes bigint)
    RETURNS TABLE (lane int, off bigint, id bytea, key text, type smallint, origin "char", occurred_at timestamptz, received_at timestamptz, body text)
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_lanes int[];
    v_offs  bigint[];
    v_count bigint;
    v_lane  int;
    v_off   bigint;
    v_nth   bigint;
    v_left  bigint := p_bytes;
    v_share bigint;
    v_bytes bigint;
    v_any   boolean := false; -- of all
    v_first boolean;          -- of the lane
BEGIN
    -- Which have news, in one look at all of them ...
    SELECT array_agg(f.lane), array_agg(f.off) INTO v_lanes, v_offs
      FROM (SELECT t.lane, l.off
              FROM cartwright.lane t
              JOIN unnest(p_lanes, p_offs) AS l(lane, off) ON l.lane = t.lane
             WHERE t.lane = ANY (p_lanes) AND EXISTS (SELECT 1 FROM cartwright.log_rows x WHERE x.lane = t.lane AND x.off > l.off)) AS f;
    -- ... and of at most p_most of these, whichever comes first.
    SELECT array_agg(u.lane), array_agg(u.off), count(*) INTO v_lanes, v_offs, v_count
      FROM (SELECT w.lane, w.off FROM unnest(v_lanes, v_offs) AS w(lane, off) ORDER BY random() LIMIT p_most) AS u;
    FOR v_lane, v_off, v_nth IN SELECT u.lane, u.off, u.o FROM unnest(v_lanes, v_offs) WITH ORDINALITY AS u(lane, off, o) ORDER BY u.o LOOP
        v_share := v_left / (v_count - v_nth + 1);
        v_first := true;
        FOR lane, off, id, key, type, origin, occurred_at, received_at, body IN
            SELECT y.lane, y.off, y.id, y.key, y.type, y.origin, y.occurred_at, y.received_at, y.body
              FROM (SELECT x.lane, x.off, x.id, x.key, x.type, x.origin, x.occurred_at, x.received_at, x.body,
                           coalesce(sum(octet_length(x.body)) OVER (ORDER BY x.off ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
                      FROM (SELECT e.lane, e.off, e.id, e.key, e.type, e.origin, e.occurred_at, e.received_at, e.body
                              FROM cartwright.log_rows e WHERE e.lane = v_lane AND e.off > v_off ORDER BY e.off LIMIT p_most / v_count) AS x) AS y
             WHERE y.bytes_before <= v_left
             ORDER BY y.off
        LOOP
            v_bytes := octet_length(body);
            EXIT WHEN v_any AND v_bytes > CASE WHEN v_first THEN v_left ELSE v_share END;
            RETURN NEXT;
            v_any := true;
            v_first := false;
            v_share := v_share - v_bytes;
            v_left := v_left - v_bytes;
        END LOOP;
    END LOOP;
END $$;

-- ---- leases ----

CREATE OR REPLACE FUNCTION cartwright.lanes_lease(p_owner text, p_lease_us bigint, p_want bigint)
    RETURNS TABLE (lane int, epoch bigint, off bigint)
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_lanes int[];
    v_lane  int;
    v_claim boolean;
    v_count bigint := 0;
BEGIN
    -- Its own first, negative, then those whose lease has run out.
    SELECT array_agg(CASE WHEN c.owner = p_owner THEN c.lane - 256 ELSE c.lane END) INTO v_lanes
      FROM cartwright.lane_cursor c WHERE c.consumer = 'fold' AND (c.owner = p_owner OR c.lease_until < now());
    FOR v_lane IN SELECT a.lane FROM cartwright.lanes_ascending(v_lanes) AS a(lane) LOOP
        EXIT WHEN v_count >= p_want;
        v_claim := v_lane >= 0;
        v_lane := CASE WHEN v_claim THEN v_lane ELSE v_lane + 256 END;
        PERFORM 1 FROM cartwright.lane_cursor c
          WHERE c.lane = v_lane AND c.consumer = 'fold'
            AND CASE WHEN v_claim THEN c.owner IS DISTINCT FROM p_owner AND c.lease_until < now() ELSE c.owner = p_owner END
            FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        RETURN QUERY
        UPDATE cartwright.lane_cursor c
           SET owner = p_owner, lease_until = now() + p_lease_us * interval '1 microsecond', epoch = c.epoch + v_claim::int
         WHERE c.lane = v_lane AND c.consumer = 'fold'
        RETURNING c.lane, c.epoch, c.off;
        v_count := v_count + 1;
    END LOOP;
END $$;

-- All of the owner's but p_kept.
CREATE OR REPLACE FUNCTION cartwright.lanes_give_back(p_owner text, p_kept int[]) RETURNS void
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_lanes int[];
    v_lane  int;
BEGIN
    SELECT array_agg(c.lane) INTO v_lanes
      FROM cartwright.lane_cursor c WHERE c.consumer = 'fold' AND c.owner = p_owner AND c.lane <> ALL (p_kept);
    FOR v_lane IN SELECT a.lane FROM cartwright.lanes_ascending(v_lanes) AS a(lane) LOOP
        PERFORM 1 FROM cartwright.lane_cursor c WHERE c.lane = v_lane AND c.consumer = 'fold' AND c.owner = p_owner FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        UPDATE cartwright.lane_cursor c SET owner = NULL, lease_until = '-infinity' WHERE c.lane = v_lane AND c.consumer = 'fold';
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION cartwright.stale_claim(p_lanes int[], p_rest_us bigint, p_times bigint)
    RETURNS TABLE (lane int, key text)
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_lanes int[];
    v_keys  text[];
    v_lane  int;
    v_key   text;
BEGIN
    SELECT array_agg(s.lane ORDER BY s.due_at), array_agg(s.key ORDER BY s.due_at) INTO v_lanes, v_keys
      FROM cartwright.stale_shopper s WHERE s.since IS NOT NULL AND s.due_at <= now() AND s.lane = ANY (p_lanes);
    FOR v_lane, v_key IN SELECT u.lane, u.key FROM unnest(v_lanes, v_keys) WITH ORDINALITY AS u(lane, key, o) ORDER BY u.o LOOP
        PERFORM 1 FROM cartwright.stale_shopper s
          WHERE s.lane = v_lane AND s.key = v_key AND s.since IS NOT NULL AND s.due_at <= now() FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        RETURN QUERY
        UPDATE cartwright.stale_shopper s
           SET due_at = now() + greatest(p_rest_us, p_times * s.took_us) * interval '1 microsecond'
         WHERE s.lane = v_lane AND s.key = v_key
        RETURNING s.lane, s.key;
        RETURN;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION cartwright.handing_claim(p_lanes int[]) RETURNS TABLE (lane int, key text)
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_lanes int[];
    v_keys  text[];
    v_lane  int;
    v_key   text;
BEGIN
    SELECT array_agg(h.lane ORDER BY h.turned_at), array_agg(h.key ORDER BY h.turned_at) INTO v_lanes, v_keys
      FROM cartwright.handing_over h WHERE h.lane = ANY (p_lanes);
    FOR v_lane, v_key IN SELECT u.lane, u.key FROM unnest(v_lanes, v_keys) WITH ORDINALITY AS u(lane, key, o) ORDER BY u.o LOOP
        PERFORM 1 FROM cartwright.handing_over h WHERE h.lane = v_lane AND h.key = v_key FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        RETURN QUERY
        UPDATE cartwright.handing_over h SET turned_at = clock_timestamp() WHERE h.lane = v_lane AND h.key = v_key
        RETURNING h.lane, h.key;
        RETURN;
    END LOOP;
END $$;

-- ---- one shopper ----

-- shopper_gather: first where the cart lives, then all of its shopper, of one moment, where the lane lies. What goes beyond so many bytes is cut there by the sizes of
-- the events, which are known without reading them: events_within reads the log itself, and cannot be called where a lane lies.
CREATE OR REPLACE FUNCTION cartwright.shopper_gather(p_key text, p_cart text, p_whole boolean, p_deciding boolean, p_most bigint, p_bytes bigint)
    RETURNS TABLE (part int, n bigint, m int, id text, type text, origin text, occurred_at timestamptz, received_at timestamptz, body text,
                   heavy boolean, held boolean, packed_id bytea, code smallint, shared boolean)
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    v_lane   int := cartwright.lane_of(p_key);
    v_key    text := p_key;
    v_shared boolean := false;
BEGIN
    IF p_key IS NULL THEN
        SELECT k.lane, k.key, count(*) OVER () > 1 INTO v_lane, v_key, v_shared
          FROM (SELECT l.lane, l.key FROM cartwright.cart_lane l WHERE l.cart_id = p_cart ORDER BY l.lane, l.key LIMIT 2) AS k
         ORDER BY k.lane, k.key LIMIT 1;
    END IF;
    RETURN QUERY
    WITH stored AS MATERIALIZED (
        SELECT t.lane, v_key AS key, s.folded_off, s.doc, b.doc AS base, CASE WHEN p_whole THEN 0 ELSE coalesce(s.folded_off, 0) END AS since,
               h.lane IS NOT NULL AS heavy,
               CASE WHEN d.since IS NOT NULL AND NOT p_whole THEN true
                    WHEN h.lane IS NULL AND d.since IS NULL THEN false
                    ELSE EXISTS (SELECT 1 FROM cartwright.log_rows x
                                  WHERE x.lane = v_lane AND hashtext(x.key) = hashtext(v_key) AND x.key = v_key
                                    AND x.off > CASE WHEN p_whole THEN 0 ELSE coalesce(s.folded_off, 0) END
                                 OFFSET p_most - 1) END AS held
          FROM cartwright.lane t
          LEFT JOIN cartwright.shopper s ON s.lane = v_lane AND s.key = v_key
          LEFT JOIN cartwright.shopper_base b ON b.lane = v_lane AND b.key = v_key
          LEFT JOIN cartwright.heavy_shopper h ON h.lane = v_lane AND h.key = v_key
          LEFT JOIN cartwright.stale_shopper d ON d.lane = v_lane AND d.key = v_key
         WHERE t.lane = v_lane
    ), sized AS MATERIALIZED (
        SELECT y.off, coalesce(sum(y.bytes) OVER (ORDER BY y.off ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
          FROM stored t
         CROSS JOIN LATERAL (SELECT x.off, octet_length(x.body) AS bytes FROM cartwright.log_rows x
                              WHERE x.lane = v_lane AND hashtext(x.key) = hashtext(v_key) AND x.key = v_key AND x.off > t.since
                              ORDER BY x.off LIMIT CASE WHEN t.held THEN 0 ELSE p_most END) AS y
    ), news AS MATERIALIZED (
        SELECT e.lane, e.off, e.id, e.type, e.origin, e.occurred_at, e.received_at, e.body
          FROM sized z JOIN cartwright.log_rows e ON e.lane = v_lane AND e.off = z.off
         WHERE z.bytes_before <= p_bytes
    ), carts AS ( -- that were folded, or spoken about since
        SELECT c.lane, c.key, c.cart_id FROM cartwright.cart c WHERE c.lane = v_lane AND c.key = v_key AND p_deciding
         UNION
        SELECT v_lane, v_key, cartwright.event_cart(w.body) COLLATE "C" FROM news w WHERE p_deciding AND w.type = 32
    )
    SELECT 0, coalesce(t.folded_off, 0), t.lane, t.key, t.doc, t.base, NULL::timestamptz, NULL::timestamptz, NULL::text,
           t.heavy, t.held, NULL::bytea, NULL::smallint, v_shared
      FROM stored t
     UNION ALL
    SELECT 1, w.off, w.lane, NULL, NULL, w.origin::text, w.occurred_at, w.received_at, w.body, NULL, NULL, w.id, w.type, NULL FROM news w
     UNION ALL
    SELECT 2, o.round::bigint, o.step, o.outreach_id, o.subject, o.cart_digest, o.decided_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL
      FROM carts c JOIN cartwright.outreach o ON o.lane = v_lane AND o.key = v_key AND o.subject = 'cart:' || c.cart_id AND o.decision = 'send'
     ORDER BY 1, 2;
END $$;

-- ---- what waits for the fold ----

DROP FUNCTION IF EXISTS cartwright.joins_pending(int, text, text[], text[], text[], text[], bigint, text, bigint, boolean, text[]);
DROP FUNCTION IF EXISTS cartwright.joins_pending(int, text, text[], text[], text[], text[], bigint, text, bigint, boolean, text[], text[], timestamptz[], timestamptz[]);
CREATE OR REPLACE FUNCTION cartwright.joins_pending(
    p_lane int, p_key text, p_its text[], p_perhaps text[], p_names text[], p_carts text[], p_off bigint, p_via text, p_via_off bigint,
    p_had_more boolean, p_told text[], p_own text[], p_own_since timestamptz[], p_own_until timestamptz[], p_perhaps_others text[], p_ordered text[])
    RETURNS TABLE (pending boolean, due_at timestamptz, ordered_at timestamptz, more boolean, withdrawn_at timestamptz, sharers text)
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    v_keys   text[] := ARRAY(SELECT 'a:' || v.via FROM unnest(p_its) AS v(via));
    v_lanes  int[] := ARRAY(SELECT cartwright.lane_of('a:' || v.via) FROM unnest(p_its) AS v(via));
    v_had    text[] := p_carts;
    v_ids    text[];
    v_ends   boolean[];
    v_offs   bigint[];
    v_cart   text;
    v_lane   int;
    v_by_key text;
    v_by     text[];
    v_by_in  int[];
    v_at     timestamptz[];
    v_keep   text[];
    v_via_in int := cartwright.lane_of(p_via);
    v_due    timestamptz;
    v_last   timestamptz;
    v_count  bigint;
    v_others text[] := '{}';
    v_newest bigint[] := '{}';
    v_off    bigint;
BEGIN
    -- stale ones: of the anonymous shoppers that are it, and customers that were told of one of the names
    SELECT count(*), max(w.due_at) INTO v_count, due_at
      FROM unnest(v_lanes, v_keys) AS v(lane, key)
      JOIN cartwright.stale_shopper w ON w.lane = v.lane AND w.key = v.key
     WHERE w.since IS NOT NULL;
    pending := v_count > 0;
    SELECT count(*), max(w.due_at) INTO v_count, v_due
      FROM unnest(p_names) AS v(id)
      JOIN cartwright.log_names e ON hashtext(e.name) = hashtext(v.id) AND e.name = v.id AND e.type = 30 AND e.key <> p_key
      JOIN cartwright.stale_shopper w ON w.lane = e.lane AND w.key = e.key AND w.since IS NOT NULL
      LEFT JOIN cartwright.shopper s ON s.lane = w.lane AND s.key = w.key
     WHERE e.off > coalesce(s.folded_off, 0);
    pending := pending OR v_count > 0;
    due_at := greatest(due_at, v_due);
    SELECT count(*), max(h.due_at) INTO v_count, v_due -- and what is still handed over
      FROM unnest(v_lanes, v_keys) AS v(lane, key)
      JOIN cartwright.handing_over h ON h.lane = v.lane AND h.key = v.key;
    pending := pending OR v_count > 0;
    due_at := greatest(due_at, v_due);
    -- who ordered one of the carts, and keeps one of that id as long as a browser is theirs
    FOR v_cart IN SELECT k.cart_id FROM unnest(p_told) AS k(cart_id) LOOP
        v_lane := cartwright.lane_of('k:' || v_cart);
        SELECT ARRAY[p.customer, p.anonymous] INTO v_keep FROM cartwright.cart_party p
         WHERE p.lane = v_lane AND p.cart_id = v_cart AND p.customer <> p_key AND p.anonymous IS NOT NULL;
        CONTINUE WHEN NOT FOUND;
        PERFORM 1 FROM cartwright.log_carts e WHERE hashtext(e.cart_id) = hashtext(v_cart) AND e.cart_id = v_cart AND e.key = v_keep[1] LIMIT 1;
        CONTINUE WHEN NOT FOUND;
        FOR v_by_key IN SELECT u.key FROM unnest(v_keep) AS u(key) LOOP
            v_lane := cartwright.lane_of(v_by_key);
            SELECT count(*), max(w.due_at) INTO v_count, v_due FROM cartwright.stale_shopper w WHERE w.lane = v_lane AND w.key = v_by_key AND w.since IS NOT NULL;
            pending := pending OR v_count > 0;
            due_at := greatest(due_at, v_due);
            PERFORM 1 FROM cartwright.lane_cursor c
              JOIN cartwright.log_rows e ON e.lane = v_lane AND e.off > c.off AND hashtext(e.key) = hashtext(v_by_key) AND e.key = v_by_key
             WHERE c.lane = v_lane AND c.consumer = 'fold' AND (e.type = 30 AND v_by_key < 'd' AND v_by_key >= 'c' OR e.type IN (27, 28) AND v_by_key < 'b') LIMIT 1;
            pending := pending OR FOUND;
            PERFORM 1 FROM cartwright.derived_waiting w WHERE w.lane = v_lane AND w.key = v_by_key LIMIT 1;
            pending := pending OR FOUND;
        END LOOP;
    END LOOP;

    IF NOT pending THEN
        PERFORM 1 FROM unnest(v_lanes, v_keys) AS v(lane, key)
          JOIN cartwright.lane_cursor c ON c.lane = v.lane AND c.consumer = 'fold'
          JOIN cartwright.log_rows e ON e.lane = c.lane AND hashtext(e.key) = hashtext(v.key) AND e.key = v.key AND e.off > c.off;
        pending := FOUND;
    END IF;
    IF NOT pending THEN -- in its own lane: what names one of whom it is not known, and who logged out or was
        PERFORM 1 FROM cartwright.lane_cursor c
          JOIN cartwright.log_rows e ON e.lane = p_lane AND e.off > c.off AND hashtext(e.key) = hashtext(p_key) AND e.key = p_key
         WHERE c.lane = p_lane AND c.consumer = 'fold'
           AND (e.type IN (23, 27, 28) OR (e.type <> 31 AND cartwright.event_name(e.body) = ANY (p_perhaps)));
        pending := FOUND;
    END IF;
    IF NOT pending THEN
        PERFORM 1 FROM unnest(p_names) AS v(id)
          JOIN cartwright.log_names e ON hashtext(e.name) = hashtext(v.id) AND e.name = v.id AND e.key <> p_key
          JOIN cartwright.lane_cursor c ON c.lane = e.lane AND c.consumer = 'fold' AND e.off > c.off;
        pending := FOUND;
    END IF;
    IF NOT pending AND p_had_more THEN
        SELECT p_carts || array_agg(CASE WHEN x.type = 31 THEN cartwright.event_sent(x.id, x.key, x.type, x.occurred_at, x.body) #>> '{event,cart_id}'
                                         ELSE cartwright.event_cart(x.body) END) INTO v_had
          FROM (SELECT e.id, e.key, e.type, e.occurred_at, e.body FROM cartwright.log_rows e
                 WHERE e.lane = p_lane AND e.key = p_key AND hashtext(e.key) BETWEEN hashtext(p_key) AND hashtext(p_key)
                 ORDER BY hashtext(e.key) DESC, e.off DESC LIMIT 1000) AS x;
    END IF;
    -- of an id under which very many ordered, lane by lane what the fold has not taken
    FOR v_cart IN SELECT k.cart_id FROM unnest(v_had) AS k(cart_id) WHERE NOT pending AND k.cart_id IS NOT NULL LOOP
        SELECT count(*) INTO v_count
          FROM (SELECT x.key FROM cartwright.log_carts x WHERE hashtext(x.cart_id) = hashtext(v_cart) AND x.cart_id = v_cart LIMIT 257) AS e;
        IF v_count <= 256 THEN
            PERFORM 1 FROM cartwright.log_carts e
              JOIN cartwright.lane_cursor c ON c.lane = e.lane AND c.consumer = 'fold' AND e.off > c.off
             WHERE hashtext(e.cart_id) = hashtext(v_cart) AND e.cart_id = v_cart AND e.key <> p_key LIMIT 1;
        ELSE
            PERFORM 1 FROM cartwright.lane_cursor c -- an aggregate, which no plan makes a join of
             WHERE c.consumer = 'fold'
               AND (SELECT max(e.off) FROM cartwright.log_carts e
                     WHERE hashtext(e.cart_id) = hashtext(v_cart) AND e.cart_id = v_cart AND e.lane = c.lane AND e.off > c.off AND e.key <> p_key) IS NOT NULL
             LIMIT 1;
        END IF;
        pending := FOUND;
        EXIT WHEN pending;
    END LOOP;
    IF NOT pending THEN -- its own news about carts that somebody ordered
        SELECT array_agg(cartwright.event_cart(e.body)), array_agg(e.type IN (15, 25, 26) OR (e.type IN (0, 21, 22) AND e.body ~ E'\x1eq|"opt_out": ?true'))
          INTO v_ids, v_ends
          FROM cartwright.lane_cursor c
          JOIN cartwright.log_rows e ON e.lane = p_lane AND e.off > c.off AND hashtext(e.key) = hashtext(p_key) AND e.key = p_key
         WHERE c.lane = p_lane AND c.consumer = 'fold' AND cartwright.event_cart(e.body) IS NOT NULL;
        PERFORM 1 FROM (SELECT cartwright.lane_of('k:' || u.cart_id) AS lane, u.cart_id, u.ends FROM unnest(v_ids, v_ends) AS u(cart_id, ends)) AS k
          JOIN cartwright.cart_party p ON p.lane = k.lane AND p.cart_id = k.cart_id
         WHERE NOT p.many AND (p.ordered_at IS NOT NULL OR k.ends);
        pending := FOUND;
    END IF;
    IF NOT pending THEN
        PERFORM 1 FROM cartwright.derived_waiting w WHERE w.lane = p_lane AND w.key = p_key;
        pending := FOUND;
    END IF;
    IF NOT pending THEN
        PERFORM 1 FROM unnest(p_names) AS v(id) JOIN cartwright.derived_waiting w ON coalesce(w.body ->> 'anonymous_id', w.body ->> 'via') = v.id;
        pending := FOUND;
    END IF;

    FOR v_cart IN SELECT k.cart_id FROM unnest(p_told) AS k(cart_id) LOOP
        SELECT array_agg(e.lane), array_agg(e.key), array_agg(e.occurred_at) INTO v_by_in, v_by, v_at
          FROM (SELECT x.lane, x.key, x.occurred_at FROM cartwright.log_carts x
                 WHERE hashtext(x.cart_id) = hashtext(v_cart) AND x.cart_id = v_cart AND x.type = 15
                   AND NOT EXISTS (SELECT FROM unnest(p_own, p_own_since, p_own_until) AS o(key, since, until)
                                    WHERE o.key = x.key AND x.occurred_at >= coalesce(o.since, '-infinity') AND x.occurred_at < o.until)
                 LIMIT 100) AS e;
        SELECT array_agg(c.key) INTO v_keep
          FROM unnest(v_by_in, v_by) AS u(lane, key)
          JOIN cartwright.cart c ON c.lane = u.lane AND c.key = u.key AND c.cart_id = v_cart AND c.key <> p_key;
        SELECT count(DISTINCT u.key), max(u.at) INTO v_count, v_last
          FROM unnest(v_by, v_at) AS u(key, at) WHERE u.key <> ALL (coalesce(v_keep, '{}'));
        IF v_count = 1 THEN
            ordered_at := greatest(ordered_at, v_last);
        END IF;

        SELECT array_agg(e.lane), array_agg(e.off) INTO v_by_in, v_offs
          FROM (SELECT x.lane, x.off FROM cartwright.log_cart_nos x
                 WHERE hashtext(x.cart_id) = hashtext(v_cart) AND x.cart_id = v_cart
                   AND NOT EXISTS (SELECT FROM unnest(p_own, p_own_since, p_own_until) AS o(key, since, until)
                                    WHERE o.key = x.key AND x.occurred_at >= coalesce(o.since, '-infinity') AND x.occurred_at < o.until)
                 LIMIT 100) AS e;
        SELECT array_agg(y.lane), array_agg(y.key), array_agg(y.occurred_at) INTO v_by_in, v_by, v_at
          FROM unnest(v_by_in, v_offs) AS u(lane, off)
          JOIN cartwright.log_rows y ON y.lane = u.lane AND y.off = u.off
         WHERE y.type = 25 OR cartwright.event_sent(y.id, y.key, y.type, y.occurred_at, y.body) -> 'opt_out' = 'true';
        SELECT array_agg(c.key) INTO v_keep
          FROM unnest(v_by_in, v_by) AS u(lane, key)
          JOIN cartwright.cart c ON c.lane = u.lane AND c.key = u.key AND c.cart_id = v_cart AND c.key <> p_key;
        SELECT count(DISTINCT u.key), max(u.at) INTO v_count, v_last
          FROM unnest(v_by, v_at) AS u(key, at) WHERE u.key <> ALL (coalesce(v_keep, '{}'));
        IF v_count <= 16 THEN
            withdrawn_at := greatest(withdrawn_at, v_last);
        END IF;
    END LOOP;

    PERFORM 1 FROM cartwright.log_rows e WHERE e.lane = p_lane AND hashtext(e.key) = hashtext(p_key) AND e.key = p_key AND e.off > p_off LIMIT 1;
    more := FOUND;
    IF NOT more THEN
        PERFORM 1 FROM cartwright.log_rows e WHERE e.lane = v_via_in AND hashtext(e.key) = hashtext(p_via) AND e.key = p_via AND e.off > p_via_off LIMIT 1;
        more := FOUND;
    END IF;

    FOR v_cart IN SELECT k.cart_id FROM unnest(p_perhaps_others) AS k(cart_id) LOOP -- who else it may be
        SELECT count(*), array_agg(e.key) INTO v_count, v_by
          FROM (SELECT x.key FROM cartwright.log_carts x WHERE hashtext(x.cart_id) = hashtext(v_cart) AND x.cart_id = v_cart LIMIT 257) AS e;
        CONTINUE WHEN v_count > 256;
        v_keep := ARRAY(SELECT DISTINCT u.key FROM unnest(v_by) AS u(key) WHERE u.key >= 'c:' COLLATE "C" AND u.key < 'c;' COLLATE "C");
        FOR v_by_key IN SELECT DISTINCT u.key FROM unnest(v_by) AS u(key) WHERE u.key < 'b' AND u.key <> p_key LOOP
            v_keep := v_keep || ARRAY(SELECT e.key FROM cartwright.log_names e
                                       WHERE hashtext(e.name) = hashtext(substr(v_by_key, 3)) AND e.name = substr(v_by_key, 3) AND e.type NOT BETWEEN 27 AND 32
                                       LIMIT 257);
        END LOOP;
        v_keep := ARRAY(SELECT DISTINCT u.key FROM unnest(v_keep) AS u(key));
        IF p_key <> ANY (v_by) OR v_cart = ANY (p_ordered) THEN
            v_lane := cartwright.lane_of('k:' || v_cart);
            SELECT p.first_customer INTO v_by_key FROM cartwright.cart_party p
             WHERE p.lane = v_lane AND p.cart_id = v_cart AND p.first_customer IS NOT NULL AND p.ordered_at IS NOT NULL AND p.first_customer <> ALL (v_keep);
            v_keep := CASE WHEN v_by_key IS NULL THEN v_keep ELSE v_keep || v_by_key END;
        END IF;
        v_others := CASE WHEN cardinality(v_keep) <= 16 THEN v_others || v_keep ELSE v_others END;
    END LOOP;
    v_others := ARRAY(SELECT DISTINCT u.key COLLATE "C" FROM unnest(v_others) AS u(key) ORDER BY 1 LIMIT 65);
    FOR v_by_key IN SELECT u.key FROM unnest(v_others) WITH ORDINALITY AS u(key, ord) ORDER BY u.ord LOOP
        v_lane := cartwright.lane_of(v_by_key);
        SELECT max(e.off) INTO v_off FROM cartwright.log_rows e WHERE e.lane = v_lane AND hashtext(e.key) = hashtext(v_by_key) AND e.key = v_by_key;
        v_newest := v_newest || v_off;
    END LOOP;
    SELECT json_build_object('keys', json_agg(u.key ORDER BY u.ord), 'offs', json_agg(u.off ORDER BY u.ord))::text INTO sharers
      FROM unnest(v_others, v_newest) WITH ORDINALITY AS u(key, off, ord)
    HAVING count(*) > 0;
    RETURN NEXT;
END $$;

DROP FUNCTION IF EXISTS cartwright.carts_ordered(int[], text[], text[]);
CREATE OR REPLACE FUNCTION cartwright.carts_ordered(p_lanes int[], p_keys text[], p_carts text[]) RETURNS TABLE (n int, orderer text, ordered_at timestamptz)
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    v_key   text;
    v_cart  text;
    v_by    text[];
    v_by_in int[];
    v_at    timestamptz[];
    v_keep  text[];
BEGIN
    FOR n, v_key, v_cart IN SELECT (u.ord - 1)::int, u.key, u.cart_id FROM unnest(p_keys, p_carts) WITH ORDINALITY AS u(key, cart_id, ord) LOOP
        SELECT array_agg(e.lane), array_agg(e.key), array_agg(e.occurred_at) INTO v_by_in, v_by, v_at
          FROM (SELECT x.lane, x.key, x.occurred_at FROM cartwright.log_carts x
                 WHERE hashtext(x.cart_id) = hashtext(v_cart) AND x.cart_id = v_cart AND x.type = 15 LIMIT 100) AS e;
        CONTINUE WHEN v_by IS NULL;
        SELECT array_agg(c.key) INTO v_keep
          FROM unnest(v_by_in, v_by) AS u(lane, key)
          JOIN cartwright.cart c ON c.lane = u.lane AND c.key = u.key AND c.cart_id = v_cart AND c.key <> v_key;
        FOR orderer, ordered_at IN SELECT u.key, u.at FROM unnest(v_by, v_at) AS u(key, at) WHERE u.key <> ALL (coalesce(v_keep, '{}')) LOOP
            RETURN NEXT;
        END LOOP;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION cartwright.cart_pending(p_cart text, p_keys text[], p_kept boolean) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    v_count  bigint;
    v_about  boolean;
    v_lanes  int[];
    v_keys   text[];
    v_offs   bigint[];
    v_lane   int;
    v_key    text;
    v_folded bigint;
BEGIN
    SELECT count(*) INTO v_count
      FROM (SELECT 1 FROM cartwright.lane_cursor c JOIN cartwright.log_rows x ON x.lane = c.lane AND x.off > c.off WHERE c.consumer = 'fold' LIMIT 5001) AS w;
    IF v_count > 5000 THEN
        RETURN true;
    END IF;
    PERFORM 1 FROM cartwright.lane_cursor c
      JOIN cartwright.log_rows x ON x.lane = c.lane AND x.off > c.off
     WHERE c.consumer = 'fold' AND cartwright.event_about(x.id, x.key, x.type, x.occurred_at, x.body, p_cart) AND x.key <> ALL (p_keys) LIMIT 1;
    IF FOUND THEN
        RETURN true;
    END IF;
    SELECT array_agg(w.lane), array_agg(w.key), array_agg(w.off) INTO v_lanes, v_keys, v_offs
      FROM (SELECT w.lane, w.key, coalesce(s.folded_off, 0) AS off
              FROM cartwright.stale_shopper w LEFT JOIN cartwright.shopper s ON s.lane = w.lane AND s.key = w.key
             WHERE w.since IS NOT NULL AND w.key <> ALL (p_keys)
             UNION ALL
            SELECT h.lane, h.key, CASE WHEN h.again_at IS NULL THEN h.done_off ELSE 0 END FROM cartwright.handing_over h WHERE h.key <> ALL (p_keys)) AS w;
    FOR v_lane, v_key, v_folded IN SELECT u.lane, u.key, u.off FROM unnest(v_lanes, v_keys, v_offs) AS u(lane, key, off) LOOP
        SELECT count(*), bool_or(cartwright.event_about(y.id, y.key, y.type, y.occurred_at, y.body, p_cart)) INTO v_count, v_about
          FROM (SELECT x.id, x.key, x.type, x.occurred_at, x.body FROM cartwright.log_rows x
                 WHERE x.lane = v_lane AND hashtext(x.key) = hashtext(v_key) AND x.key = v_key AND x.off > v_folded
                 ORDER BY x.off LIMIT 5001) AS y;
        IF (v_count > 5000 AND NOT p_kept) OR v_about THEN
            RETURN true;
        END IF;
    END LOOP;
    PERFORM 1 FROM cartwright.derived_waiting w WHERE w.body -> 'event' ->> 'cart_id' = p_cart AND w.key <> ALL (p_keys) LIMIT 1;
    IF FOUND THEN
        RETURN true;
    END IF;
    v_lane := cartwright.lane_of('k:' || p_cart);
    SELECT ARRAY[p.customer, p.anonymous] INTO v_keys FROM cartwright.cart_party p WHERE p.lane = v_lane AND p.cart_id = p_cart;
    FOR v_key IN SELECT u.key FROM unnest(v_keys) AS u(key) WHERE u.key <> ALL (p_keys) LOOP
        v_lane := cartwright.lane_of(v_key);
        PERFORM 1 FROM cartwright.lane_cursor c
          JOIN cartwright.log_rows e ON e.lane = v_lane AND e.off > c.off AND hashtext(e.key) = hashtext(v_key) AND e.key = v_key
         WHERE c.lane = v_lane AND c.consumer = 'fold' LIMIT 1;
        IF FOUND THEN
            RETURN true;
        END IF;
        PERFORM 1 FROM cartwright.derived_waiting w WHERE w.lane = v_lane AND w.key = v_key LIMIT 1;
        IF FOUND THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;

CREATE OR REPLACE FUNCTION cartwright.joins_shaken(p_carts text[], p_keys text[], p_strict boolean) RETURNS TABLE (soon boolean, many boolean)
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    v_count bigint;
    v_cart  text;
    v_lane  int;
BEGIN
    SELECT count(*) INTO v_count
      FROM (SELECT 1 FROM cartwright.lane_cursor c JOIN cartwright.log_rows x ON x.lane = c.lane AND x.off > c.off WHERE c.consumer = 'fold' LIMIT 5001) AS w;
    soon := p_strict AND v_count > 5000;
    IF NOT soon THEN
        PERFORM 1 FROM cartwright.lane_cursor c
          JOIN cartwright.log_rows x ON x.lane = c.lane AND x.off > c.off AND x.off <= c.off + 5001
         WHERE c.consumer = 'fold' AND x.type NOT BETWEEN 27 AND 32 AND cartwright.event_cart(x.body) = ANY (p_carts) AND x.key <> ALL (p_keys) LIMIT 1;
        soon := FOUND;
    END IF;
    many := false;
    FOR v_cart IN SELECT k.cart_id FROM unnest(p_carts) AS k(cart_id) LOOP
        v_lane := cartwright.lane_of('k:' || v_cart);
        PERFORM 1 FROM cartwright.cart_party p WHERE p.lane = v_lane AND p.cart_id = v_cart AND p.many;
        many := many OR FOUND;
    END LOOP;
    RETURN NEXT;
END $$;

-- A decision and the event that tells of it: put is 0 where a send stands already.
CREATE OR REPLACE FUNCTION cartwright.outreach_put(
    p_lane int, p_subject text, p_round int, p_step int, p_id text, p_key text, p_decision text, p_reason text, p_at timestamptz, p_summary json, p_why json,
    p_message json, p_event_id text, p_event jsonb, p_digest text)
    RETURNS TABLE (put bigint, told text)
    LANGUAGE plpgsql VOLATILE
    AS $$
BEGIN
    INSERT INTO cartwright.outreach AS o (lane, subject, round, step, outreach_id, key, decision, reason, decided_at, summary, why, message, cart_digest)
    VALUES (p_lane, p_subject, p_round, p_step, p_id, p_key, p_decision, p_reason, p_at, p_summary, p_why, p_message, p_digest)
    ON CONFLICT (lane, key, subject, round, step) DO UPDATE
       SET outreach_id = excluded.outreach_id, decision = excluded.decision, reason = excluded.reason,
           decided_at = excluded.decided_at, summary = excluded.summary, why = excluded.why, message = excluded.message,
           cart_digest = excluded.cart_digest
     WHERE o.decision = 'silence';
    GET DIAGNOSTICS put = ROW_COUNT;
    IF put > 0 AND p_event_id IS NOT NULL THEN
        SELECT max(a.status) INTO told
          FROM cartwright.append_rows(ARRAY[p_event_id], ARRAY[p_key], ARRAY['outreach_released'], 'derived', ARRAY[p_at], p_at, ARRAY[p_event]) AS a;
    END IF;
    RETURN NEXT;
END $$;

-- ---- the shop's days ----

-- That of migration 31; the days that are there lie on this server, the events do not.
CREATE OR REPLACE FUNCTION cartwright.shop_days_fill(p_until int) RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_since  timestamptz := coalesce((SELECT to_timestamp(f.until_day * 86400.0) - interval '1 hour' FROM cartwright.shop_day_fill f), '-infinity');
    v_days   int[];
    v_first  timestamptz;
    v_end    timestamptz;
    v_day    int;
    v_adds   bigint;
    v_orders bigint;
    v_added  bigint := 0;
BEGIN
    SELECT array_agg(DISTINCT floor(extract(epoch FROM e.occurred_at) / 86400)::int) INTO v_days
      FROM cartwright.log_rows e
     WHERE e.received_at >= v_since AND e.type IN (4, 15) AND e.occurred_at < to_timestamp(p_until * 86400.0);
    SELECT array_agg(u.day), to_timestamp(min(u.day) * 86400.0), to_timestamp((max(u.day) + 1) * 86400.0) INTO v_days, v_first, v_end
      FROM unnest(v_days) AS u(day)
     WHERE NOT EXISTS (SELECT FROM cartwright.shop_day s WHERE s.day = u.day);
    FOR v_day, v_adds, v_orders IN
        SELECT floor(extract(epoch FROM e.occurred_at) / 86400)::int, count(*) FILTER (WHERE e.type = 4),
               count(*) FILTER (WHERE e.type = 15 AND cartwright.event_sent(e.id, e.key, e.type, e.occurred_at, e.body) #>> '{properties,kind}'
                                                      IS DISTINCT FROM 'renewal')
          FROM cartwright.log_rows e
         WHERE e.type IN (4, 15) AND e.occurred_at >= v_first AND e.occurred_at < v_end
         GROUP BY 1
    LOOP
        CONTINUE WHEN v_day <> ALL (v_days);
        INSERT INTO cartwright.shop_day (day, adds, orders) VALUES (v_day, v_adds, v_orders) ON CONFLICT (day) DO NOTHING;
        v_added := v_added + CASE WHEN FOUND THEN 1 ELSE 0 END;
    END LOOP;
    INSERT INTO cartwright.shop_day_fill (until_day) VALUES (p_until)
    ON CONFLICT (id) DO UPDATE SET until_day = greatest(shop_day_fill.until_day, excluded.until_day);
    RETURN v_added;
END $$;
