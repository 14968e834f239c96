-- +goose Up
-- Who somebody is. Erasing a person empties name and salt and deletes the rest; the id stays, for the log names it.
CREATE TABLE persons (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    lang    TEXT NOT NULL,
    created BIGINT NOT NULL,
    erased  BIGINT NOT NULL DEFAULT 0
);

-- Verified addresses, normalised. lookup is a keyed hash of the address, salt goes into the hash that stands in events.
CREATE TABLE emails (
    address   TEXT PRIMARY KEY,
    lookup    TEXT NOT NULL UNIQUE,
    person_id TEXT NOT NULL REFERENCES persons (id),
    salt      TEXT NOT NULL,
    verified  BIGINT NOT NULL
);
CREATE INDEX emails_person ON emails (person_id, verified);

CREATE TABLE accounts (
    person_id   TEXT PRIMARY KEY REFERENCES persons (id),
    password    TEXT NOT NULL,
    password_at BIGINT NOT NULL,
    created     BIGINT NOT NULL,
    disabled    BIGINT NOT NULL DEFAULT 0
);

-- The second factor. seed is sealed, and empty while there is none; by_link says that enrolling needs a mailed link.
CREATE TABLE factors (
    person_id TEXT PRIMARY KEY REFERENCES persons (id),
    seed      TEXT NOT NULL,
    enrolled  BIGINT NOT NULL,
    held      BIGINT NOT NULL DEFAULT 0,
    by_link   INTEGER NOT NULL DEFAULT 0
);

-- The last step of 30 seconds whose code was taken. A code is used by raising it, in one conditional UPDATE.
CREATE TABLE totp_steps (
    person_id TEXT PRIMARY KEY,
    last_step BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    person_id TEXT NOT NULL REFERENCES persons (id),
    hash      TEXT NOT NULL,
    used      BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (person_id, hash)
);

-- The secret of an invitation is derived from id and generation with the local key, and stands nowhere.
CREATE TABLE invitations (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    email       TEXT NOT NULL,
    lang        TEXT NOT NULL,
    purpose     TEXT NOT NULL,
    salt        TEXT NOT NULL,
    generation  INTEGER NOT NULL DEFAULT 1,
    created     BIGINT NOT NULL,
    expires     BIGINT NOT NULL,
    accepted    BIGINT NOT NULL DEFAULT 0,
    accepted_by TEXT NOT NULL DEFAULT '',
    revoked     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX invitations_email ON invitations (email);
CREATE INDEX invitations_accepted_by ON invitations (accepted_by);

-- Links to a person with an account: 'reset' for a new password, 'enrol' for a new second factor.
CREATE TABLE links (
    id        TEXT PRIMARY KEY,
    kind      TEXT NOT NULL,
    person_id TEXT NOT NULL REFERENCES persons (id),
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    used      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX links_person ON links (person_id, kind);

-- A session. hash is the SHA-256 of the cookie; stage says how far signing in has come; seed is one being enrolled, sealed.
CREATE TABLE sessions (
    id        TEXT PRIMARY KEY,
    hash      TEXT NOT NULL UNIQUE,
    person_id TEXT NOT NULL,
    stage     TEXT NOT NULL,
    created   BIGINT NOT NULL,
    seen      BIGINT NOT NULL,
    proved    BIGINT NOT NULL DEFAULT 0,
    recovered INTEGER NOT NULL DEFAULT 0,
    agent     TEXT NOT NULL,
    seed      TEXT NOT NULL DEFAULT '',
    revoked   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX sessions_person ON sessions (person_id);
CREATE INDEX sessions_created ON sessions (created);

CREATE TABLE tokens (
    id        TEXT PRIMARY KEY,
    hash      TEXT NOT NULL UNIQUE,
    person_id TEXT NOT NULL REFERENCES persons (id),
    scope     TEXT NOT NULL,
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    revoked   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX tokens_person ON tokens (person_id);

-- Failures by keyed hashes of address, account and both. The oldest go when there are too many.
CREATE TABLE sign_in_failures (
    name  TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    last  BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_last ON sign_in_failures (last);

-- When something was last seen: a token used, a person at an address.
CREATE TABLE seen (
    subject   TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX seen_person ON seen (person_id);

-- Roles from-until, half open; until 0 is open. A role waits with its invitation until that is accepted.
CREATE TABLE staff_roles (
    id         TEXT PRIMARY KEY,
    person_id  TEXT NOT NULL DEFAULT '',
    invitation TEXT NOT NULL DEFAULT '',
    role       TEXT NOT NULL,
    since      BIGINT NOT NULL,
    until      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX staff_roles_person ON staff_roles (person_id);
CREATE INDEX staff_roles_invitation ON staff_roles (invitation);

-- What one member of staff proposed and another must confirm. details is emptied once it is decided; of somebody who was
-- to become staff it then names the invitation, which the two may not accept themselves.
CREATE TABLE staff_tasks (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    person_id   TEXT NOT NULL,
    details     TEXT NOT NULL,
    note        TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed    BIGINT NOT NULL,
    decided_by  TEXT NOT NULL DEFAULT '',
    decided     BIGINT NOT NULL DEFAULT 0,
    outcome     TEXT NOT NULL DEFAULT '',
    answer      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX staff_tasks_person ON staff_tasks (person_id);
CREATE INDEX staff_tasks_open ON staff_tasks (decided);

-- +goose Down
DROP TABLE staff_tasks;
DROP TABLE staff_roles;
DROP TABLE seen;
DROP TABLE sign_in_failures;
DROP TABLE tokens;
DROP TABLE sessions;
DROP TABLE links;
DROP TABLE invitations;
DROP TABLE recovery_codes;
DROP TABLE totp_steps;
DROP TABLE factors;
DROP TABLE accounts;
DROP TABLE emails;
DROP TABLE persons;
