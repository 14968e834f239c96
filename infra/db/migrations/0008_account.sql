-- +goose Up
-- The name in Latin letters too, where it is written in another script. salt goes into the hash of the name that stands in
-- events; it is empty until a name was changed.
ALTER TABLE persons ADD COLUMN latin TEXT NOT NULL DEFAULT '';
ALTER TABLE persons ADD COLUMN salt TEXT NOT NULL DEFAULT '';

-- What somebody was called before, so that staff can tell who did something under an earlier name. Erasing deletes them.
CREATE TABLE former_names (
    id        TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES persons (id),
    name      TEXT NOT NULL,
    latin     TEXT NOT NULL,
    until     BIGINT NOT NULL
);
CREATE INDEX former_names_person ON former_names (person_id, until);

-- How many attempts failed before this sign-in, for the person's own list.
ALTER TABLE sessions ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;

-- Every page of staff asks which agreements may wait for somebody, and at which revisions: without reading their rows.
CREATE INDEX agreements_waiting ON agreements (state, request, id, rev);

-- +goose Down
DROP INDEX agreements_waiting;
ALTER TABLE sessions DROP COLUMN failed;
DROP TABLE former_names;
ALTER TABLE persons DROP COLUMN salt;
ALTER TABLE persons DROP COLUMN latin;
