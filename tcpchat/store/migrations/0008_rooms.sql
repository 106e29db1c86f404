-- A room is a log of events; its `kind` is lobby or direct.
CREATE TABLE room (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO room (name, kind) VALUES ('lobby', 'lobby');
INSERT OR IGNORE INTO room (name, kind)
SELECT room, CASE WHEN room GLOB '@*' THEN 'direct' ELSE 'lobby' END
FROM (SELECT room FROM message UNION SELECT room FROM mark);

-- Every event has a number of its room. `target` is the number of the message that an event is about;
-- a message has the text that it has now, and since when if it was edited.
ALTER TABLE message RENAME TO event;
ALTER TABLE event ADD COLUMN kind TEXT NOT NULL DEFAULT 'message';
ALTER TABLE event ADD COLUMN target INTEGER;
ALTER TABLE event ADD COLUMN edited INTEGER;

DROP INDEX message_author;
DROP INDEX message_recipient;
DROP INDEX message_said;
-- Unread messages of a room are all events but those that are no message, one's own, and those of ignored users.
CREATE INDEX event_author ON event (author, room, seq);
CREATE INDEX event_kind ON event (room, seq) WHERE kind <> 'message';
CREATE INDEX event_recipient ON event (recipient) WHERE recipient IS NOT NULL;

-- A user in a room, and the last events that the user has read, and that were delivered to the user.
CREATE TABLE member (
    user TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    room TEXT NOT NULL REFERENCES room (name) DEFERRABLE INITIALLY DEFERRED,
    role TEXT NOT NULL DEFAULT 'member',
    read INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    PRIMARY KEY (user, room)
) STRICT, WITHOUT ROWID;

INSERT INTO member (user, room, read, delivered) SELECT user, room, read, delivered FROM mark;
DROP TABLE mark;

ALTER TABLE scheduled ADD COLUMN room TEXT NOT NULL DEFAULT 'lobby';
UPDATE scheduled SET room = '@' || min(author, recipient) || '@' || max(author, recipient)
WHERE recipient IS NOT NULL;
