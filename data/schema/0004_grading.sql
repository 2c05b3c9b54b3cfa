-- Version 4: by which rules a run was graded. Never edited; statements are idempotent.

-- kGradingVersion of the program that wrote answer and correct; 0: a program before that number was kept, or another database.
-- The writer grades a finished run again when the number is below its own.
ALTER TABLE run ADD COLUMN graded_by INTEGER NOT NULL DEFAULT 0;

-- Finds those runs without touching the rows of the others.
CREATE INDEX IF NOT EXISTS run_by_grading ON run (state, graded_by, id);
