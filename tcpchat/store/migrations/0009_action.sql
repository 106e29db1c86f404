-- An action is a message that says what its author does.
ALTER TABLE event ADD COLUMN action INTEGER NOT NULL DEFAULT 0;
ALTER TABLE scheduled ADD COLUMN action INTEGER NOT NULL DEFAULT 0;
