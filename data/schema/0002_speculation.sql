-- Version 2: what speculative decoding and mixtures of experts produce. Never edited; statements are idempotent.
-- Blobs are little-endian; "float32" is the IEEE bits, and NaN in it means "not measured".

-- One row a round of speculative decoding; the row of a round stands in the run that drafted it.
-- nodes: 25 bytes each, parents before their children: int32 parent (-1: the text), int32 token id, float32 draft_prob,
-- float32 target_prob, float32 accept_prob, float32 draw, uint8 fate (0 ignored, 1 rejected, 2 accepted).
-- The accepted nodes are one chain from the text on; the accepted path is the first `accepted` of them.
CREATE TABLE IF NOT EXISTS draft_round (
    run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    pos INTEGER NOT NULL CHECK (pos >= 0),      -- where the first token of the round stands
    accepted INTEGER NOT NULL CHECK (accepted >= 0),
    added INTEGER NOT NULL,                     -- the target's own token behind the path; -1: none
    corrected INTEGER NOT NULL,                 -- 1: added stands where a drafted token was refused
    rows INTEGER NOT NULL,                      -- of the verify pass
    draft_ns INTEGER NOT NULL,
    verify_ns INTEGER NOT NULL,
    other_ns INTEGER NOT NULL,
    nodes BLOB NOT NULL,
    PRIMARY KEY (run, pos)
) STRICT;

-- The experts of the row at a position, prompt included.
-- experts: layers x per_token x 6 bytes (int16 expert, -1: truncated away; float32 weight), then a float32 of dropped mass a
-- layer, or nothing when all of them are 0.
CREATE TABLE IF NOT EXISTS token_experts (
    run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    pos INTEGER NOT NULL CHECK (pos >= 0),
    layers INTEGER NOT NULL,
    per_token INTEGER NOT NULL,
    experts BLOB NOT NULL,
    PRIMARY KEY (run, pos)
) STRICT;

-- One row a pass of rows through a model with experts.
-- layers: 8 bytes a layer: uint16 natural, uint16 executed, float32 coverage. coverage: a float32 a budget 1, 2, ...
CREATE TABLE IF NOT EXISTS expert_pass (
    run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,                       -- order of the passes, from 0
    pos INTEGER NOT NULL CHECK (pos >= 0),      -- of its first row
    rows INTEGER NOT NULL,
    verify INTEGER NOT NULL,                    -- 1: of a draft tree
    budget INTEGER NOT NULL,                    -- experts a layer; 0: all
    expert_bytes INTEGER NOT NULL,
    total_bytes INTEGER NOT NULL,
    time_ns INTEGER NOT NULL,
    layers BLOB NOT NULL,
    coverage BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT;
