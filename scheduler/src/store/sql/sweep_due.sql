-- $1 home  $2 end of run limits  $3 end of waits  $4 residency version
SELECT
    EXISTS (
        SELECT 1 FROM sessions AS s
        WHERE s.crdb_region = $1::TEXT::crdb_internal_region AND s.ended_at IS NOT NULL AND s.settled_at IS NULL
    ) AS unsettled,
    EXISTS (
        SELECT 1 FROM sessions AS s
        JOIN missions AS m ON m.session_id = s.id
        WHERE s.crdb_region = $1::TEXT::crdb_internal_region AND s.ended_at IS NULL
            AND m.crdb_region = $1::TEXT::crdb_internal_region AND m.state = 'leased'
            AND m.run_until < $2::TIMESTAMPTZ
    ) AS over_run,
    EXISTS (
        SELECT 1 FROM missions AS m
        WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state IN ('pending', 'queued')
            AND m.start_by IS NOT NULL AND m.start_by < $3::TIMESTAMPTZ
    ) AS over_wait,
    EXISTS (
        SELECT 1 FROM missions AS m
        WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state IN ('pending', 'queued', 'leased')
            AND m.residency IS NOT NULL AND m.residency_version < $4::INT8
    ) AS bound,
    EXISTS (
        SELECT 1 FROM missions AS m
        WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state = 'pending'
    ) AS pending
