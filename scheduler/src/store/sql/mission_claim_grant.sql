    FOR UPDATE SKIP LOCKED
),
-- A locking SELECT cannot number its rows.
turn AS MATERIALIZED (
    SELECT c.home, c.id, c.epoch, row_number() OVER (ORDER BY c.rank, c.round, c.submitted_at, c.id) AS n
    FROM candidate AS c
),
-- Locked, so that no grant passes whoever ends the session. Shared, so that the claims of its pools do not wait for each
-- other: two at the same moment may count the same free slots, and the agent hands back what is too much.
live AS MATERIALIZED (
    SELECT s.id, s.slots[array_position(s.specializations, $3::TEXT)] AS slots
    FROM sessions AS s
    WHERE s.crdb_region = $1::TEXT::crdb_internal_region AND s.id = ANY ($6::UUID[]) AND s.ended_at IS NULL
    FOR SHARE
),
held AS MATERIALIZED (
    SELECT m.session_id,
           count(*) FILTER (WHERE m.specialization = $3::TEXT) AS leases,
           max(m.crashes) AS crashes
    FROM missions AS m
    WHERE m.crdb_region = $1::TEXT::crdb_internal_region AND m.state = 'leased' AND m.session_id = ANY ($6::UUID[])
    GROUP BY m.session_id
),
-- What each session may still take, looked up once a session and not once a slot.
able AS MATERIALIZED (
    SELECT l.id, b.seq, l.slots - COALESCE(h.leases, 0) AS free
    FROM live AS l
    JOIN heartbeats AS b ON b.crdb_region = $1::TEXT::crdb_internal_region AND b.id = l.id
    LEFT JOIN held AS h ON h.session_id = l.id
    WHERE b.seq >= 0 AND COALESCE(h.crashes, 0) < 2 AND l.slots > COALESCE(h.leases, 0)
),
-- The slots, first ones before second ones, no more of a session than there are turns. One row of arrays, so that a turn
-- finds its slot by number: a planner that expects one turn and one slot would compare each with each. Read by subqueries,
-- which are worked out once; a join would carry the arrays along in each row.
slot AS MATERIALIZED (
    SELECT array_agg(a.id ORDER BY k.nth, w.turn) AS sessions, array_agg(a.seq ORDER BY k.nth, w.turn) AS seqs
    FROM unnest($6::UUID[], $7::INT8[]) WITH ORDINALITY AS w (session_id, wished, turn)
    JOIN able AS a ON a.id = w.session_id
    CROSS JOIN LATERAL generate_series(1, LEAST(w.wished, a.free, (SELECT count(*) FROM turn))) AS k (nth)
)
-- Written so that each row is found by its key whatever the planner knows, for a plan is kept for seconds, in which an empty
-- table may fill: the state is compared as an expression, for an index of what is queued would be read from end to end for
-- each turn; the home is the turn's, for all rows of a home, where none are known, would be read as well; and the turn is
-- compared with itself, so that few are expected.
UPDATE missions AS m
SET state = 'leased', epoch = m.epoch + 1, session_id = (SELECT s.sessions FROM slot AS s)[t.n],
    grant_seq = (SELECT s.seqs FROM slot AS s)[t.n], leased_at = now(), leased_by = $8::TEXT, reason = NULL,
    progress = NULL, run_until = now() + m.run_limit_ms * INTERVAL '1 millisecond'
FROM turn AS t
WHERE m.crdb_region = t.home AND m.id = t.id
  AND m.state || '' = 'queued' AND m.epoch = t.epoch AND abs(t.n) = t.n
  AND (SELECT s.sessions FROM slot AS s)[t.n] IS NOT NULL
  AND (SELECT v.residency_version FROM topology_versions AS v ORDER BY v.version DESC LIMIT 1) = $5::INT8
RETURNING m.id, m.epoch, m.session_id, m.grant_seq, m.title, m.payload, m.attempts, m.crashes,
          m.run_limit_ms, m.rank, m.round, m.traceparent, m.drill, m.submitted_at, m.leased_at
