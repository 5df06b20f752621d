-- What one shopper, or one event of plain SQL, may cost the others.

-- The events of a lane at these offsets, in that order, until they have more than p_bytes bytes of text: then the last is the one that went beyond.
-- Reads no further than that, which no plain query can: the size of a jsonb is known only once it is unpacked. STABLE: of the caller's snapshot.
CREATE FUNCTION cartwright.events_within(p_lane int, p_offs bigint[], p_bytes bigint) RETURNS SETOF cartwright.event
    LANGUAGE plpgsql STABLE STRICT ROWS 100
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    AS $$
DECLARE
    r       cartwright.event;
    v_bytes bigint := 0;
BEGIN
    FOR r IN SELECT e.*
               FROM unnest(p_offs) AS u(off)
              CROSS JOIN LATERAL (SELECT x.* FROM cartwright.event x WHERE x.lane = p_lane AND x.off = u.off LIMIT 1) AS e
    LOOP
        RETURN NEXT r;
        v_bytes := v_bytes + octet_length(r.body::text);
        EXIT WHEN v_bytes > p_bytes;
    END LOOP;
END $$;

-- What makes an event too large to be looked at; NULL: nothing. Judged before it is written out as text: a number of ten bytes may be 100,000 digits,
-- and what is stored in five bytes has at least one as text. Nothing is looked at below the deepest level that may be.
CREATE FUNCTION cartwright.size_fault(e jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    v_absurd boolean;
    v_digits bigint;
BEGIN
    IF pg_column_size(e) > 5 * 1048576 THEN
        RETURN 'must have at most 1048576 bytes';
    END IF;
    IF jsonb_path_exists(e, 'strict $.**{16} ? (@.type() == "object" || @.type() == "array")') THEN
        RETURN 'must not be nested deeper than 16 levels';
    END IF;
    SELECT bool_or(n.absurd), sum(CASE WHEN n.absurd THEN 0 ELSE octet_length(n.v::text) END)
      INTO v_absurd, v_digits
      FROM (SELECT q.v::numeric AS v, scale(q.v::numeric) > 400 OR abs(q.v::numeric) >= 1e400 AS absurd
              FROM jsonb_path_query(e, 'strict $.** ? (@.type() == "number")') AS q(v)) AS n;
    IF v_absurd THEN
        RETURN 'must not hold a number of more than 400 digits';
    END IF;
    RETURN CASE WHEN v_digits > 1048576 THEN 'must have at most 1048576 bytes' END;
END $$;

-- The envelope as before, behind its size, and then what an index holds of the body: a row of one has room for some 2,700 bytes.
ALTER FUNCTION cartwright.envelope(jsonb, timestamptz) RENAME TO envelope_of_any_size;
CREATE FUNCTION cartwright.envelope(e jsonb, p_received timestamptz, OUT id text, OUT key text, OUT type text, OUT occurred timestamptz,
                                    OUT pointer text, OUT detail text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    v record;
BEGIN
    pointer := '';
    detail := cartwright.size_fault(e);
    IF detail IS NOT NULL THEN
        RETURN;
    END IF;
    v := cartwright.envelope_of_any_size(e, p_received);
    id := v.id; key := v.key; type := v.type; occurred := v.occurred; pointer := v.pointer; detail := v.detail;
    IF detail IS NULL THEN
        pointer := CASE WHEN octet_length(e ->> 'cart_id') > 200 THEN '/cart_id' WHEN octet_length(e ->> 'via') > 200 THEN '/via' END;
        detail := CASE WHEN pointer IS NOT NULL THEN 'must be a string of 1 to 200 bytes' END;
    END IF;
END $$;
