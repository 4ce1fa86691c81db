WITH made AS (
    INSERT INTO topology_versions (version, text, digest, residency_version, author, message, applied_at)
    SELECT $1::INT8 + 1, $2::TEXT, $3::TEXT, $4::INT8, $5::TEXT, $6::TEXT, now()
    WHERE coalesce((SELECT version FROM topology_versions ORDER BY version DESC LIMIT 1), 0) = $1::INT8
    ON CONFLICT (version) DO NOTHING
    RETURNING version, digest, residency_version, author, message, applied_at
), noted AS (
    INSERT INTO control_events (at, actor, action, subject, reason, before, after)
    SELECT now(), $5::TEXT, 'topology_apply', 'topology', $6::TEXT,
        jsonb_build_object('version', $1::INT8),
        jsonb_build_object('version', made.version, 'digest', made.digest, 'residency_version', made.residency_version)
    FROM made
    RETURNING id
)
SELECT made.version, made.digest, made.residency_version, made.author, made.message, made.applied_at
FROM made CROSS JOIN noted
