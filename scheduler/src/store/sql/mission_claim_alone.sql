-- Leases the first mission that has crashed its holders twice to the first waiting session that holds nothing.
-- $1 home  $2 region  $3 specialization  $4 database clock  $5 residency version
-- $6 sessions, in turn  $7 actor
WITH candidate AS MATERIALIZED (
    SELECT m.id, m.epoch
    FROM missions AS m
    WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.region = $2::TEXT AND m.specialization = $3::TEXT
      AND m.state = 'queued' AND m.crashes >= 2 AND m.not_before <= $4::TIMESTAMPTZ
      AND (m.residency IS NULL OR m.residency_version = $5::INT8)
    ORDER BY m.submitted_at, m.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
),
-- Locked, so that no grant passes whoever ends the session.
live AS MATERIALIZED (
    SELECT s.id, s.slots[array_position(s.specializations, $3::TEXT)] AS slots
    FROM sessions AS s
    WHERE s.crdb_region = $1::TEXT::crdb_internal_region AND s.id = ANY ($6::UUID[]) AND s.ended_at IS NULL
    FOR SHARE
),
chosen AS (
    SELECT w.session_id, b.seq
    FROM unnest($6::UUID[]) WITH ORDINALITY AS w (session_id, turn)
    JOIN live AS l ON l.id = w.session_id
    JOIN heartbeats AS b ON b.crdb_region = $1::TEXT::crdb_internal_region AND b.id = w.session_id
    WHERE b.seq >= 0 AND l.slots > 0 AND NOT EXISTS (
        SELECT 1 FROM missions AS h
        WHERE h.crdb_region = $1::TEXT::crdb_internal_region AND h.state = 'leased' AND h.session_id = w.session_id)
    ORDER BY w.turn
    LIMIT 1
)
-- The state is compared as an expression so that the row is found by its key.
UPDATE missions AS m
SET state = 'leased', epoch = m.epoch + 1, session_id = s.session_id, grant_seq = s.seq,
    leased_at = now(), leased_by = $7::TEXT, reason = NULL, progress = NULL,
    run_until = now() + m.run_limit_ms * INTERVAL '1 millisecond'
FROM candidate AS t
CROSS JOIN chosen AS s
WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = t.id
  AND m.state || '' = 'queued' AND m.epoch = t.epoch
  AND (SELECT v.residency_version FROM topology_versions AS v ORDER BY v.version DESC LIMIT 1) = $5::INT8
RETURNING m.id, m.epoch, m.session_id, m.grant_seq, m.title, m.payload, m.attempts, m.crashes,
          m.run_limit_ms, m.rank, m.round, m.traceparent, m.drill, m.submitted_at, m.leased_at
