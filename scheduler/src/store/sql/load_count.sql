WITH offered AS MATERIALIZED (
    SELECT p.specialization, p.slots, heartbeats.at
    FROM sessions
    JOIN heartbeats ON heartbeats.crdb_region = sessions.crdb_region AND heartbeats.id = sessions.id
    CROSS JOIN LATERAL unnest(sessions.specializations, sessions.slots) AS p (specialization, slots)
    WHERE sessions.crdb_region = $1::TEXT::crdb_internal_region
        AND sessions.region = $2::TEXT AND sessions.ended_at IS NULL
), held AS MATERIALIZED (
    SELECT missions.specialization, count(*) AS leased
    FROM missions
    WHERE missions.crdb_region = $1::TEXT::crdb_internal_region
        AND missions.state = 'leased' AND missions.region = $2::TEXT
    GROUP BY missions.specialization
), done AS MATERIALIZED (
    -- Those of drills too: they take a slot as long as any.
    SELECT d.specialization, count(*) AS runs,
        sum(extract(epoch FROM d.finished_at - d.leased_at) * 1000000.0)::FLOAT8 AS total_us
    FROM (
        SELECT missions.specialization, missions.finished_at, missions.leased_at
        FROM missions
        WHERE missions.crdb_region = $1::TEXT::crdb_internal_region
            AND missions.state IN ('succeeded', 'failed', 'cancelled')
            AND missions.finished_at >= $4::TIMESTAMPTZ AND missions.region = $2::TEXT
            AND missions.leased_at IS NOT NULL
        ORDER BY missions.finished_at DESC LIMIT 2000
    ) AS d
    GROUP BY d.specialization
), unmet AS MATERIALIZED (
    SELECT u.specialization, count(*) AS missions
    FROM (
        SELECT missions.specialization
        FROM missions
        WHERE missions.crdb_region = $1::TEXT::crdb_internal_region
            AND missions.state = 'pending' AND missions.reason = 'no_healthy_pool'
        LIMIT $5::INT8
    ) AS u
    GROUP BY u.specialization
)
SELECT pool.specialization,
    (SELECT count(*) FROM offered WHERE offered.specialization = pool.specialization) AS sessions,
    coalesce((SELECT sum(offered.slots) FROM offered WHERE offered.specialization = pool.specialization), 0)::INT8
        AS slots,
    (SELECT max(offered.at) FROM offered WHERE offered.specialization = pool.specialization) AS alive_at,
    coalesce((SELECT held.leased FROM held WHERE held.specialization = pool.specialization), 0) AS leased,
    (
        SELECT count(*) FROM (
            SELECT missions.id FROM missions
            WHERE missions.crdb_region = $1::TEXT::crdb_internal_region AND missions.state = 'queued'
                AND missions.region = $2::TEXT AND missions.specialization = pool.specialization
            LIMIT $5::INT8
        ) AS q
    ) AS queued,
    coalesce((SELECT unmet.missions FROM unmet WHERE unmet.specialization = pool.specialization), 0) AS unmet,
    coalesce((SELECT done.runs FROM done WHERE done.specialization = pool.specialization), 0) AS runs,
    coalesce((SELECT done.total_us FROM done WHERE done.specialization = pool.specialization), 0.0) AS total_us
FROM unnest($3::TEXT[]) AS pool (specialization)
