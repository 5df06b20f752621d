-- The intake for plain SQL: SELECT * FROM cartwright.append_events('[{...}, ...]').
-- Checks the envelope only; the fold decodes with the one C decoder and dead-letters what that refuses.

-- An RFC 3339 time, or NULL for what is none. No exception is caught (each would cost a subtransaction): what a cast would
-- refuse is refused before it. A leap second is the next second; fractions are cut to microseconds.
CREATE FUNCTION cartwright.time_or_null(value text) RETURNS timestamptz
    LANGUAGE plpgsql STABLE PARALLEL SAFE STRICT
    AS $$
DECLARE
    v_leap  boolean;
    v_local timestamp;
BEGIN
    IF value !~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$'
       OR left(value, 4) = '0000' THEN
        RETURN NULL;
    END IF;
    IF substr(value, 9, 2) > '28'
       AND substr(value, 9, 2)::int > extract(day FROM (left(value, 7) || '-01')::date + interval '1 month' - interval '1 day') THEN
        RETURN NULL;
    END IF;
    v_leap := substr(value, 18, 2) = '60';
    v_local := left(value, 10) || ' ' || substr(value, 12, 6) || CASE WHEN v_leap THEN '59' ELSE substr(value, 18, 2) END
               || coalesce(substring(value FROM '\.[0-9]{1,6}'), '');
    IF v_leap THEN
        v_local := v_local + interval '1 second';
    END IF;
    IF right(value, 1) NOT IN ('Z', 'z') THEN
        v_local := v_local - right(value, 6)::interval;
    END IF;
    RETURN v_local AT TIME ZONE 'UTC';
END $$;

-- What is wrong with a member that must be a text of 1 to p_bytes bytes; NULL for nothing.
CREATE FUNCTION cartwright.text_fault(value jsonb, p_bytes int) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN jsonb_typeof(value) IS DISTINCT FROM 'string' OR octet_length(value #>> '{}') NOT BETWEEN 1 AND p_bytes
                THEN 'must be a string of 1 to ' || p_bytes || ' bytes'
                WHEN (value #>> '{}') ~ '[\x01-\x1f\x7f]' THEN 'must not contain control characters' END $$;

-- The envelope of one event: what append_rows wants to know, or the first fault (detail NULL: none).
CREATE FUNCTION cartwright.envelope(e jsonb, p_received timestamptz, OUT id text, OUT key text, OUT type text, OUT occurred timestamptz,
                                    OUT pointer text, OUT detail text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
BEGIN
    pointer := '';
    IF jsonb_typeof(e) IS DISTINCT FROM 'object' THEN
        detail := 'must be an object';
        RETURN;
    END IF;
    IF octet_length(e::text) > 1048576 THEN
        detail := 'must have at most 1048576 bytes';
        RETURN;
    END IF;
    pointer := '/event_id';
    detail := cartwright.text_fault(e -> 'event_id', 200);
    IF detail IS NOT NULL THEN RETURN; END IF;
    id := e ->> 'event_id';
    IF starts_with(id, 'cartwright:') THEN -- the ids of derived events can be foretold: nobody else may take one first
        detail := 'must not begin with cartwright:';
        RETURN;
    END IF;
    pointer := '/type';
    detail := cartwright.text_fault(e -> 'type', 64);
    IF detail IS NOT NULL THEN RETURN; END IF;
    IF e ->> 'type' IN ('shopper_bound', 'binding_set', 'forwarded', 'outreach_released') THEN
        detail := 'is written by Cartwright itself';
        RETURN;
    END IF;
    pointer := '/customer_id';
    IF e ? 'customer_id' THEN
        detail := cartwright.text_fault(e -> 'customer_id', 200);
    ELSIF NOT e ? 'anonymous_id' THEN
        detail := 'is required where there is no anonymous_id';
    END IF;
    IF detail IS NOT NULL THEN RETURN; END IF;
    IF e ? 'anonymous_id' THEN
        pointer := '/anonymous_id';
        detail := cartwright.text_fault(e -> 'anonymous_id', 200);
        IF detail IS NOT NULL THEN RETURN; END IF;
    END IF;
    pointer := '/occurred_at';
    occurred := CASE WHEN jsonb_typeof(e -> 'occurred_at') = 'string' THEN cartwright.time_or_null(e ->> 'occurred_at') END;
    IF occurred IS NULL THEN
        detail := 'must be an RFC 3339 time';
    ELSIF occurred < '2000-01-01 00:00:00+00' THEN
        detail := 'must not be before 2000-01-01';
    ELSIF occurred > p_received + interval '24 hours' THEN
        detail := 'must not be more than 24 hours ahead';
    END IF;
    occurred := least(occurred, p_received);
    type := e ->> 'type';
    key := CASE WHEN e ? 'customer_id' THEN 'c:' || (e ->> 'customer_id') ELSE 'a:' || (e ->> 'anonymous_id') END;
END $$;

-- One event or an array of them; one row each, in order. A bad event is reported and stops no other.
CREATE FUNCTION cartwright.append_events(p_events jsonb)
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
      FROM jsonb_array_elements(v_events) WITH ORDINALITY AS u(e, o)
     CROSS JOIN LATERAL cartwright.envelope(u.e, v_now) AS f;
    IF v_good IS NOT NULL THEN
        SELECT array_agg(v_good[r.ord + 1] ORDER BY r.ord), array_agg(r.status ORDER BY r.ord) INTO v_other, v_why
          FROM cartwright.append_rows(v_good_id, v_key, v_type, 'sql', v_time, v_now, v_body) AS r;
    END IF;
    RETURN QUERY
    SELECT u.o::int - 1, u.id, CASE WHEN u.fault IS NOT NULL THEN 'invalid' ELSE coalesce(n.why, 'stored') END,
           CASE WHEN u.fault IS NOT NULL THEN jsonb_build_array(u.fault)
                WHEN n.why = 'conflict'
                THEN '[{"pointer": "/event_id", "detail": "an event with this id and another body is stored already"}]'::jsonb
                ELSE '[]'::jsonb END
      FROM unnest(v_ids, v_faults) WITH ORDINALITY AS u(id, fault, o)
      LEFT JOIN unnest(v_other, v_why) AS n(ord, why) ON n.ord = u.o - 1
     ORDER BY u.o;
END $$;
