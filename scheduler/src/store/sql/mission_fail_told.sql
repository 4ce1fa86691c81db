-- After the CTEs of mission_fail: what failed for good, and what its agents told of it.
-- $12.. one array a column, one row a result that has a memory
ended AS (
    SELECT d.id, d.epoch, d.lease_session AS session_id, false AS success, d.region, d.specialization
    FROM moved AS d
    WHERE d.state = 'failed'
),
told AS (
    SELECT t.id, t.title, t.description, t.solution, t.issue, t.pr_number, t.shown, t.used, t.plain = 0 AS with_memory
    FROM unnest($12::UUID[], $13::TEXT[], $14::TEXT[], $15::TEXT[], $16::TEXT[], $17::INT8[], $18::TEXT[], $19::TEXT[],
                $20::INT8[])
        AS t (id, title, description, solution, issue, pr_number, shown, used, plain)
),
