-- One shopper's events behind an offset, the first p_most of them (NULL: all), in order. Whoever reads what came since reads it here: of a key that a large part of the log is of,
-- a plan that expects many rows and needs a few of them would rather walk the log, or a lane of it, and it may find none. So the order is that of log_key, which no other index has, and
-- the hash is compared as a range, or it would be a constant to the planner and no part of the order. A function of SQL that is inlined: not STRICT, no SET.
CREATE FUNCTION cartwright.events_since(p_lane int, p_key text, p_since bigint, p_most bigint)
    RETURNS TABLE (off bigint, id bytea, type smallint, origin "char", occurred_at timestamptz, received_at timestamptz, body text)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT x.off, x.id, x.type, x.origin, x.occurred_at, x.received_at, x.body
      FROM cartwright.log_rows x
     WHERE x.lane = p_lane AND x.key = p_key AND hashtext(x.key) BETWEEN hashtext(p_key) AND hashtext(p_key)
       AND (hashtext(x.key), x.off) > (hashtext(p_key), p_since)
     ORDER BY hashtext(x.key), x.off
     LIMIT p_most
$$;
