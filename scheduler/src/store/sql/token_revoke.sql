WITH ended AS (
    UPDATE tokens SET revoked_at = now()
    WHERE id = $1::UUID AND revoked_at IS NULL
    RETURNING id, name, role
)
INSERT INTO control_events (at, actor, action, subject, reason, before, after)
SELECT now(), $2::TEXT, 'token_revoke', ended.id::TEXT, '',
    jsonb_build_object('name', ended.name, 'role', ended.role), jsonb_build_object('revoked', true)
FROM ended
RETURNING id
