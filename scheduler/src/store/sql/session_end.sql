-- Ends a session for good. Its heartbeat row is marked in the same statement, so that no heartbeat passes.
-- $1 home  $2 session  $3 actor  $4 reason
WITH silenced AS (
    UPDATE heartbeats AS b
    SET seq = -1
    WHERE b.crdb_region = $1::TEXT::crdb_internal_region AND b.id = $2::UUID AND b.kind = 'session' AND b.seq >= 0
    RETURNING b.id
)
UPDATE sessions AS s
SET ended_at = now(), ended_by = $3::TEXT, ended_reason = $4::TEXT
FROM silenced AS q
WHERE s.crdb_region = $1::TEXT::crdb_internal_region AND s.id = q.id AND s.ended_at IS NULL
RETURNING s.id, s.region
