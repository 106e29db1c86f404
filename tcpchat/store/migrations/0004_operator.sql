-- 1: the operator muted the user; 0: others reported the user.
ALTER TABLE mute ADD COLUMN operator INTEGER NOT NULL DEFAULT 0;
