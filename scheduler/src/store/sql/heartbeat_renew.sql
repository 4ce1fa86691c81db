-- Renews the sessions of one home whose numbers do not fall. One that has ended does not come back: its number is -1 for
-- good, and the row is where renewing and ending meet.
-- $1 home  $2 sessions  $3 numbers
UPDATE heartbeats AS b
SET seq = w.seq, at = now()
FROM unnest($2::UUID[], $3::INT8[]) AS w (id, seq)
WHERE b.crdb_region = $1::TEXT::crdb_internal_region AND b.id = w.id AND b.kind = 'session'
  AND b.seq >= 0 AND b.seq <= w.seq
RETURNING b.id, b.seq
