-- +goose Up
-- Another person in a part of an agreement that everybody has signed. succession says which part, who had it and who has it now,
-- by their ids, and the hash of the document of authority.
ALTER TABLE amendments ADD COLUMN succession TEXT NOT NULL DEFAULT '{}';

-- Who is proposed for a part, and who had one before. The table of parties holds who has it now, and only that one may do anything.
CREATE TABLE parties_aside (
    id       TEXT PRIMARY KEY,
    request  TEXT NOT NULL REFERENCES requests (id),
    part     TEXT NOT NULL,
    person   TEXT NOT NULL,
    digest   TEXT NOT NULL,
    salt     TEXT NOT NULL,
    name     TEXT NOT NULL,
    latin    TEXT NOT NULL,
    position TEXT NOT NULL,
    email    TEXT NOT NULL
);
CREATE INDEX parties_aside_request ON parties_aside (request);

-- The documents of authority, as they were handed in. They are no documents of ours: nobody but staff reads them, and the same
-- file may stand under two amendments.
CREATE TABLE authorities (
    amendment TEXT PRIMARY KEY,
    sha256    TEXT NOT NULL,
    pdf       BYTEA NOT NULL,
    at        BIGINT NOT NULL
);

-- +goose Down
DROP TABLE authorities;
DROP TABLE parties_aside;
ALTER TABLE amendments DROP COLUMN succession;
