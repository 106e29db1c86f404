-- The room of what was sent under a key was not written down for messages to one user. It follows from the
-- message, or from the scheduled message; else from who has the recipient's name now.
UPDATE sent_key SET room = coalesce(
    (SELECT message.room FROM message WHERE message.author = sent_key.user AND message.recipient IS NOT NULL
        AND message.recipient_name = sent_key.username AND message.seq = sent_key.seq
        AND message.at = sent_key.time),
    (SELECT '@' || min(author, recipient) || '@' || max(author, recipient) FROM scheduled
        WHERE author = sent_key.user AND number = sent_key.number),
    (SELECT '@' || min(name.user, sent_key.user) || '@' || max(name.user, sent_key.user) FROM name
        WHERE name.name = sent_key.username),
    '@'
) WHERE room IS NULL;
