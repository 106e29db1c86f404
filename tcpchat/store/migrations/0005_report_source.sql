-- What a report counts as: reports of one source count once. NULL: on its own.
ALTER TABLE report ADD COLUMN source TEXT;
