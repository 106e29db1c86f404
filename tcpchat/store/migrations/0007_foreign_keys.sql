-- References to users are enforced from this version on: at the end of a transaction, so that the order of rows in
-- it does not matter. Nothing checked them before. A user who is missing is stored, so that no row is lost.
INSERT INTO user (id, at)
SELECT id, min(at)
FROM (
    SELECT author AS id, at FROM message
    UNION ALL SELECT recipient, at FROM message WHERE recipient IS NOT NULL
    UNION ALL SELECT target, at FROM report
    UNION ALL SELECT reporter, at FROM report
    UNION ALL SELECT user, since FROM account
    UNION ALL SELECT user, since FROM device
    UNION ALL SELECT user, at FROM sent_key
    UNION ALL SELECT id, CAST(strftime('%s', 'now') AS INTEGER) * 1000
    FROM (
        SELECT user AS id FROM name
        UNION SELECT author FROM scheduled
        UNION SELECT recipient FROM scheduled WHERE recipient IS NOT NULL
        UNION SELECT user FROM mute
        UNION SELECT user FROM mark
        UNION SELECT user FROM mention
        UNION SELECT user FROM ignored
        UNION SELECT other FROM ignored
    )
)
WHERE id NOT IN (SELECT id FROM user)
GROUP BY id;

CREATE TABLE new_name (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    user TEXT NOT NULL UNIQUE REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

INSERT INTO new_name (key, name, user) SELECT key, name, user FROM name;
DROP TABLE name;
ALTER TABLE new_name RENAME TO name;

CREATE TABLE new_message (
    id INTEGER PRIMARY KEY,
    room TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL,
    recipient TEXT REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    recipient_name TEXT,
    text TEXT NOT NULL,
    UNIQUE (room, seq)
) STRICT;

INSERT INTO new_message (id, room, seq, at, author, name, recipient, recipient_name, text)
SELECT id, room, seq, at, author, name, recipient, recipient_name, text FROM message ORDER BY id;
DROP TABLE message;
ALTER TABLE new_message RENAME TO message;

-- The first two hold direct messages, the third all others.
CREATE INDEX message_author ON message (author, recipient, seq) WHERE recipient IS NOT NULL;
CREATE INDEX message_recipient ON message (recipient, author, seq) WHERE recipient IS NOT NULL;
CREATE INDEX message_said ON message (author, room, seq) WHERE recipient IS NULL;

CREATE TABLE new_scheduled (
    id INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    author TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL,
    recipient TEXT REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    recipient_name TEXT,
    text TEXT NOT NULL,
    due INTEGER NOT NULL
) STRICT;

INSERT INTO new_scheduled (id, number, author, name, recipient, recipient_name, text, due)
SELECT id, number, author, name, recipient, recipient_name, text, due FROM scheduled;
DROP TABLE scheduled;
ALTER TABLE new_scheduled RENAME TO scheduled;

CREATE TABLE new_report (
    target TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    reporter TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    reporter_key TEXT NOT NULL,
    reason TEXT,
    at INTEGER NOT NULL,
    source TEXT,  -- reports with the same source count once; NULL: the report counts on its own
    PRIMARY KEY (target, reporter)
) STRICT, WITHOUT ROWID;

INSERT INTO new_report (target, reporter, reporter_key, reason, at, source)
SELECT target, reporter, reporter_key, reason, at, source FROM report;
DROP TABLE report;
ALTER TABLE new_report RENAME TO report;

CREATE TABLE new_mute (
    user TEXT PRIMARY KEY REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    until INTEGER NOT NULL,
    reason TEXT,
    operator INTEGER NOT NULL DEFAULT 0  -- 1: by the operator; 0: because of reports
) STRICT, WITHOUT ROWID;

INSERT INTO new_mute (user, until, reason, operator) SELECT user, until, reason, operator FROM mute;
DROP TABLE mute;
ALTER TABLE new_mute RENAME TO mute;

CREATE TABLE new_sent_key (
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    room TEXT NOT NULL,
    username TEXT,
    seq INTEGER,
    number INTEGER,
    time INTEGER NOT NULL,
    UNIQUE (user, key)
) STRICT;

INSERT INTO new_sent_key (id, user, key, at, room, username, seq, number, time)
SELECT id, user, key, at, room, username, seq, number, time FROM sent_key;
DROP TABLE sent_key;
ALTER TABLE new_sent_key RENAME TO sent_key;

CREATE INDEX sent_key_at ON sent_key (at);

CREATE TABLE new_device (
    hash BLOB PRIMARY KEY,
    user TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    since INTEGER NOT NULL,
    used INTEGER NOT NULL,
    UNIQUE (user, number)
) STRICT, WITHOUT ROWID;

INSERT INTO new_device (hash, user, number, name, address, since, used)
SELECT hash, user, number, name, address, since, used FROM device;
DROP TABLE device;
ALTER TABLE new_device RENAME TO device;

CREATE TABLE new_account (
    user TEXT PRIMARY KEY REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    since INTEGER NOT NULL,
    password TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO new_account (user, since, password) SELECT user, since, password FROM account;
DROP TABLE account;
ALTER TABLE new_account RENAME TO account;

CREATE TABLE new_mark (
    user TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    room TEXT NOT NULL,
    read INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    PRIMARY KEY (user, room)
) STRICT, WITHOUT ROWID;

INSERT INTO new_mark (user, room, read, delivered) SELECT user, room, read, delivered FROM mark;
DROP TABLE mark;
ALTER TABLE new_mark RENAME TO mark;

CREATE TABLE new_mention (
    user TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    room TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (user, room, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO new_mention (user, room, seq) SELECT user, room, seq FROM mention;
DROP TABLE mention;
ALTER TABLE new_mention RENAME TO mention;

CREATE TABLE new_ignored (
    user TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    other TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (user, other)
) STRICT, WITHOUT ROWID;

INSERT INTO new_ignored (user, other) SELECT user, other FROM ignored;
DROP TABLE ignored;
ALTER TABLE new_ignored RENAME TO ignored;
