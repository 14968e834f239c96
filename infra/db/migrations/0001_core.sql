-- +goose Up
-- The log and its head. Every change of state takes the head row first, so there is one writer at a time on both engines.
CREATE TABLE audit_head (
    id   INTEGER PRIMARY KEY,
    seq  BIGINT NOT NULL,
    at   BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (id, seq, at, hash)
VALUES (1, 0, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- kind, actor and subject repeat what the body says, for the time lines; verification compares them with the body.
CREATE TABLE audit_entries (
    seq     BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    hash    TEXT NOT NULL UNIQUE,
    kind    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    subject TEXT NOT NULL,
    body    TEXT NOT NULL
);
CREATE INDEX audit_entries_subject ON audit_entries (subject, seq);

-- Work that a change made necessary. One row a kind and subject: asking twice is asking once.
-- again is the time at which a job that was asked for anew while it ran must run once more.
CREATE TABLE jobs (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    due        BIGINT NOT NULL,
    again      BIGINT NOT NULL DEFAULT 0,
    attempts   INTEGER NOT NULL DEFAULT 0,
    lease      TEXT NOT NULL DEFAULT '',
    created    BIGINT NOT NULL,
    parked     BIGINT NOT NULL DEFAULT 0,
    last_error TEXT NOT NULL DEFAULT '',
    UNIQUE (kind, subject)
);
CREATE INDEX jobs_due ON jobs (parked, due);

-- Numbers that people read (DR-0042) come from here, taken inside the change that uses them, so none is lost or doubled.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

-- +goose Down
DROP TABLE counters;
DROP TABLE jobs;
DROP TABLE audit_entries;
DROP TABLE audit_head;
