-- The append of 0001, but for one thing: an event that is there without opt_out and comes again with it is another event (conflict), not the same once more. The
-- hash leaves opt_out out, since intake adds it to what says STOP; a sender who says it later must not be told that all is well.
CREATE OR REPLACE FUNCTION cartwright.append_rows(
    p_id text[], p_key text[], p_type text[], p_origin text, p_occurred timestamptz[], p_received timestamptz, p_body jsonb[])
    RETURNS TABLE (ord int, status text)
    LANGUAGE plpgsql VOLATILE
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET lock_timeout = '2s' -- a producer that keeps its transaction open must not stall the others for ever
    AS $$
DECLARE
    v_lane   int[];
    v_off    bigint[];
    v_stored bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'events are appended in READ COMMITTED transactions only' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    SELECT array_agg(cartwright.lane_of(k) ORDER BY o) INTO v_lane FROM unnest(p_key) WITH ORDINALITY AS u(k, o);
    PERFORM 1 FROM cartwright.lane l WHERE l.lane = ANY (v_lane) ORDER BY l.lane FOR UPDATE;

    WITH head AS MATERIALIZED (
        SELECT n.lane, greatest(n.floor_off, (SELECT x.off FROM cartwright.event x
                                               WHERE x.lane = n.lane ORDER BY x.off DESC LIMIT 1)) AS base
          FROM cartwright.lane n WHERE n.lane = ANY (v_lane)
    ), numbered AS (
        SELECT u.lane, u.o, row_number() OVER (PARTITION BY u.lane ORDER BY u.o) AS nth
          FROM unnest(v_lane) WITH ORDINALITY AS u(lane, o)
    )
    SELECT array_agg(h.base + i.nth ORDER BY i.o) INTO v_off FROM numbered i JOIN head h ON h.lane = i.lane;

    INSERT INTO cartwright.event (lane, off, event_id, key, type, origin, occurred_at, received_at, body_hash, body)
    SELECT u.lane, u.off, u.id, u.key, u.type, p_origin, u.occurred, p_received, cartwright.body_hash(u.body), u.body
      FROM unnest(v_lane, v_off, p_id, p_key, p_type, p_occurred, p_body) AS u(lane, off, id, key, type, occurred, body)
     ORDER BY u.lane, u.off
    ON CONFLICT ON CONSTRAINT event_lane_event_id_key DO NOTHING;
    GET DIAGNOSTICS v_stored = ROW_COUNT;
    IF v_stored = cardinality(v_lane) THEN
        RETURN;
    END IF;

    -- What is there under the id now: this very element (its offset), the same event, or another one.
    RETURN QUERY
    SELECT u.o::int - 1, CASE WHEN e.body_hash = cartwright.body_hash(u.body)
                                   AND ((u.body -> 'opt_out') IS DISTINCT FROM 'true' OR (e.body -> 'opt_out') = 'true')
                              THEN 'duplicate' ELSE 'conflict' END
      FROM unnest(v_lane, v_off, p_id, p_body) WITH ORDINALITY AS u(lane, off, id, body, o)
     CROSS JOIN LATERAL (SELECT x.off, x.body_hash, x.body FROM cartwright.event x
                          WHERE x.lane = u.lane AND x.event_id = u.id LIMIT 1) AS e
     WHERE e.off <> u.off
     ORDER BY u.o;
END $$;
