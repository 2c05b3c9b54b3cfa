-- Version 6: live changes of texts, and of runs whose text was taken back. Never edited; statements are idempotent.

-- A value that is a text; NULL: the value is a number.
ALTER TABLE control_change ADD COLUMN text TEXT;
-- How often a rule had taken the text back before the change: a position may be reached more than once.
ALTER TABLE control_change ADD COLUMN rewrites INTEGER NOT NULL DEFAULT 0;
