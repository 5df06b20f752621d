-- What a retry may say anew: the moment of sending, and what intake adds to the body. Neither makes it another event. Rows of before have none of
-- these members, so their hashes stay.
CREATE OR REPLACE FUNCTION cartwright.body_hash(body jsonb) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE STRICT
    AS $$ SELECT sha256(convert_to((body - '{received_at,sent_at,opt_out}'::text[])::text, 'UTF8')) $$;

-- The form of the envelope with sent_at: where the sender's clock showed at most ten minutes more or less than ours as it sent, the difference is
-- taken off, once, as the event first comes in (event_decode_sent in src/domain/shop/event.h does the same for the API).
ALTER FUNCTION cartwright.envelope_form(jsonb, timestamptz) RENAME TO envelope_untimed;
CREATE FUNCTION cartwright.envelope_form(e jsonb, p_received timestamptz, OUT id text, OUT key text, OUT type text, OUT occurred timestamptz,
                                         OUT pointer text, OUT detail text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    v_sent timestamptz := CASE WHEN jsonb_typeof(e -> 'sent_at') = 'string' THEN cartwright.time_or_null(e ->> 'sent_at') END;
    v_at   timestamptz := CASE WHEN jsonb_typeof(e -> 'occurred_at') = 'string' THEN cartwright.time_or_null(e ->> 'occurred_at') END;
    v_skew interval := CASE WHEN v_sent BETWEEN p_received - interval '10 minutes' AND p_received + interval '10 minutes'
                            THEN p_received - v_sent ELSE interval '0' END;
BEGIN
    -- By the sender's clock: what lies 24 hours ahead of it lies 24 hours ahead.
    SELECT f.id, f.key, f.type, f.occurred, f.pointer, f.detail INTO id, key, type, occurred, pointer, detail
      FROM cartwright.envelope_untimed(e, p_received - v_skew) AS f;
    IF detail IS NOT NULL THEN
        RETURN;
    END IF;
    IF jsonb_typeof(e) = 'object' AND e ? 'sent_at' AND v_sent IS NULL THEN
        pointer := '/sent_at';
        detail := 'must be an RFC 3339 time';
    END IF;
    occurred := least(v_at + v_skew, p_received);
END $$;
