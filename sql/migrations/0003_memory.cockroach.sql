-- The memory of agents, on CockroachDB. Every index stands inside its table, as in the base schema.

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
    PRIMARY KEY (crdb_region, id),

    -- Search by words.
    INVERTED INDEX agent_memories_terms (crdb_region, terms),

    -- Exact duplicates.
    INDEX agent_memories_content (crdb_region, content_hash, specialization),

    -- What was merged into a memory, to be forgotten with it.
    INDEX agent_memories_merged (crdb_region, merged_into) WHERE merged_into IS NOT NULL,

    -- An agent's own, and its statistics.
    INDEX agent_memories_agent (crdb_region, agent, created_at),

    -- Statistics of a kind of agent.
    INDEX agent_memories_specialization (crdb_region, specialization, created_at),

    -- Retention.
    INDEX agent_memories_created (crdb_region, created_at)
) LOCALITY REGIONAL BY ROW;

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
    PRIMARY KEY (crdb_region, id),

    -- What a memory taught.
    INDEX agent_learning_outcomes_memory (crdb_region, memory_id),

    -- Lessons of a kind of agent.
    INDEX agent_learning_outcomes_specialization (crdb_region, specialization, updated_at)
) LOCALITY REGIONAL BY ROW;

CREATE TABLE IF NOT EXISTS agent_memory_embeddings (
    crdb_region crdb_internal_region NOT NULL,
    memory_id uuid NOT NULL,
    space text NOT NULL,
    residency text NOT NULL,
    specialization text NOT NULL,
    embedding vector(1536) NOT NULL,
    PRIMARY KEY (crdb_region, memory_id, space),

    -- How many there are of a part, and all of a small one.
    INDEX agent_memory_embeddings_part (crdb_region, space, residency, specialization),

    -- The nearest vectors of a part; each column before the vector must be pinned by = or = ANY.
    VECTOR INDEX agent_memory_embeddings_near (crdb_region, space, residency, specialization, embedding vector_cosine_ops)
) LOCALITY REGIONAL BY ROW;

CREATE TABLE IF NOT EXISTS memory_terms (
    crdb_region crdb_internal_region NOT NULL,
    term text NOT NULL,
    documents int8 NOT NULL,
    occurrences int8 NOT NULL,
    PRIMARY KEY (crdb_region, term)
) LOCALITY REGIONAL BY ROW;

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
    PRIMARY KEY (crdb_region, memory_id, kind),

    -- What is due.
    INDEX memory_work_due (crdb_region, not_before, memory_id)
) LOCALITY REGIONAL BY ROW;

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
    PRIMARY KEY (crdb_region, mission_id),

    -- The newest, and retention.
    INDEX memory_recalls_at (crdb_region, at),

    -- What is to be counted for lessons.
    INDEX memory_recalls_uncounted (crdb_region, count_at) WHERE count_at IS NOT NULL
) LOCALITY REGIONAL BY ROW;

CREATE TABLE IF NOT EXISTS memory_tombstones (
    id uuid NOT NULL PRIMARY KEY,
    content_hash text NOT NULL,
    forgotten_by text NOT NULL,
    forgotten_at timestamptz NOT NULL,

    -- Import.
    INDEX memory_tombstones_content (content_hash),

    -- What was forgotten lately.
    INDEX memory_tombstones_forgotten (forgotten_at)
) LOCALITY GLOBAL;
