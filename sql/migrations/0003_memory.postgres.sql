-- The memory of agents, on PostgreSQL.

CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE IF NOT EXISTS agent_memories (
    crdb_region crdb_internal_region NOT NULL,
    id uuid NOT NULL,
    mission_id uuid,
    specialization text NOT NULL,
    agent text NOT NULL,
    issue_id text,
    title text NOT NULL,
    description text NOT NULL,
    solution_approach text,
    pr_number int8,
    success bool NOT NULL,
    success_source text NOT NULL CHECK (success_source IN ('agent', 'review', 'merge')),
    resolution_minutes float8,
    residency text,
    epoch int8 NOT NULL,
    content_hash text NOT NULL,
    evidence int8 NOT NULL,
    evidence_succeeded int8 NOT NULL,
    merged_into uuid,
    terms tsvector NOT NULL,
    words int8 NOT NULL,
    created_at timestamptz NOT NULL,
    indexed_at timestamptz,
    PRIMARY KEY (crdb_region, id)
);

-- Search by words.
CREATE INDEX IF NOT EXISTS agent_memories_terms
    ON agent_memories USING gin (terms);

-- Exact duplicates.
CREATE INDEX IF NOT EXISTS agent_memories_content
    ON agent_memories (crdb_region, content_hash, specialization);

-- What was merged into a memory, to be forgotten with it.
CREATE INDEX IF NOT EXISTS agent_memories_merged
    ON agent_memories (crdb_region, merged_into)
    WHERE merged_into IS NOT NULL;

-- An agent's own, and its statistics.
CREATE INDEX IF NOT EXISTS agent_memories_agent
    ON agent_memories (crdb_region, agent, created_at);

-- Statistics of a kind of agent.
CREATE INDEX IF NOT EXISTS agent_memories_specialization
    ON agent_memories (crdb_region, specialization, created_at);

-- Retention.
CREATE INDEX IF NOT EXISTS agent_memories_created
    ON agent_memories (crdb_region, created_at);

CREATE TABLE IF NOT EXISTS agent_learning_outcomes (
    crdb_region crdb_internal_region NOT NULL,
    id uuid NOT NULL,
    memory_id uuid NOT NULL,
    specialization text NOT NULL,
    lesson text NOT NULL,
    applicable_patterns text[] NOT NULL,
    avoid bool NOT NULL,
    residency text,
    succeeded int8 NOT NULL,
    failed int8 NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (crdb_region, id)
);

-- What a memory taught.
CREATE INDEX IF NOT EXISTS agent_learning_outcomes_memory
    ON agent_learning_outcomes (crdb_region, memory_id);

-- Lessons of a kind of agent.
CREATE INDEX IF NOT EXISTS agent_learning_outcomes_specialization
    ON agent_learning_outcomes (crdb_region, specialization, updated_at);

CREATE TABLE IF NOT EXISTS agent_memory_embeddings (
    crdb_region crdb_internal_region NOT NULL,
    memory_id uuid NOT NULL,
    space text NOT NULL,
    residency text NOT NULL,
    specialization text NOT NULL,
    -- Half precision, and in the row itself: what is read whole is read at once.
    embedding halfvec(1536) STORAGE PLAIN NOT NULL,
    PRIMARY KEY (crdb_region, memory_id, space)
);

-- How many there are of a part, and all of a small one.
CREATE INDEX IF NOT EXISTS agent_memory_embeddings_part
    ON agent_memory_embeddings (crdb_region, space, residency, specialization);

CREATE TABLE IF NOT EXISTS memory_terms (
    crdb_region crdb_internal_region NOT NULL,
    term text NOT NULL,
    documents int8 NOT NULL,
    occurrences int8 NOT NULL,
    PRIMARY KEY (crdb_region, term)
);

CREATE TABLE IF NOT EXISTS memory_work (
    crdb_region crdb_internal_region NOT NULL,
    memory_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('index')),
    holder uuid,
    epoch int8 NOT NULL,
    expires_at timestamptz NOT NULL,
    attempts int8 NOT NULL,
    not_before timestamptz NOT NULL,
    reason text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (crdb_region, memory_id, kind)
);

-- What is due.
CREATE INDEX IF NOT EXISTS memory_work_due
    ON memory_work (crdb_region, not_before, memory_id);

CREATE TABLE IF NOT EXISTS memory_recalls (
    crdb_region crdb_internal_region NOT NULL,
    mission_id uuid NOT NULL,
    specialization text NOT NULL,
    region text,
    agent text NOT NULL,
    with_memory bool NOT NULL,
    shown uuid[] NOT NULL,
    used uuid[] NOT NULL,
    success bool NOT NULL,
    resolution_minutes float8,
    residency text,
    epoch int8 NOT NULL,
    at timestamptz NOT NULL,
    count_at timestamptz,
    counted uuid[],
    counted_success bool,
    PRIMARY KEY (crdb_region, mission_id)
);

-- The newest, and retention.
CREATE INDEX IF NOT EXISTS memory_recalls_at
    ON memory_recalls (crdb_region, at);

-- What is to be counted for lessons.
CREATE INDEX IF NOT EXISTS memory_recalls_uncounted
    ON memory_recalls (crdb_region, count_at)
    WHERE count_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS memory_tombstones (
    id uuid NOT NULL PRIMARY KEY,
    content_hash text NOT NULL,
    forgotten_by text NOT NULL,
    forgotten_at timestamptz NOT NULL
);

-- Import.
CREATE INDEX IF NOT EXISTS memory_tombstones_content
    ON memory_tombstones (content_hash);

-- What was forgotten lately.
CREATE INDEX IF NOT EXISTS memory_tombstones_forgotten
    ON memory_tombstones (forgotten_at);

-- Makes the index of a space of vectors: one HNSW index a space, since such an index has no columns before the vector and
-- spaces are never compared. Whoever writes the first vector of a space calls it, when there is none to index yet, so
-- that writers of other spaces wait only for a look through rows without their vectors. Returns whether it was made now.
CREATE OR REPLACE FUNCTION memory_space_open (space text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    index_name text := 'agent_memory_embeddings_' || left(md5(space), 16);
BEGIN
    IF to_regclass(index_name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format(
        'CREATE INDEX %I ON agent_memory_embeddings USING hnsw (embedding halfvec_cosine_ops)
         WITH (m = 8, ef_construction = 48) WHERE space = %L',
        index_name, space);
    RETURN true;
EXCEPTION
    -- Somebody else was faster.
    WHEN unique_violation OR duplicate_table THEN
        RETURN false;
END
$$;

-- Drops the index of a space of which no vector is left in any home. It waits a second for those who use the table, and
-- then leaves the index: searches that come meanwhile would wait behind it. Returns whether it was dropped now.
CREATE OR REPLACE FUNCTION memory_space_close (space text) RETURNS bool LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
    index_name text := 'agent_memory_embeddings_' || left(md5(space), 16);
BEGIN
    IF to_regclass(index_name) IS NULL
        OR EXISTS (SELECT 1 FROM agent_memory_embeddings AS e WHERE e.space = memory_space_close.space)
    THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP INDEX IF EXISTS %I', index_name);
    RETURN true;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN false;
END
$$;
