-- The event log in lanes. A lane's rows become visible in offset order: an append holds its lane rows FOR UPDATE
-- until commit and takes the next offsets from the primary key, so a cursor `off > last` never skips a late commit.
-- Ids and keys compare by bytes (COLLATE "C"): the same order in every database, in C, and in every index.
CREATE TABLE cartwright.lane (
    lane      int PRIMARY KEY CHECK (lane BETWEEN 0 AND 255),
    floor_off bigint NOT NULL DEFAULT 0 CHECK (floor_off >= 0)  -- set by retention: offsets never restart below it
) WITH (fillfactor = 50);
INSERT INTO cartwright.lane (lane) SELECT generate_series(0, 255);

CREATE TABLE cartwright.event (
    lane        int NOT NULL,
    off         bigint NOT NULL CHECK (off > 0),
    event_id    text COLLATE "C" NOT NULL CHECK (octet_length(event_id) BETWEEN 1 AND 200),
    key         text COLLATE "C" NOT NULL,     -- 'c:' || customer_id, else 'a:' || anonymous_id
    type        text NOT NULL,
    origin      text NOT NULL CHECK (origin IN ('api', 'sql', 'import', 'derived')),
    occurred_at timestamptz NOT NULL,          -- clamped to received_at where it lay up to 24 h ahead; body keeps the sender's
    received_at timestamptz NOT NULL,
    body_hash   bytea NOT NULL,                -- cartwright.body_hash(body): tells a retry from another event with the same id
    body        jsonb NOT NULL,                -- as sent
    PRIMARY KEY (lane, off),
    UNIQUE (lane, event_id)
);
-- One shopper's events, to fold a shopper again when an event arrives out of order, and to see what no cart has seen yet.
CREATE INDEX event_key ON cartwright.event (lane, key, off);

CREATE TABLE cartwright.lane_cursor (
    lane        int NOT NULL REFERENCES cartwright.lane,
    consumer    text NOT NULL,
    off         bigint NOT NULL DEFAULT 0,
    epoch       bigint NOT NULL DEFAULT 0,                  -- grows whenever the lane changes hands
    owner       text,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (lane, consumer)
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
INSERT INTO cartwright.lane_cursor (lane, consumer) SELECT lane, 'fold' FROM cartwright.lane;

-- Who consumes, or would like to: how many share the lanes is how many owners were seen of late.
CREATE TABLE cartwright.lane_owner (
    consumer   text NOT NULL,
    owner      text NOT NULL,
    seen_until timestamptz NOT NULL,
    PRIMARY KEY (consumer, owner)
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

-- Events the one decoder refuses (only plain SQL producers can store such). Counted; never block their lane.
CREATE TABLE cartwright.dead_letter (
    lane     int NOT NULL,
    off      bigint NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    pointer  text NOT NULL,
    detail   text NOT NULL,
    body     jsonb NOT NULL,
    dead_at  timestamptz NOT NULL,
    PRIMARY KEY (lane, off)
);

-- Types nobody knows are kept in the log and counted here, exactly once each, by the fold.
CREATE TABLE cartwright.unknown_type (
    lane    int NOT NULL,
    type    text NOT NULL,
    events  bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (lane, type)
);

-- Both STABLE because convert_to is: declared IMMUTABLE they would not be inlined, and cost ten times as much.
CREATE FUNCTION cartwright.lane_of(key text) RETURNS int
    LANGUAGE sql STABLE PARALLEL SAFE STRICT
    AS $$ SELECT get_byte(sha256(convert_to(key, 'UTF8')), 0) $$;

CREATE FUNCTION cartwright.body_hash(body jsonb) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE STRICT
    AS $$ SELECT sha256(convert_to((body - 'received_at')::text, 'UTF8')) $$;

-- The one append. Arrays run in parallel, element i is event i. Returns a row only for what was NOT stored:
-- duplicate = same id and same body are there; conflict = same id, other body. Locks the lanes in ascending order until
-- commit. Each statement below has a snapshot of its own, so those after the lock see what the previous holder committed:
-- that is why one CTE would be wrong, and READ COMMITTED is a must.
-- The planner is held to index scans: its plans are kept for the session and were perhaps made when the log was empty.
CREATE FUNCTION cartwright.append_rows(
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
    SELECT u.o::int - 1, CASE WHEN e.body_hash = cartwright.body_hash(u.body) THEN 'duplicate' ELSE 'conflict' END
      FROM unnest(v_lane, v_off, p_id, p_body) WITH ORDINALITY AS u(lane, off, id, body, o)
     CROSS JOIN LATERAL (SELECT x.off, x.body_hash FROM cartwright.event x
                          WHERE x.lane = u.lane AND x.event_id = u.id LIMIT 1) AS e
     WHERE e.off <> u.off
     ORDER BY u.o;
END $$;
