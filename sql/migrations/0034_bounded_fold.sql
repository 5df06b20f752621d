-- What one batch of the fold may take: so many bytes, and of what changes hands so many events.

-- Anonymous shoppers that turned out to be somebody's, and had done more before than a batch passes on at once. Their events go to whom they belong a page
-- at a time, each in a transaction of its own, so that the lanes they go into are held for a page and no longer. Until the row goes, what those were told
-- is not all, and whoever asks about them is told so (joins_pending, cart_pending); nothing of it is removed by retention. Only the
-- folder that holds the lane's cursor writes here (and, when its turn was, who is about to).
CREATE TABLE cartwright.handing_over (
    lane      int NOT NULL,
    key       text COLLATE "C" NOT NULL,
    done_off  bigint NOT NULL CHECK (done_off >= 0),  -- what lies up to here is passed on,
    last_off  bigint NOT NULL,                        -- up to here it is to be (what came later was as it came),
    from_at   timestamptz NOT NULL,                   -- if it occurred then or later
    again_at  timestamptz,                            -- hands changed once more meanwhile: then all from this time on goes again
    since     timestamptz NOT NULL,
    due_at    timestamptz NOT NULL,                   -- when all of it will be, as far as can be told
    turned_at timestamptz NOT NULL,                   -- its last turn
    PRIMARY KEY (lane, key)
);

-- Of the lanes p_lanes the events behind p_offs, in parallel and in the order in which they come first: at most p_rows of each, and of all together no
-- more than p_bytes bytes as they lie there, but for one event that is larger by itself. Of what is left of them each lane gets an equal share, and at least one
-- event, so that lanes of large events hold up nobody. Reads hardly further than that, which no plain query can (events_within).
CREATE FUNCTION cartwright.events_after(p_lanes int[], p_offs bigint[], p_rows bigint, p_bytes bigint)
    RETURNS TABLE (lane int, off bigint, id bytea, key text, type smallint, origin "char", occurred_at timestamptz, received_at timestamptz, body text)
    LANGUAGE plpgsql STABLE STRICT ROWS 1000
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    AS $$
DECLARE
    v_left  bigint := p_bytes;
    v_share bigint;
    v_bytes bigint;
    v_any   boolean := false; -- of all
    v_first boolean;          -- of the lane
BEGIN
    FOR i IN 1 .. coalesce(cardinality(p_lanes), 0) LOOP
        v_share := v_left / (cardinality(p_lanes) - i + 1);
        v_first := true;
        FOR lane, off, id, key, type, origin, occurred_at, received_at, body IN
            SELECT x.lane, x.off, x.id, x.key, x.type, x.origin, x.occurred_at, x.received_at, x.body FROM cartwright.log_rows x
             WHERE x.lane = p_lanes[i] AND x.off > p_offs[i] ORDER BY x.off LIMIT p_rows
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
