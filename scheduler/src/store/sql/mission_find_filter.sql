FROM missions AS m
WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.id = ANY ($2::UUID[])
