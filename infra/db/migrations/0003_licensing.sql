-- +goose Up
-- What may be asked for.
CREATE TABLE collections (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    title_nl  TEXT NOT NULL,
    title_en  TEXT NOT NULL,
    placement TEXT NOT NULL,
    created   BIGINT NOT NULL
);

CREATE TABLE datasets (
    id         TEXT PRIMARY KEY,
    collection TEXT NOT NULL REFERENCES collections (id),
    name       TEXT NOT NULL,
    state      TEXT NOT NULL,
    files      BIGINT NOT NULL,
    bytes      BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    UNIQUE (collection, name)
);

-- A request with its content. Lists of plain values stand as JSON; people and contacts have rows of their own, so that
-- one of them can be erased. digest is what the log holds of the content, salted with salt.
CREATE TABLE requests (
    id         TEXT PRIMARY KEY,
    number     TEXT NOT NULL UNIQUE,
    state      TEXT NOT NULL,
    rev        BIGINT NOT NULL,
    content    TEXT NOT NULL,
    salt       TEXT NOT NULL,
    digest     TEXT NOT NULL,
    until_day  TEXT NOT NULL,
    zone       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    editors    TEXT NOT NULL,
    recorded   BIGINT NOT NULL,
    revised    BIGINT NOT NULL,
    decider    TEXT NOT NULL,
    decided    BIGINT NOT NULL,
    decision   TEXT NOT NULL
);
CREATE INDEX requests_state ON requests (state, recorded);

CREATE TABLE request_datasets (
    request  TEXT NOT NULL REFERENCES requests (id),
    dataset  TEXT NOT NULL REFERENCES datasets (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (request, dataset)
);
CREATE INDEX request_datasets_dataset ON request_datasets (dataset);

-- address is the e-mail in the form in which two are compared; person is empty until the invitation is accepted.
CREATE TABLE parties (
    id       TEXT PRIMARY KEY,
    request  TEXT NOT NULL REFERENCES requests (id),
    part     TEXT NOT NULL,
    person   TEXT NOT NULL,
    digest   TEXT NOT NULL,
    salt     TEXT NOT NULL,
    name     TEXT NOT NULL,
    latin    TEXT NOT NULL,
    position TEXT NOT NULL,
    email    TEXT NOT NULL,
    address  TEXT NOT NULL,
    UNIQUE (request, part)
);
CREATE INDEX parties_person ON parties (person);

-- agreement is empty while the request is not approved.
CREATE TABLE contacts (
    id        TEXT PRIMARY KEY,
    request   TEXT NOT NULL REFERENCES requests (id),
    agreement TEXT NOT NULL,
    country   TEXT NOT NULL,
    person    TEXT NOT NULL,
    added     BIGINT NOT NULL,
    removed   BIGINT NOT NULL,
    suspended INTEGER NOT NULL,
    digest    TEXT NOT NULL,
    salt      TEXT NOT NULL,
    name      TEXT NOT NULL,
    latin     TEXT NOT NULL,
    position  TEXT NOT NULL,
    email     TEXT NOT NULL,
    address   TEXT NOT NULL,
    seq       BIGINT NOT NULL
);
CREATE INDEX contacts_request ON contacts (request, seq);
CREATE INDEX contacts_agreement ON contacts (agreement, seq);
CREATE INDEX contacts_person ON contacts (person);

-- term_from and term_until are the span that holds now. The small parts that only pages and decisions read stand as JSON.
CREATE TABLE agreements (
    id             TEXT PRIMARY KEY,
    request        TEXT NOT NULL REFERENCES requests (id),
    number         TEXT NOT NULL UNIQUE,
    request_number TEXT NOT NULL,
    state          TEXT NOT NULL,
    rev            BIGINT NOT NULL,
    version        INTEGER NOT NULL,
    variant        TEXT NOT NULL,
    lang           TEXT NOT NULL,
    zone           TEXT NOT NULL,
    not_before     TEXT NOT NULL,
    until_day      TEXT NOT NULL,
    term_from      BIGINT NOT NULL,
    term_until     BIGINT NOT NULL,
    sha256         TEXT NOT NULL,
    released       INTEGER NOT NULL,
    editor         TEXT NOT NULL,
    opened         BIGINT NOT NULL,
    held           INTEGER NOT NULL,
    durations      TEXT NOT NULL,
    proposal       TEXT NOT NULL,
    stop           TEXT NOT NULL,
    concern        TEXT NOT NULL,
    known          TEXT NOT NULL,
    list_confirmed BIGINT NOT NULL,
    closed         BIGINT NOT NULL,
    attestation    TEXT NOT NULL,
    drafted        BIGINT NOT NULL
);
CREATE INDEX agreements_request ON agreements (request);
CREATE INDEX agreements_state ON agreements (state, term_until);

CREATE TABLE confirmations (
    agreement    TEXT NOT NULL REFERENCES agreements (id),
    position     INTEGER NOT NULL,
    item         TEXT NOT NULL,
    text_version TEXT NOT NULL,
    lang         TEXT NOT NULL,
    answer       TEXT NOT NULL,
    explanation  TEXT NOT NULL,
    person       TEXT NOT NULL,
    at           BIGINT NOT NULL,
    accepted     INTEGER NOT NULL,
    PRIMARY KEY (agreement, item)
);

-- Signatures are never removed: those of an earlier version are void, and still show what was signed.
CREATE TABLE signatures (
    agreement TEXT NOT NULL REFERENCES agreements (id),
    version   INTEGER NOT NULL,
    part      TEXT NOT NULL,
    person    TEXT NOT NULL,
    sha256    TEXT NOT NULL,
    at        BIGINT NOT NULL,
    digest    TEXT NOT NULL,
    salt      TEXT NOT NULL,
    name      TEXT NOT NULL,
    position  TEXT NOT NULL,
    authority TEXT NOT NULL,
    PRIMARY KEY (agreement, version, part)
);

CREATE TABLE amendments (
    id        TEXT PRIMARY KEY,
    agreement TEXT NOT NULL REFERENCES agreements (id),
    number    INTEGER NOT NULL,
    type      TEXT NOT NULL,
    state     TEXT NOT NULL,
    person    TEXT NOT NULL,
    asked     BIGINT NOT NULL,
    note      TEXT NOT NULL,
    old_until TEXT NOT NULL,
    new_until TEXT NOT NULL,
    contact   TEXT NOT NULL,
    questions TEXT NOT NULL,
    decisions TEXT NOT NULL,
    effective BIGINT NOT NULL,
    sha256    TEXT NOT NULL,
    UNIQUE (agreement, number)
);
CREATE INDEX amendments_state ON amendments (state);

-- What was signed or decided, as bytes that are never made again. The hash is the key: the same bytes are the same document.
CREATE TABLE documents (
    sha256       TEXT PRIMARY KEY,
    agreement    TEXT NOT NULL REFERENCES agreements (id),
    amendment    TEXT NOT NULL,
    kind         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    lang         TEXT NOT NULL,
    text_version TEXT NOT NULL,
    source       TEXT NOT NULL,
    html         TEXT NOT NULL,
    pdf          BYTEA NOT NULL,
    made         BIGINT NOT NULL
);
CREATE INDEX documents_agreement ON documents (agreement, made);

-- Free text that people wrote; the log holds the digest.
CREATE TABLE notes (
    id      TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    salt    TEXT NOT NULL,
    digest  TEXT NOT NULL,
    body    TEXT NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX notes_subject ON notes (subject);

-- Each reminder once: the key says so, however often or late the worker looks.
CREATE TABLE milestones (
    agreement TEXT NOT NULL REFERENCES agreements (id),
    milestone TEXT NOT NULL,
    reached   BIGINT NOT NULL,
    PRIMARY KEY (agreement, milestone)
);

-- Letters to be sent. Bookkeeping: what a letter is about is in the log already. No secret stands here; links are derived
-- when the letter is composed.
CREATE TABLE mail_outbox (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    email      TEXT NOT NULL,
    name       TEXT NOT NULL,
    lang       TEXT NOT NULL,
    person     TEXT NOT NULL,
    number     TEXT NOT NULL,
    link       TEXT NOT NULL,
    facts      TEXT NOT NULL,
    invitation TEXT NOT NULL,
    created    BIGINT NOT NULL,
    sent       BIGINT NOT NULL
);
CREATE INDEX mail_outbox_address ON mail_outbox (email, created);

-- +goose Down
DROP TABLE mail_outbox;
DROP TABLE milestones;
DROP TABLE notes;
DROP TABLE documents;
DROP TABLE amendments;
DROP TABLE signatures;
DROP TABLE confirmations;
DROP TABLE agreements;
DROP TABLE contacts;
DROP TABLE parties;
DROP TABLE request_datasets;
DROP TABLE requests;
DROP TABLE datasets;
DROP TABLE collections;
