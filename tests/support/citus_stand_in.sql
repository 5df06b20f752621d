-- What Citus has that Cartwright calls, on a single PostgreSQL: a distributed table is a table in four partitions, by ranges of the lane or by a hash of
-- another column. The partitions lie in a schema of their own. What Citus refuses of a table is refused; what it refuses of a statement is not (tests/lint/shapes.sh).
CREATE SCHEMA shards;
CREATE TABLE public.pg_dist_partition (logicalrelid regclass PRIMARY KEY, partkey name NOT NULL, colocated_with text NOT NULL);

CREATE FUNCTION public.create_distributed_table(
    table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash', colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    AS $$
DECLARE
    v_name    text := (SELECT c.relname FROM pg_class c WHERE c.oid = table_name);
    v_full    text := table_name::text;
    v_old     text := 'shards.' || v_name;
    v_by_lane boolean := distribution_column = 'lane';
    v_make    text[]; -- constraints and indexes, as they were
    v_views   text[];
    v_text    text;
BEGIN
    IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = table_name AND NOT t.tgisinternal) THEN
        RAISE EXCEPTION 'triggers are not supported on distributed tables';
    END IF;
    IF EXISTS (SELECT FROM pg_constraint c WHERE c.contype = 'f' AND table_name IN (c.conrelid, c.confrelid)
                                             AND NOT EXISTS (SELECT FROM pg_dist_partition d WHERE d.logicalrelid IN (c.conrelid, c.confrelid))) THEN
        RAISE EXCEPTION 'a foreign key between % and a table that is not distributed', v_full;
    END IF;
    IF EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = distribution_column
                WHERE i.indrelid = table_name AND i.indisunique AND a.attnum <> ALL (i.indkey)) THEN
        RAISE EXCEPTION 'a unique index of % that lacks its distribution column %', v_full, distribution_column;
    END IF;
    SELECT array_agg(m.make ORDER BY m.oid) INTO v_make
      FROM (SELECT c.oid, format('ALTER TABLE %s ADD CONSTRAINT %I %s', v_full, c.conname, pg_get_constraintdef(c.oid)) AS make
              FROM pg_constraint c WHERE c.conrelid = table_name AND c.contype IN ('p', 'u')
             UNION ALL
            SELECT i.indexrelid, pg_get_indexdef(i.indexrelid)
              FROM pg_index i
             WHERE i.indrelid = table_name AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'))) AS m;
    SELECT array_agg(DISTINCT format('CREATE OR REPLACE VIEW %s AS %s', r.ev_class::regclass, pg_get_viewdef(r.ev_class))) INTO v_views
      FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
     WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = table_name;

    EXECUTE format('ALTER TABLE %s SET SCHEMA shards', v_full);
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES) PARTITION BY %s', v_full, v_old,
                   CASE WHEN v_by_lane THEN 'RANGE (lane)' ELSE format('HASH (%I)', distribution_column) END);
    FOR i IN 0 .. 3 LOOP
        EXECUTE format('CREATE TABLE shards.%I PARTITION OF %s FOR VALUES %s', v_name || '_' || i, v_full,
                       CASE WHEN v_by_lane THEN format('FROM (%s) TO (%s)', i * 64, (i + 1) * 64) ELSE format('WITH (MODULUS 4, REMAINDER %s)', i) END);
    END LOOP;
    EXECUTE format('INSERT INTO %s SELECT * FROM %s', v_full, v_old);
    FOREACH v_text IN ARRAY coalesce(v_views, '{}') LOOP
        EXECUTE v_text;
    END LOOP;
    EXECUTE format('DROP TABLE %s', v_old);
    FOREACH v_text IN ARRAY v_make LOOP
        EXECUTE v_text;
    END LOOP;
    INSERT INTO public.pg_dist_partition VALUES (v_full::regclass, distribution_column, colocate_with);
END $$;

CREATE FUNCTION public.create_distributed_function(
    function_name regprocedure, distribution_arg_name text DEFAULT NULL, colocate_with text DEFAULT 'default', force_delegation boolean DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    AS $$
BEGIN
    -- Where a lane lies there is nothing else to be read.
    IF EXISTS (SELECT FROM pg_proc p WHERE p.oid = function_name AND p.prosrc ~ 'cartwright\.(log|lane|shopper|cart|event_before|outreach|stale_shopper|derived_waiting)\M[^(]') THEN
        RAISE EXCEPTION '% reads a table', function_name;
    END IF;
END $$;
