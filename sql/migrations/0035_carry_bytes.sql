-- A page of a log of before is no longer than so many bytes either, whatever its events are: whoever carries it has all of it in memory, as sent and packed.
DROP FUNCTION cartwright.carry_page(int, bigint, int);

-- At most p_count events of the lane from behind p_after on; the one that goes beyond p_bytes bytes of text is the last.
CREATE FUNCTION cartwright.carry_page(p_lane int, p_after bigint, p_count bigint, p_bytes bigint)
    RETURNS TABLE (off bigint, event_id text, key text, type text, origin text, occurred_at timestamptz, received_at timestamptz, body text)
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    v_bytes bigint := 0;
BEGIN
    IF to_regclass('cartwright.event_before') IS NULL THEN
        RETURN;
    END IF;
    FOR off, event_id, key, type, origin, occurred_at, received_at, body IN
        SELECT b.off, b.event_id, b.key, b.type, b.origin, b.occurred_at, b.received_at, b.body::text
          FROM cartwright.event_before b WHERE b.lane = p_lane AND b.off > p_after ORDER BY b.off LIMIT p_count
    LOOP
        RETURN NEXT;
        v_bytes := v_bytes + octet_length(body);
        EXIT WHEN v_bytes > p_bytes;
    END LOOP;
END $$;
