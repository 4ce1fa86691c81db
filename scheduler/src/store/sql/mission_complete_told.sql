-- After mission_complete as a CTE `done`: what ended, and what its agents told of it.
-- $8.. one array a column, one row a result that has a memory
ended AS (
    SELECT d.id, d.epoch, d.session_id, true AS success, d.region, d.specialization FROM done AS d
),
told AS (
    SELECT t.id, t.title, t.description, t.solution, t.issue, t.pr_number, t.shown, t.used, t.plain = 0 AS with_memory
    FROM unnest($8::UUID[], $9::TEXT[], $10::TEXT[], $11::TEXT[], $12::TEXT[], $13::INT8[], $14::TEXT[], $15::TEXT[],
                $16::INT8[])
        AS t (id, title, description, solution, issue, pr_number, shown, used, plain)
),
