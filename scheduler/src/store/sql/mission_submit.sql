-- Stores a batch of placed missions of one home, and the idempotency keys of those that have one. A mission comes back
-- only if it was stored now: not where its key or its id was there before, not where residency has changed since it was
-- placed, and not where the topology that says where its key lives is in force no more.
-- $1 home  $2 placed by  $3.. one array a column  $29 whether they count for their submitters' limits
WITH fresh AS (
    SELECT w.id, w.state, w.specialization, w.submitter, w.title, w.payload, w.origin, w.residency,
           w.priority, w.rank, w.round, w.region, w.max_attempts, w.max_crashes, w.run_limit_ms,
           w.start_by, w.topology_version, w.residency_version, w.nonce, w.placement, w.reason, w.traceparent,
           w.key_home, w.key, w.digest
    FROM unnest($3::UUID[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[],
                $11::INT8[], $12::INT8[], $13::INT8[], $14::TEXT[], $15::INT8[], $16::INT8[], $17::INT8[],
                $18::TIMESTAMPTZ[], $19::INT8[], $20::INT8[], $21::INT8[], $22::TEXT[], $23::TEXT[], $24::TEXT[],
                $25::TEXT[], $26::TEXT[], $27::TEXT[], $28::INT8[])
        AS w (id, state, specialization, submitter, title, payload, origin, residency,
              priority, rank, round, region, max_attempts, max_crashes, run_limit_ms,
              start_by, topology_version, residency_version, nonce, placement, reason, traceparent,
              key_home, key, digest, key_version)
    WHERE w.residency_version
        = (SELECT v.residency_version FROM topology_versions AS v ORDER BY v.version DESC LIMIT 1)
        AND (w.key_version IS NULL
            OR w.key_version = (SELECT v.version FROM topology_versions AS v ORDER BY v.version DESC LIMIT 1))
),
keyed AS (
    INSERT INTO submissions (crdb_region, submitter, key, digest, mission_id, mission_home, created_at)
    SELECT f.key_home::crdb_internal_region, f.submitter, f.key, f.digest, f.id, $1::TEXT, now()
    FROM fresh AS f
    WHERE f.key IS NOT NULL
    ON CONFLICT (crdb_region, submitter, key) DO NOTHING
    RETURNING mission_id
)
INSERT INTO missions (
    crdb_region, id, state, specialization, submitter, title, payload, origin, residency, priority, rank, round, region,
    epoch, attempts, crashes, moves, max_attempts, max_crashes, run_limit_ms, not_before, start_by,
    topology_version, residency_version, nonce, placement, reason, traceparent, submitted_at, placed_at, placed_by,
    counted)
SELECT $1::TEXT::crdb_internal_region, f.id, f.state, f.specialization, f.submitter, f.title, f.payload::JSONB,
       f.origin::JSONB, f.residency, f.priority::INT4, f.rank, f.round, f.region,
       0, 0, 0, 0, f.max_attempts::INT4, f.max_crashes::INT4, f.run_limit_ms, '1970-01-01 00:00:00+00', f.start_by,
       f.topology_version, f.residency_version, f.nonce, f.placement::JSONB, f.reason, f.traceparent, now(),
       CASE WHEN f.region IS NULL THEN NULL ELSE now() END, CASE WHEN f.region IS NULL THEN NULL ELSE $2::TEXT END,
       $29::BOOL
FROM fresh AS f
WHERE f.key IS NULL OR f.id IN (SELECT k.mission_id FROM keyed AS k)
ON CONFLICT (crdb_region, id) DO NOTHING
RETURNING id, submitted_at, placed_at
