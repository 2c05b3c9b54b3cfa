-- Version 1. Never edited once a file with user_version 1 can exist: a change is a new NNNN_name.sql.
-- Statements are idempotent and run in one transaction together with the new user_version.
-- Units: times *_ms are Unix time in milliseconds UTC, *_ns are durations in nanoseconds, information is in nats.
-- NULL in a REAL column means "not measured" (NaN in memory).

CREATE TABLE IF NOT EXISTS session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice, so an undo cannot hit a newer row
    name TEXT NOT NULL,
    notes TEXT NOT NULL DEFAULT '',
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,            -- the largest is the session that reopens at start
    deleted_ms INTEGER                     -- NULL: live
) STRICT;

CREATE TABLE IF NOT EXISTS tokenizer (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE
) STRICT;

-- The bytes of every token that a run named, so that a session opens without its model.
CREATE TABLE IF NOT EXISTS vocab (
    tokenizer INTEGER NOT NULL REFERENCES tokenizer (id) ON DELETE CASCADE,
    token INTEGER NOT NULL CHECK (token >= 0),
    bytes BLOB NOT NULL,
    PRIMARY KEY (tokenizer, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    parent INTEGER REFERENCES run (id) DEFERRABLE INITIALLY DEFERRED,
    branch_pos INTEGER NOT NULL DEFAULT 0,
    title TEXT NOT NULL,
    notes TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'interrupted')),
    created_ms INTEGER NOT NULL,
    deleted_ms INTEGER,                    -- the same value for all that went in one deletion
    request TEXT NOT NULL,                 -- JSON of RunRequest: what repeats the run
    provenance TEXT,                       -- JSON of RunProvenance; NULL until the model is loaded
    tokenizer INTEGER REFERENCES tokenizer (id),
    -- copies of what a list shows and a search reads
    prompt TEXT NOT NULL,
    known_answer TEXT NOT NULL,
    seed INTEGER NOT NULL,                 -- the 64 bits of the unsigned seed
    penalty REAL NOT NULL,
    model_name TEXT NOT NULL DEFAULT '',
    model_hash TEXT NOT NULL DEFAULT '',
    weight_format TEXT NOT NULL DEFAULT '',
    -- counts of its own tokens, kept up in the transaction that adds the tokens
    tokens INTEGER NOT NULL DEFAULT 0,
    thinking_tokens INTEGER NOT NULL DEFAULT 0,
    markers INTEGER NOT NULL DEFAULT 0,
    interventions INTEGER NOT NULL DEFAULT 0,
    -- known when it has finished
    finish_reason TEXT,
    message TEXT NOT NULL DEFAULT '',
    prefill_ns INTEGER NOT NULL DEFAULT 0,
    decode_ns INTEGER NOT NULL DEFAULT 0,
    reference_ns INTEGER NOT NULL DEFAULT 0,
    wall_ns INTEGER NOT NULL DEFAULT 0,
    peak_memory_bytes INTEGER NOT NULL DEFAULT 0,
    mean_entropy REAL,
    mean_kl REAL,
    answer TEXT NOT NULL DEFAULT '',
    correct INTEGER                        -- 0, 1, or NULL: nothing to grade
) STRICT;

CREATE INDEX IF NOT EXISTS run_by_session ON run (session);
CREATE INDEX IF NOT EXISTS run_by_parent ON run (parent);

-- One row a generated token. Lists of alternatives are packed: 8 bytes each, little-endian int32 token id, float32 ln p.
CREATE TABLE IF NOT EXISTS token (
    run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    pos INTEGER NOT NULL CHECK (pos >= 0),
    id INTEGER NOT NULL CHECK (id >= 0),
    without_penalty_id INTEGER NOT NULL,
    logprob REAL,
    rank INTEGER NOT NULL,
    entropy REAL,
    varentropy REAL,
    marker_mass REAL,
    marker_mass_after REAL,
    penalty REAL,
    time_ns INTEGER NOT NULL,
    thinking INTEGER NOT NULL,
    marker INTEGER NOT NULL,
    penalized INTEGER NOT NULL,
    injected INTEGER NOT NULL,
    top BLOB NOT NULL,
    top_after BLOB NOT NULL,
    PRIMARY KEY (run, pos)
) STRICT, WITHOUT ROWID;

-- What the reference model says at the same position. A table of its own because it comes later: adding beats rewriting.
CREATE TABLE IF NOT EXISTS reference (
    run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    pos INTEGER NOT NULL CHECK (pos >= 0),
    kl REAL,
    entropy REAL,
    varentropy REAL,
    logprob REAL,
    rank INTEGER NOT NULL,
    top BLOB NOT NULL,
    PRIMARY KEY (run, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS control_change (
    run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,                  -- order of the changes, from 0
    pos INTEGER NOT NULL,                  -- first position sampled under the new value
    key TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS note (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    from_pos INTEGER NOT NULL,             -- positions [from_pos, to_pos)
    to_pos INTEGER NOT NULL,
    text TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS note_by_run ON note (run);
