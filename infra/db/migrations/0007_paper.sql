-- +goose Up
-- A document that somebody signed outside the portal, as one member of the desk recorded it and a second one compared it.
-- Its bytes stand in documents, under their hash; sha256 is that of the PDF that it is a signature on.
CREATE TABLE papers (
    id        TEXT PRIMARY KEY,
    agreement TEXT NOT NULL REFERENCES agreements (id),
    version   INTEGER NOT NULL,
    sha256    TEXT NOT NULL,
    document  TEXT NOT NULL REFERENCES documents (sha256),
    uploader  TEXT NOT NULL,
    uploaded  BIGINT NOT NULL,
    state     TEXT NOT NULL,
    decider   TEXT NOT NULL,
    decided   BIGINT NOT NULL,
    note      TEXT NOT NULL,
    position  INTEGER NOT NULL,
    UNIQUE (agreement, position)
);

-- Whose signatures it carries, with name and position as they are printed there.
CREATE TABLE paper_signers (
    paper     TEXT NOT NULL REFERENCES papers (id),
    part      TEXT NOT NULL,
    signed_on TEXT NOT NULL,
    digest    TEXT NOT NULL,
    salt      TEXT NOT NULL,
    name      TEXT NOT NULL,
    position  TEXT NOT NULL,
    PRIMARY KEY (paper, part)
);

-- Empty where the signature was given in the portal.
ALTER TABLE signatures ADD COLUMN document TEXT NOT NULL DEFAULT '';
ALTER TABLE signatures ADD COLUMN signed_on TEXT NOT NULL DEFAULT '';
ALTER TABLE signatures ADD COLUMN uploaded_by TEXT NOT NULL DEFAULT '';
ALTER TABLE signatures ADD COLUMN confirmed_by TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE signatures DROP COLUMN confirmed_by;
ALTER TABLE signatures DROP COLUMN uploaded_by;
ALTER TABLE signatures DROP COLUMN signed_on;
ALTER TABLE signatures DROP COLUMN document;
DROP TABLE paper_signers;
DROP TABLE papers;
