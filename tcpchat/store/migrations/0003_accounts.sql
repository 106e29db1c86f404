-- One row for each token; `number` is what its user calls it.
CREATE TABLE device (
    hash BLOB PRIMARY KEY,
    user TEXT NOT NULL REFERENCES user (id),
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    since INTEGER NOT NULL,
    used INTEGER NOT NULL,
    UNIQUE (user, number)
) STRICT, WITHOUT ROWID;

INSERT INTO device (hash, user, number, name, address, since, used)
SELECT hash, user, 1, '', '', at, coalesce(left, at) FROM token JOIN user ON user.id = token.user;

-- When the user's last connection went, NULL while there is one.
ALTER TABLE user ADD COLUMN left INTEGER;

UPDATE user SET left = (SELECT left FROM token WHERE token.user = user.id);

DROP TABLE token;

ALTER TABLE user ADD COLUMN away TEXT;
ALTER TABLE user ADD COLUMN away_since INTEGER;
ALTER TABLE user ADD COLUMN receipts INTEGER NOT NULL DEFAULT 1;

CREATE TABLE account (
    user TEXT PRIMARY KEY REFERENCES user (id),
    since INTEGER NOT NULL,
    password TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far a user has read a room or conversation, and how far it was given to a device of that user.
-- There is a row for each conversation of a user.
CREATE TABLE mark (
    user TEXT NOT NULL REFERENCES user (id),
    room TEXT NOT NULL,
    read INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    PRIMARY KEY (user, room)
) STRICT, WITHOUT ROWID;

-- What was said before marks were kept counts as read.
INSERT INTO mark (user, room, read, delivered)
SELECT user, room, last, last
FROM (
    SELECT author AS user, room FROM message WHERE recipient IS NOT NULL
    UNION SELECT recipient, room FROM message WHERE recipient IS NOT NULL
) JOIN (SELECT room AS said, max(seq) AS last FROM message WHERE recipient IS NOT NULL GROUP BY room) ON said = room;

INSERT INTO mark (user, room, read, delivered)
SELECT user, 'lobby', last, last
FROM device, (SELECT coalesce(max(seq), 0) AS last FROM message WHERE room = 'lobby');

-- Which messages of rooms mention whom.
CREATE TABLE mention (
    user TEXT NOT NULL REFERENCES user (id),
    room TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (user, room, seq)
) STRICT, WITHOUT ROWID;

-- Of what is unread, one's own messages and those of who is ignored do not count.
CREATE INDEX message_said ON message (author, room, seq) WHERE recipient IS NULL;

CREATE TABLE ignored (
    user TEXT NOT NULL REFERENCES user (id),
    other TEXT NOT NULL REFERENCES user (id),
    PRIMARY KEY (user, other)
) STRICT, WITHOUT ROWID;

-- Who may not come in: `kind` is user or address.
CREATE TABLE ban (
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    until INTEGER NOT NULL,
    reason TEXT,
    PRIMARY KEY (kind, target)
) STRICT, WITHOUT ROWID;
