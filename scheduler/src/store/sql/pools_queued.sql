-- The pools that have queued missions in one home, found by one index probe a pool and not by reading the queues.
-- $1 home  $2 at most so many
WITH RECURSIVE waiting (region, specialization, n) AS (
    (
        SELECT m.region, m.specialization, 1::INT8
        FROM missions AS m
        WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state = 'queued'
        ORDER BY m.region, m.specialization
        LIMIT 1
    )
    UNION ALL
    SELECT after.region, after.specialization, waiting.n + 1
    FROM waiting
    CROSS JOIN LATERAL (
        SELECT m.region, m.specialization
        FROM missions AS m
        WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state = 'queued'
            AND (m.region, m.specialization) > (waiting.region, waiting.specialization)
        ORDER BY m.region, m.specialization
        LIMIT 1
    ) AS after
    WHERE waiting.n < $2::INT8
)
SELECT region, specialization FROM waiting
