-- Ends sessions of one home that were silent too long. The heartbeat rows decide: one that is renewed meanwhile is no
-- longer older than the deadline when its turn comes.
-- $1 home  $2 deadline  $3 actor  $4 reason  $5 regions
WITH late AS MATERIALIZED (
    SELECT b.id
    FROM heartbeats AS b
    WHERE b.crdb_region = $1::TEXT::crdb_internal_region AND b.kind = 'session' AND b.seq >= 0
      AND b.at < $2::TIMESTAMPTZ AND b.region = ANY ($5::TEXT[])
    LIMIT 500
    FOR UPDATE SKIP LOCKED
),
silenced AS (
    UPDATE heartbeats AS b
    SET seq = -1
    FROM late AS l
    WHERE b.crdb_region = $1::TEXT::crdb_internal_region AND b.id = l.id AND b.seq >= 0 AND b.at < $2::TIMESTAMPTZ
    RETURNING b.id
)
UPDATE sessions AS s
SET ended_at = now(), ended_by = $3::TEXT, ended_reason = $4::TEXT
FROM silenced AS q
WHERE s.crdb_region = $1::TEXT::crdb_internal_region AND s.id = q.id AND s.ended_at IS NULL
RETURNING s.id, s.region
