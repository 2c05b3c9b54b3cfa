-- Version 5: what rules of the slots logits and control did to a text. Never edited; statements are idempotent.

CREATE TABLE IF NOT EXISTS rule_act (
    run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,                  -- order of the acts, from 0
    pos INTEGER NOT NULL,                  -- of the token
    rule INTEGER NOT NULL,                 -- index into "rules" of the provenance
    kind TEXT NOT NULL,                    -- turned, injected, ended
    tokens INTEGER NOT NULL,               -- that were injected, from pos on
    why TEXT NOT NULL,                     -- for people; may be empty
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
