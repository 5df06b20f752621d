-- Distributes by lane what grows, with Citus (src/http/docs/distribution.md). Run by `cartwright migrate` where database_distributed is on, and again, in one transaction with
-- the functions of this folder, whenever a migration or this folder has changed: what is distributed already stays as it is. An older log is carried over
-- first, since a distributed table takes no triggers.
DO $$
DECLARE
    v_table    text;
    v_column   text;
    v_function regprocedure;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_proc p WHERE p.proname = 'create_distributed_table') THEN
        RAISE EXCEPTION 'database_distributed needs Citus: this database has no create_distributed_table'
            USING HINT = 'CREATE EXTENSION citus, on every server of the cluster';
    END IF;
    IF to_regclass('cartwright.event_before') IS NOT NULL OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgname IN ('log_once', 'lane_trimmed')) THEN
        RAISE EXCEPTION 'a log of an older form is still being carried over: cartwright migrate with database_distributed=off comes first';
    END IF;
    -- One shard after the other within this transaction: constraints between tables that were made side by side are refused.
    PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', true);
    -- What refers to a table that is distributed must be distributed itself.
    IF NOT EXISTS (SELECT FROM pg_dist_partition d WHERE d.logicalrelid = 'cartwright.lane'::regclass) THEN
        ALTER TABLE cartwright.lane_cursor DROP CONSTRAINT lane_cursor_lane_fkey;
    END IF;
    FOR v_table, v_column IN
        VALUES ('lane', 'lane'), ('lane_cursor', 'lane'), ('log', 'lane'), ('derived_waiting', 'lane'), ('dead_letter', 'lane'), ('unknown_type', 'lane'),
               ('shopper', 'lane'), ('shopper_base', 'lane'), ('heavy_shopper', 'lane'), ('heavy_event', 'lane'), ('heavy_checkpoint', 'lane'),
               ('stale_shopper', 'lane'), ('handing_over', 'lane'), ('refolding', 'lane'), ('refolding_fact', 'lane'), ('refolding_name', 'lane'),
               ('cart', 'lane'), ('cart_party', 'lane'), ('outreach', 'lane'), ('cart_lane', 'cart_id')
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_dist_partition d WHERE d.logicalrelid = ('cartwright.' || v_table)::regclass);
        PERFORM create_distributed_table(('cartwright.' || v_table)::regclass, v_column,
                                         colocate_with => CASE WHEN v_table IN ('lane', 'cart_lane') THEN 'none' ELSE 'cartwright.lane' END);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = 'lane_cursor_lane_fkey' AND c.conrelid = 'cartwright.lane_cursor'::regclass) THEN
        ALTER TABLE cartwright.lane_cursor ADD CONSTRAINT lane_cursor_lane_fkey FOREIGN KEY (lane) REFERENCES cartwright.lane (lane);
    END IF;
    -- What statements that run where a lane lies, and their indexes, call there. None of these reads a table.
    FOR v_function IN
        SELECT p.oid::regprocedure FROM pg_proc p
         WHERE p.pronamespace = 'cartwright'::regnamespace
           AND p.proname IN ('lane_of', 'id_pack', 'id_unpack', 'id_slot', 'type_name', 'type_code', 'event_expand', 'text_sent', 'text_short', 'event_sent', 'event_cart',
                             'event_name', 'event_about', 'body_same', 'append_lost')
         ORDER BY p.oid
    LOOP
        PERFORM create_distributed_function(v_function);
    END LOOP;
END $$;
