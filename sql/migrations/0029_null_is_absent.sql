-- append_events of 0006, but for one thing: a member that is null is one that is not there, as the decoder has it. The body is stored as it was sent.
CREATE OR REPLACE FUNCTION cartwright.append_events(p_events jsonb)
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
     CROSS JOIN LATERAL cartwright.envelope(jsonb_strip_nulls(u.e), v_now) AS f;
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
