-- Starts a session with its heartbeat row; nothing where it was started before.
-- $1 home  $2 session  $3 region  $4 agent  $5 version  $6 specializations  $7 slots
WITH started AS (
    INSERT INTO sessions (crdb_region, id, region, agent, version, specializations, slots, started_at)
    VALUES ($1::TEXT::crdb_internal_region, $2::UUID, $3::TEXT, $4::TEXT, $5::TEXT, $6::TEXT[], $7::INT8[], now())
    ON CONFLICT (crdb_region, id) DO NOTHING
    RETURNING id
)
INSERT INTO heartbeats (crdb_region, id, kind, region, version, seq, at)
SELECT $1::TEXT::crdb_internal_region, s.id, 'session', $3::TEXT, $5::TEXT, 0, now()
FROM started AS s
ON CONFLICT (crdb_region, id) DO NOTHING
RETURNING id
