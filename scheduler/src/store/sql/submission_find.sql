-- What idempotency keys brought before.
-- $1 homes of the keys  $2 submitters  $3 keys
SELECT w.turn, s.digest, s.mission_id, s.mission_home
FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[]) WITH ORDINALITY AS w (home, submitter, key, turn)
JOIN submissions AS s
  ON s.crdb_region = w.home::crdb_internal_region AND s.submitter = w.submitter AND s.key = w.key
