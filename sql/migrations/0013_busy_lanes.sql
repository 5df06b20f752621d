-- One transaction that stands still must cost the events of its own lanes only, and must not stand still for ever.

-- append_rows for writers that serve many lanes: appends all of the rows, or none where another transaction holds a lane. Then there
-- is a row for each such lane (its number, 'busy'), and the caller sends the others again without it. p_lanes: the lanes of the keys.
-- The locks are waited for a moment and in order, so that those who only write as well take turns; a held lane is told
-- from one that was in line behind it by looking at each without waiting.
CREATE FUNCTION cartwright.append_if_free(
    p_lanes int[], p_id text[], p_key text[], p_type text[], p_origin text, p_occurred timestamptz[], p_received timestamptz, p_body jsonb[])
    RETURNS TABLE (ord int, status text)
    LANGUAGE plpgsql VOLATILE
    SET lock_timeout = '25ms'
    AS $$
DECLARE
    v_free int[];
BEGIN
    BEGIN
        PERFORM 1 FROM cartwright.lane l WHERE l.lane = ANY (p_lanes) ORDER BY l.lane FOR UPDATE;
    EXCEPTION WHEN lock_not_available THEN
        v_free := ARRAY(SELECT l.lane FROM cartwright.lane l WHERE l.lane = ANY (p_lanes) ORDER BY l.lane FOR UPDATE SKIP LOCKED);
        IF NOT p_lanes <@ v_free THEN
            RETURN QUERY SELECT w.lane, 'busy' FROM unnest(p_lanes) AS w(lane) WHERE w.lane <> ALL (v_free) ORDER BY w.lane;
            RETURN;
        END IF;
    END;
    RETURN QUERY SELECT r.ord, r.status
                   FROM cartwright.append_rows(p_id, p_key, p_type, p_origin, p_occurred, p_received, p_body) AS r;
END $$;

-- For sessions that are not ours to set: behind a pooler, and of whoever else uses the role (psql, a program that appends by SQL). A
-- transaction that is left open ends after a minute and gives its locks back; a lock is not waited for longer than a request would.
DO $$
BEGIN
    EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET lock_timeout = ''10s''', current_database());
    EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET idle_in_transaction_session_timeout = ''1min''', current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'the role may not set its own timeouts';
END $$;
