-- Which data this is: numbers of messages mean nothing in another.
CREATE TABLE journal (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO journal (id) VALUES (lower(hex(randomblob(8))));

-- The number of the user's last scheduled message; numbers are not used again.
ALTER TABLE user ADD COLUMN last_number INTEGER NOT NULL DEFAULT 0;

UPDATE user SET last_number = coalesce((SELECT max(number) FROM scheduled WHERE author = user.id), 0);

-- `left` is when the user's last connection went, NULL while there is one.
CREATE TABLE token (
    user TEXT PRIMARY KEY REFERENCES user (id),
    hash BLOB NOT NULL UNIQUE,
    left INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX token_left ON token (left);

-- What a repeat of a send is answered with.
CREATE TABLE sent_key (
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL REFERENCES user (id),
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    room TEXT,
    username TEXT,
    seq INTEGER,
    number INTEGER,
    time INTEGER NOT NULL,
    UNIQUE (user, key)
) STRICT;

CREATE INDEX sent_key_at ON sent_key (at);

-- With whom a user who comes back has talked. Messages of rooms are in neither.
CREATE INDEX message_author ON message (author, recipient, seq) WHERE recipient IS NOT NULL;
CREATE INDEX message_recipient ON message (recipient, author, seq) WHERE recipient IS NOT NULL;
