-- What the tables of the memory hold, on both engines.

COMMENT ON TABLE agent_memories IS 'What finished missions left, each in the database region that the mission ended in, or that it was imported into.';
COMMENT ON COLUMN agent_memories.crdb_region IS 'Database region that homes the row.';
COMMENT ON COLUMN agent_memories.id IS 'The mission''s own id; of what was imported, computed from where it came from.';
COMMENT ON COLUMN agent_memories.mission_id IS 'The mission that left it; null = imported.';
COMMENT ON COLUMN agent_memories.specialization IS 'Kind of agent that did it.';
COMMENT ON COLUMN agent_memories.agent IS 'The agent, as its session named itself.';
COMMENT ON COLUMN agent_memories.issue_id IS 'The issue, such as owner/repository#12.';
COMMENT ON COLUMN agent_memories.title IS 'Title of the issue or mission.';
COMMENT ON COLUMN agent_memories.description IS 'What the problem was.';
COMMENT ON COLUMN agent_memories.solution_approach IS 'What was done about it; of a failure, what was tried.';
COMMENT ON COLUMN agent_memories.pr_number IS 'The pull request.';
COMMENT ON COLUMN agent_memories.success IS 'Whether it succeeded, as far as is known by now.';
COMMENT ON COLUMN agent_memories.success_source IS 'Who says so: the agent, a review, the merge; a later one has the last word.';
COMMENT ON COLUMN agent_memories.resolution_minutes IS 'Minutes from the lease that ended it to its end.';
COMMENT ON COLUMN agent_memories.residency IS 'Name of the residency rule that it is under, if any.';
COMMENT ON COLUMN agent_memories.epoch IS 'Fencing token of the lease that wrote it; 0 = imported.';
COMMENT ON COLUMN agent_memories.content_hash IS 'SHA-256 of title, description and solution, hexadecimal; empty until it is indexed.';
COMMENT ON COLUMN agent_memories.evidence IS 'Missions that left the same or nearly the same, itself included; 0 = it repeats what it was told.';
COMMENT ON COLUMN agent_memories.evidence_succeeded IS 'Of these, how many succeeded.';
COMMENT ON COLUMN agent_memories.merged_into IS 'The older memory that says the same and stands for it.';
COMMENT ON COLUMN agent_memories.terms IS 'Its words as lexemes with their places; empty until it is indexed.';
COMMENT ON COLUMN agent_memories.words IS 'How many words it has.';
COMMENT ON COLUMN agent_memories.created_at IS 'When the mission ended.';
COMMENT ON COLUMN agent_memories.indexed_at IS 'When its words were stored and counted.';

COMMENT ON TABLE agent_learning_outcomes IS 'Lessons: rules that memories taught, with the evidence of this region; that of all regions is added up when read.';
COMMENT ON COLUMN agent_learning_outcomes.crdb_region IS 'Database region whose evidence the row counts.';
COMMENT ON COLUMN agent_learning_outcomes.id IS 'The lesson, the same in every region.';
COMMENT ON COLUMN agent_learning_outcomes.memory_id IS 'The memory that taught it.';
COMMENT ON COLUMN agent_learning_outcomes.specialization IS 'Kind of agent that it is for.';
COMMENT ON COLUMN agent_learning_outcomes.lesson IS 'The rule, in a sentence.';
COMMENT ON COLUMN agent_learning_outcomes.applicable_patterns IS 'Words of missions that it applies to.';
COMMENT ON COLUMN agent_learning_outcomes.residency IS 'The strictest residency rule of its evidence, if any.';
COMMENT ON COLUMN agent_learning_outcomes.succeeded IS 'Missions of this region that it applied to and that succeeded.';
COMMENT ON COLUMN agent_learning_outcomes.failed IS 'Missions of this region that it applied to and that failed.';
COMMENT ON COLUMN agent_learning_outcomes.created_at IS 'When it was first told.';
COMMENT ON COLUMN agent_learning_outcomes.updated_at IS 'When its evidence was last counted.';

COMMENT ON TABLE agent_memory_embeddings IS 'Vectors of memories, one a memory and space, beside their home row.';
COMMENT ON COLUMN agent_memory_embeddings.crdb_region IS 'Database region of the memory.';
COMMENT ON COLUMN agent_memory_embeddings.memory_id IS 'The memory.';
COMMENT ON COLUMN agent_memory_embeddings.space IS 'Name of the space: who made the vector, of how many dimensions, in which version.';
COMMENT ON COLUMN agent_memory_embeddings.residency IS 'Residency rule of the memory; empty = anywhere, for the index needs a value to compare with.';
COMMENT ON COLUMN agent_memory_embeddings.specialization IS 'Specialization of the memory.';
COMMENT ON COLUMN agent_memory_embeddings.embedding IS 'The vector, of length 1.';

COMMENT ON TABLE memory_terms IS 'How often words occur in the memories of a home, kept by the work that indexes them.';
COMMENT ON COLUMN memory_terms.crdb_region IS 'The home.';
COMMENT ON COLUMN memory_terms.term IS 'The word, stemmed; empty = all words of all memories together.';
COMMENT ON COLUMN memory_terms.documents IS 'Memories that have it.';
COMMENT ON COLUMN memory_terms.occurrences IS 'Times that it occurs in them.';

COMMENT ON TABLE memory_work IS 'What is still to be done for a memory, each leased to one scheduler at a time.';
COMMENT ON COLUMN memory_work.crdb_region IS 'Database region of the memory.';
COMMENT ON COLUMN memory_work.memory_id IS 'The memory.';
COMMENT ON COLUMN memory_work.kind IS 'What is to be done.';
COMMENT ON COLUMN memory_work.holder IS 'The scheduler that does it.';
COMMENT ON COLUMN memory_work.epoch IS 'Raised by every lease and whenever the work is asked for anew: a holder of an earlier one ends nothing.';
COMMENT ON COLUMN memory_work.expires_at IS 'End of the lease; in the past = free.';
COMMENT ON COLUMN memory_work.attempts IS 'Times that it failed.';
COMMENT ON COLUMN memory_work.not_before IS 'Not tried before.';
COMMENT ON COLUMN memory_work.reason IS 'Why it failed last.';
COMMENT ON COLUMN memory_work.created_at IS 'When it was asked for.';

COMMENT ON TABLE memory_recalls IS 'What missions were shown of the memory, and what came of them.';
COMMENT ON COLUMN memory_recalls.crdb_region IS 'Database region that the mission ended in.';
COMMENT ON COLUMN memory_recalls.mission_id IS 'The mission.';
COMMENT ON COLUMN memory_recalls.specialization IS 'Kind of agent that ran it.';
COMMENT ON COLUMN memory_recalls.region IS 'Region of the pool that ran it.';
COMMENT ON COLUMN memory_recalls.agent IS 'The agent, as its session named itself.';
COMMENT ON COLUMN memory_recalls.with_memory IS 'False where recall was left out, to compare.';
COMMENT ON COLUMN memory_recalls.shown IS 'Memories that it was shown.';
COMMENT ON COLUMN memory_recalls.used IS 'Of these, the ones that it used.';
COMMENT ON COLUMN memory_recalls.success IS 'How it ended.';
COMMENT ON COLUMN memory_recalls.resolution_minutes IS 'Minutes from the lease that ended it to its end.';
COMMENT ON COLUMN memory_recalls.residency IS 'Residency rule of the mission, if any.';
COMMENT ON COLUMN memory_recalls.epoch IS 'Fencing token of the lease that ended it.';
COMMENT ON COLUMN memory_recalls.at IS 'When it ended.';

COMMENT ON TABLE memory_tombstones IS 'Memories that were forgotten: they come back by no import and no late vector.';
COMMENT ON COLUMN memory_tombstones.id IS 'The memory that was.';
COMMENT ON COLUMN memory_tombstones.content_hash IS 'SHA-256 of what it said.';
COMMENT ON COLUMN memory_tombstones.forgotten_by IS 'Who had it forgotten.';
COMMENT ON COLUMN memory_tombstones.forgotten_at IS 'When.';
