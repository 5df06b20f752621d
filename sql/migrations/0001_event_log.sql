-- The event log in lanes. A lane's rows become visible in offset order: an append holds its lane rows FOR UPDATE
-- until commit and takes the next offsets from the primary key, so a cursor `off > last` never skips a late commit.
CREATE TABLE cartwright.lane (
    lane      int PRIMARY KEY CHECK (lane BETWEEN 0 AND 255),
    floor_off bigint NOT NULL DEFAULT 0 CHECK (floor_off >= 0)  -- set by retention: offsets never restart below it
) WITH (fillfactor = 50);
INSERT INTO cartwright.lane (lane) SELECT generate_series(0, 255);

CREATE TABLE cartwright.event (
    lane        int NOT NULL,
    off         bigint NOT NULL CHECK (off > 0),
    event_id    text NOT NULL CHECK (octet_length(event_id) BETWEEN 1 AND 200),
    key         text NOT NULL,                 -- 'c:' || customer_id, else 'a:' || anonymous_id
    type        text NOT NULL,
    origin      text NOT NULL CHECK (origin IN ('api', 'sql', 'import', 'derived')),
    occurred_at timestamptz NOT NULL,          -- clamped to received_at where it lay up to 24 h ahead; body keeps the sender's
    received_at timestamptz NOT NULL,
    body_hash   bytea NOT NULL,                -- SHA-256 of body::text
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
    epoch       bigint NOT NULL DEFAULT 0,
    owner       text,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (lane, consumer)
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
INSERT INTO cartwright.lane_cursor (lane, consumer) SELECT lane, 'fold' FROM cartwright.lane;

-- Events the one decoder refuses (only plain SQL producers can store such). Counted; never block their lane.
CREATE TABLE cartwright.dead_letter (
    lane     int NOT NULL,
    off      bigint NOT NULL,
    event_id text NOT NULL,
    key      text NOT NULL,
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

CREATE FUNCTION cartwright.lane_of(key text) RETURNS int
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT get_byte(sha256(convert_to(key, 'UTF8')), 0) $$;

-- The one append. Arrays run in parallel, element i is event i. Returns a row only for what was NOT stored:
-- duplicate = same id and same body are there; conflict = same id, other body. READ COMMITTED; locks the lanes in
-- ascending order until commit; the INSERT is a later statement, so it sees what the previous holder committed.
CREATE FUNCTION cartwright.append_rows(
    p_id text[], p_key text[], p_type text[], p_origin text, p_occurred timestamptz[], p_received timestamptz, p_body jsonb[])
    RETURNS TABLE (ord int, status text)
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_lane int[];
BEGIN
    SELECT array_agg(cartwright.lane_of(k) ORDER BY o) INTO v_lane FROM unnest(p_key) WITH ORDINALITY AS u(k, o);
    PERFORM 1 FROM cartwright.lane l WHERE l.lane = ANY (v_lane) ORDER BY l.lane FOR UPDATE;
    RETURN QUERY
    WITH head AS MATERIALIZED (
        SELECT n.lane, greatest(n.floor_off, (SELECT x.off FROM cartwright.event x
                                               WHERE x.lane = n.lane ORDER BY x.off DESC LIMIT 1)) AS base
          FROM cartwright.lane n WHERE n.lane = ANY (v_lane)
    ), incoming AS MATERIALIZED (
        SELECT u.o::int - 1 AS o, u.lane, u.id, u.key, u.type, u.occurred, u.body,
               sha256(convert_to(u.body::text, 'UTF8')) AS hash,
               h.base + row_number() OVER (PARTITION BY u.lane ORDER BY u.o) AS off
          FROM unnest(v_lane, p_id, p_key, p_type, p_occurred, p_body) WITH ORDINALITY
               AS u(lane, id, key, type, occurred, body, o)
          JOIN head h ON h.lane = u.lane
    ), stored AS (
        INSERT INTO cartwright.event (lane, off, event_id, key, type, origin, occurred_at, received_at, body_hash, body)
        SELECT i.lane, i.off, i.id, i.key, i.type, p_origin, i.occurred, p_received, i.hash, i.body
          FROM incoming i ORDER BY i.o
        ON CONFLICT ON CONSTRAINT event_lane_event_id_key DO NOTHING
        RETURNING event.lane, event.off
    )
    SELECT i.o, CASE WHEN coalesce(e.body_hash, first.hash) = i.hash THEN 'duplicate' ELSE 'conflict' END
      FROM incoming i
      LEFT JOIN stored s ON s.lane = i.lane AND s.off = i.off
      LEFT JOIN cartwright.event e ON s.off IS NULL AND e.lane = i.lane AND e.event_id = i.id
      LEFT JOIN LATERAL (SELECT f.hash FROM incoming f WHERE s.off IS NULL AND f.lane = i.lane AND f.id = i.id
                          ORDER BY f.o LIMIT 1) first ON true
     WHERE s.off IS NULL
     ORDER BY i.o;
END $$;
