-- Named rooms: `key` is the skeleton of the name, by which names are compared; `closed` is when the room was closed.
ALTER TABLE room ADD COLUMN key TEXT;
ALTER TABLE room ADD COLUMN private INTEGER NOT NULL DEFAULT 0;
ALTER TABLE room ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE room ADD COLUMN closed INTEGER;
CREATE UNIQUE INDEX room_key ON room (key) WHERE key IS NOT NULL;

-- When the user entered the room. Members of a named room are listed by room.
ALTER TABLE member ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
CREATE INDEX member_room ON member (room, user);

-- An event about a member: what happened. `recipient` is the member, and `text` the reason.
ALTER TABLE event ADD COLUMN change TEXT;

-- How a user who is no member stands to a named room: invited, or removed.
CREATE TABLE standing (
    user TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    room TEXT NOT NULL REFERENCES room (name) DEFERRABLE INITIALLY DEFERRED,
    standing TEXT NOT NULL,
    by TEXT NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    at INTEGER NOT NULL,
    PRIMARY KEY (user, room)
) STRICT, WITHOUT ROWID;
