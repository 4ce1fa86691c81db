WITH gone AS (
    DELETE FROM region_states
    WHERE region = $1::TEXT AND verb_at = $2::TIMESTAMPTZ AND verb != 'cordoned'
        AND (SELECT v.version FROM topology_versions AS v ORDER BY v.version DESC LIMIT 1) = $4::INT8
    RETURNING region, verb, verb_reason, health
)
INSERT INTO control_events (at, actor, action, subject, reason, before)
SELECT now(), $3::TEXT, 'region_forget', gone.region, gone.verb_reason,
    jsonb_build_object('verb', gone.verb, 'health', gone.health)
FROM gone
RETURNING id
