-- Leases queued missions of one pool to the sessions that wait for it. The LIMIT is written into the text.
-- $1 home  $2 region  $3 specialization  $4 database clock  $5 residency version
-- $6 sessions, in turn  $7 slots that each wishes  $8 actor
WITH candidate AS MATERIALIZED (
    SELECT m.crdb_region AS home, m.id, m.epoch, m.rank, m.round, m.submitted_at
    FROM missions AS m
    WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.region = $2::TEXT AND m.specialization = $3::TEXT
      AND m.state = 'queued' AND m.not_before <= $4::TIMESTAMPTZ AND m.crashes < 2
      AND (m.residency IS NULL OR m.residency_version = $5::INT8)
    ORDER BY m.rank, m.round, m.submitted_at, m.id
