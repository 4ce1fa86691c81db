-- What missions that ended in this statement leave to be remembered: the memory, the work that makes it found, and the
-- line of the recall log. Part of mission_complete and mission_fail where a result has a memory, so that the same fence
-- guards all of it: whoever does not end the mission leaves nothing. `ended` and `told` are theirs. Missions of drills
-- leave nothing, and what was forgotten is not written again.
-- A mission that was submitted again and ends anew, under a later epoch, has the last word.
kept AS (
    SELECT e.id, e.epoch, e.success, e.region, e.specialization, o.residency, COALESCE(t.title, o.title) AS title,
           COALESCE(t.description, o.payload::JSONB ->> 'description', o.payload::JSONB ->> 'body', '') AS description,
           t.solution, t.issue, t.pr_number, t.shown::UUID[] AS shown, t.used::UUID[] AS used, t.with_memory,
           COALESCE(s.agent, 'session:' || e.session_id::TEXT) AS agent,
           extract(epoch FROM now() - o.leased_at)::FLOAT8 / 60.0 AS minutes
    FROM ended AS e
    JOIN told AS t ON t.id = e.id
    JOIN missions AS o ON o.crdb_region = $1::TEXT::crdb_internal_region AND o.id = e.id
    LEFT JOIN sessions AS s ON s.crdb_region = $1::TEXT::crdb_internal_region AND s.id = e.session_id
    WHERE o.drill IS NULL
),
remembered AS (
    INSERT INTO agent_memories
        (crdb_region, id, mission_id, specialization, agent, issue_id, title, description, solution_approach, pr_number,
         success, success_source, resolution_minutes, residency, epoch, content_hash, evidence, evidence_succeeded, terms,
         words, created_at)
    SELECT $1::TEXT::crdb_internal_region, k.id, k.id, k.specialization, k.agent, k.issue, k.title, k.description,
           k.solution, k.pr_number, k.success, 'agent', k.minutes, k.residency, k.epoch, '', 1,
           CASE WHEN k.success THEN 1 ELSE 0 END, ''::TSVECTOR, 0, now()
    FROM kept AS k
    WHERE NOT EXISTS (SELECT 1 FROM memory_tombstones AS g WHERE g.id = k.id)
    ON CONFLICT (crdb_region, id) DO UPDATE
    SET specialization = excluded.specialization, agent = excluded.agent, issue_id = excluded.issue_id,
        title = excluded.title, description = excluded.description, solution_approach = excluded.solution_approach,
        pr_number = excluded.pr_number, success = excluded.success, success_source = 'agent',
        resolution_minutes = excluded.resolution_minutes, epoch = excluded.epoch, content_hash = '',
        evidence = GREATEST(agent_memories.evidence, 1),
        evidence_succeeded = agent_memories.evidence_succeeded
            + CASE WHEN agent_memories.success = excluded.success THEN 0 WHEN excluded.success THEN 1 ELSE -1 END,
        merged_into = NULL, created_at = now(), indexed_at = NULL
    WHERE agent_memories.epoch < excluded.epoch
    RETURNING id
),
asked AS (
    INSERT INTO memory_work (crdb_region, memory_id, kind, epoch, expires_at, attempts, not_before, created_at)
    SELECT $1::TEXT::crdb_internal_region, r.id, 'index', 0, '1970-01-01 00:00:00+00', 0, now(), now()
    FROM remembered AS r
    ON CONFLICT (crdb_region, memory_id, kind) DO UPDATE
    SET epoch = memory_work.epoch + 1, expires_at = '1970-01-01 00:00:00+00', attempts = 0, not_before = now()
    RETURNING memory_id
),
logged AS (
    INSERT INTO memory_recalls
        (crdb_region, mission_id, specialization, region, agent, with_memory, shown, used, success, resolution_minutes,
         residency, epoch, at, count_at)
    SELECT $1::TEXT::crdb_internal_region, k.id, k.specialization, k.region, k.agent, k.with_memory, k.shown, k.used,
           k.success, k.minutes, k.residency, k.epoch, now(), CASE WHEN cardinality(k.used) > 0 THEN now() END
    FROM kept AS k
    ON CONFLICT (crdb_region, mission_id) DO UPDATE
    SET with_memory = excluded.with_memory, shown = excluded.shown, used = excluded.used, success = excluded.success,
        resolution_minutes = excluded.resolution_minutes, epoch = excluded.epoch, at = now(),
        count_at = CASE
            WHEN cardinality(excluded.used) > 0 OR cardinality(memory_recalls.counted) > 0 THEN now()
        END
    WHERE memory_recalls.epoch < excluded.epoch
    RETURNING mission_id
)
