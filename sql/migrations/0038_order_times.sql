-- The form of the envelope, with what event_decode (src/domain/shop/event.h) says of time since: a clock that was behind ours as it sent (or a body
-- that is sent again, which looks the same) moves only what ends a cart, a purchase and a consent_withdrawn; one that was ahead moves everything, as
-- before. A purchase, and what undoes one, without a fraction of a second was at the end of its second, of its day where it tells midnight.
CREATE OR REPLACE FUNCTION cartwright.envelope_form(e jsonb, p_received timestamptz, OUT id text, OUT key text, OUT type text,
                                                    OUT occurred timestamptz, OUT pointer text, OUT detail text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    v_sent timestamptz := CASE WHEN jsonb_typeof(e -> 'sent_at') = 'string' THEN cartwright.time_or_null(e ->> 'sent_at') END;
    v_at   timestamptz := CASE WHEN jsonb_typeof(e -> 'occurred_at') = 'string' THEN cartwright.time_or_null(e ->> 'occurred_at') END;
    v_ends boolean := coalesce(e ->> 'type' IN ('purchase', 'consent_withdrawn'), false);
    v_skew interval := CASE WHEN v_sent BETWEEN p_received AND p_received + interval '10 minutes'
                              OR (v_ends AND v_sent BETWEEN p_received - interval '10 minutes' AND p_received)
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
    IF type IN ('purchase', 'order_cancelled', 'refund') AND strpos(e ->> 'occurred_at', '.') = 0 THEN
        v_at := v_at + CASE WHEN substr(e ->> 'occurred_at', 12, 8) = '00:00:00' THEN interval '24 hours' ELSE interval '1 second' END
                     - interval '1 microsecond';
    END IF;
    occurred := least(v_at + v_skew, p_received);
END $$;
