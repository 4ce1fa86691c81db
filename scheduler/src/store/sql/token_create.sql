WITH made AS (
    INSERT INTO tokens (id, name, role, region, hash, created_by, created_at, expires_at)
    VALUES ($1::UUID, $2::TEXT, $3::TEXT, $4::TEXT, $5::TEXT, $6::TEXT, now(),
        CASE WHEN $7::INT8 IS NULL THEN NULL ELSE now() + $7::INT8 * '1 second'::INTERVAL END)
    RETURNING id, name, role, region, created_at, expires_at, revoked_at
), noted AS (
    INSERT INTO control_events (at, actor, action, subject, reason, after)
    SELECT now(), $6::TEXT, 'token_create', made.id::TEXT, '',
        jsonb_build_object('name', made.name, 'role', made.role, 'region', made.region, 'expires_at', made.expires_at)
    FROM made
    RETURNING id
)
SELECT made.id, made.name, made.role, made.region, made.created_at, made.expires_at, made.revoked_at
FROM made CROSS JOIN noted
