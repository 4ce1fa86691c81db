-- Stores a batch of placed missions of one home, and the idempotency keys of those that have one. A mission comes back
-- only if it was stored now: not where its key was there before, not where residency has changed since it was placed, and
-- not where the topology that says where its key lives is in force no more. Sent twice, the second is refused by the key of
-- the table: a conflict is expected of nobody else, and to look out for it costs each row a tenth.
-- $1 home  $2 placed by  $3.. one array a column, $25 whether it has a key (0 or 1)  $26 their drills
-- $27 whether they count for their submitters' limits  $28.. one array a column, of those that have a key
WITH keyed AS (
    INSERT INTO submissions (crdb_region, submitter, key, digest, mission_id, mission_home, created_at)
    SELECT k.home::crdb_internal_region, k.submitter, k.key, k.digest, k.id, $1::TEXT, now()
    FROM unnest($28::UUID[], $29::TEXT[], $30::TEXT[], $31::TEXT[], $32::TEXT[], $33::INT8[], $34::INT8[])
        AS k (id, submitter, home, key, digest, version, residency_version)
    WHERE k.residency_version
        = (SELECT v.residency_version FROM topology_versions AS v ORDER BY v.version DESC LIMIT 1)
        AND k.version = (SELECT v.version FROM topology_versions AS v ORDER BY v.version DESC LIMIT 1)
    ON CONFLICT (crdb_region, submitter, key) DO NOTHING
    RETURNING mission_id
)
INSERT INTO missions (
    crdb_region, id, state, specialization, submitter, title, payload, origin, residency, priority, rank, round, region,
    epoch, attempts, crashes, moves, max_attempts, max_crashes, run_limit_ms, not_before, start_by,
    topology_version, residency_version, nonce, placement, reason, traceparent, drill, submitted_at, placed_at,
    placed_by, counted)
SELECT $1::TEXT::crdb_internal_region, w.id, w.state, w.specialization, w.submitter, w.title, w.payload, w.origin,
       w.residency, w.priority::INT4, w.rank, w.round, w.region,
       0, 0, 0, 0, w.max_attempts::INT4, w.max_crashes::INT4, w.run_limit_ms, '1970-01-01 00:00:00+00', w.start_by,
       w.topology_version, w.residency_version, w.nonce, w.placement, w.reason, w.traceparent, w.drill, now(),
       CASE WHEN w.region IS NULL THEN NULL ELSE now() END, CASE WHEN w.region IS NULL THEN NULL ELSE $2::TEXT END,
       $27::BOOL
FROM unnest($3::UUID[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[],
            $11::INT8[], $12::INT8[], $13::INT8[], $14::TEXT[], $15::INT8[], $16::INT8[], $17::INT8[],
            $18::TIMESTAMPTZ[], $19::INT8[], $20::INT8[], $21::INT8[], $22::TEXT[], $23::TEXT[], $24::TEXT[],
            $25::INT8[], $26::TEXT[])
    AS w (id, state, specialization, submitter, title, payload, origin, residency,
          priority, rank, round, region, max_attempts, max_crashes, run_limit_ms,
          start_by, topology_version, residency_version, nonce, placement, reason, traceparent,
          keyed, drill)
WHERE w.residency_version = (SELECT v.residency_version FROM topology_versions AS v ORDER BY v.version DESC LIMIT 1)
  AND (w.keyed = 0 OR w.id IN (SELECT k.mission_id FROM keyed AS k))
RETURNING id, submitted_at, placed_at
