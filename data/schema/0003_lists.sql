-- Version 3: lists that stay fast with many runs. Never edited; statements are idempotent.

-- Everything that a list shows of a run. A row of table run also holds prompt, request and provenance, which may be megabytes; this
-- index lets a list be read without touching them.
CREATE INDEX IF NOT EXISTS run_list ON run (
    session, deleted_ms, id, parent, branch_pos, title, state, finish_reason, created_ms, model_name, weight_format, seed, penalty,
    tokens, thinking_tokens, markers, interventions, mean_entropy, mean_kl, decode_ns, wall_ns, answer, known_answer, correct
);
DROP INDEX IF EXISTS run_by_session;
