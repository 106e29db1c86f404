-- Points in time are milliseconds since 1970-01-01 UTC.

CREATE TABLE user (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE name (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    user TEXT NOT NULL UNIQUE REFERENCES user (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    room TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL REFERENCES user (id),
    name TEXT NOT NULL,
    recipient TEXT REFERENCES user (id),
    recipient_name TEXT,
    text TEXT NOT NULL,
    UNIQUE (room, seq)
) STRICT;

CREATE TABLE scheduled (
    id INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    author TEXT NOT NULL REFERENCES user (id),
    name TEXT NOT NULL,
    recipient TEXT REFERENCES user (id),
    recipient_name TEXT,
    text TEXT NOT NULL,
    due INTEGER NOT NULL
) STRICT;

CREATE TABLE report (
    target TEXT NOT NULL REFERENCES user (id),
    reporter TEXT NOT NULL REFERENCES user (id),
    reporter_key TEXT NOT NULL,
    reason TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (target, reporter)
) STRICT, WITHOUT ROWID;

CREATE TABLE mute (
    user TEXT PRIMARY KEY REFERENCES user (id),
    until INTEGER NOT NULL,
    reason TEXT
) STRICT, WITHOUT ROWID;
