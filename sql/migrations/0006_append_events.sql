-- The intake for plain SQL: SELECT * FROM cartwright.append_events('[{...}, ...]').
-- Checks the envelope only; the fold decodes with the one C decoder and dead-letters what that refuses.
CREATE FUNCTION cartwright.time_or_null(value text) RETURNS timestamptz
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
BEGIN
    IF value !~ '^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$' THEN
        RETURN NULL;
    END IF;
    RETURN value::timestamptz;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

CREATE FUNCTION cartwright.event_fault(e jsonb, received timestamptz, OUT pointer text, OUT detail text)
    LANGUAGE sql STABLE
    AS $$
    SELECT p, d FROM (VALUES
        (1, '', 'must be an object', jsonb_typeof(e) IS DISTINCT FROM 'object'),
        (2, '/event_id', 'must be a string of 1 to 200 bytes',
            jsonb_typeof(e -> 'event_id') IS DISTINCT FROM 'string' OR octet_length(e ->> 'event_id') NOT BETWEEN 1 AND 200),
        (3, '/type', 'must be a string of 1 to 64 bytes',
            jsonb_typeof(e -> 'type') IS DISTINCT FROM 'string' OR octet_length(e ->> 'type') NOT BETWEEN 1 AND 64),
        (4, '/customer_id', 'must be a string of 1 to 200 bytes',
            e ? 'customer_id' AND (jsonb_typeof(e -> 'customer_id') <> 'string' OR octet_length(e ->> 'customer_id') NOT BETWEEN 1 AND 200)),
        (5, '/anonymous_id', 'must be a string of 1 to 200 bytes',
            e ? 'anonymous_id' AND (jsonb_typeof(e -> 'anonymous_id') <> 'string' OR octet_length(e ->> 'anonymous_id') NOT BETWEEN 1 AND 200)),
        (6, '/customer_id', 'is required where there is no anonymous_id',
            jsonb_typeof(e) = 'object' AND NOT e ? 'customer_id' AND NOT e ? 'anonymous_id'),
        (7, '/occurred_at', 'must be an RFC 3339 time',
            jsonb_typeof(e -> 'occurred_at') IS DISTINCT FROM 'string' OR cartwright.time_or_null(e ->> 'occurred_at') IS NULL),
        (8, '/occurred_at', 'must not be before 2000-01-01',
            cartwright.time_or_null(e ->> 'occurred_at') < '2000-01-01T00:00:00Z'),
        (9, '/occurred_at', 'must not be more than 24 hours ahead',
            cartwright.time_or_null(e ->> 'occurred_at') > received + interval '24 hours')
    ) AS fault(n, p, d, bad)
    WHERE bad ORDER BY n LIMIT 1 $$;

CREATE FUNCTION cartwright.append_events(p_events jsonb)
    RETURNS TABLE (index int, event_id text, status text, errors jsonb)
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_events jsonb := CASE WHEN jsonb_typeof(p_events) = 'array' THEN p_events ELSE jsonb_build_array(p_events) END;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS append_events_work (
        ord int, n int, id text, key text, type text, occurred timestamptz, body jsonb, pointer text, detail text) ON COMMIT DELETE ROWS;
    DELETE FROM append_events_work;
    INSERT INTO append_events_work
    SELECT u.o::int - 1, CASE WHEN f.detail IS NULL THEN row_number() OVER (PARTITION BY f.detail IS NULL ORDER BY u.o) - 1 END,
           u.e ->> 'event_id', CASE WHEN u.e ? 'customer_id' THEN 'c:' || (u.e ->> 'customer_id') ELSE 'a:' || (u.e ->> 'anonymous_id') END,
           u.e ->> 'type', least(cartwright.time_or_null(u.e ->> 'occurred_at'), v_now), u.e, f.pointer, f.detail
      FROM jsonb_array_elements(v_events) WITH ORDINALITY AS u(e, o)
      CROSS JOIN LATERAL cartwright.event_fault(u.e, v_now) AS f;
    RETURN QUERY
    SELECT w.ord, w.id, CASE WHEN w.detail IS NOT NULL THEN 'invalid' ELSE coalesce(a.status, 'stored') END,
           CASE WHEN w.detail IS NULL THEN '[]'::jsonb
                ELSE jsonb_build_array(jsonb_build_object('pointer', w.pointer, 'detail', w.detail)) END
      FROM append_events_work w
      LEFT JOIN (SELECT r.* FROM (SELECT array_agg(id ORDER BY n) AS ids, array_agg(x.key ORDER BY n) AS keys, array_agg(x.type ORDER BY n) AS types,
                                         array_agg(x.occurred ORDER BY n) AS times, array_agg(x.body ORDER BY n) AS bodies
                                    FROM append_events_work x WHERE x.detail IS NULL) g
                        CROSS JOIN LATERAL cartwright.append_rows(g.ids, g.keys, g.types, 'sql', g.times, v_now, g.bodies) r
                  WHERE g.ids IS NOT NULL) a ON a.ord = w.n
     ORDER BY w.ord;
END $$;
