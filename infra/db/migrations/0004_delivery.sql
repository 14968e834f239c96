-- +goose Up
-- What the foundation holds: one row a file of a dataset. The body lies sealed in the archive bucket under object_key; wrapped is
-- its data key under the dataset's archive key, bound to the file's id; nonce is that of the first segment. A row in state 'storing' or 'clearing' belongs to an import
-- that has not got so far; its object may or may not be there.
-- left_out is how many people's files were left out of a dataset when it was imported; who they are is written nowhere.
CREATE TABLE archive_keys (
    dataset  TEXT PRIMARY KEY,
    key_id   TEXT NOT NULL UNIQUE,
    left_out BIGINT NOT NULL
);
CREATE TABLE files (
    id         TEXT PRIMARY KEY,
    dataset    TEXT NOT NULL,
    name       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    hospital   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL,
    source_mod BIGINT NOT NULL,
    object_key TEXT NOT NULL UNIQUE,
    parts_key  TEXT NOT NULL UNIQUE,
    wrapped    TEXT NOT NULL,
    size       BIGINT NOT NULL,
    sha256     TEXT NOT NULL,
    body_size  BIGINT NOT NULL,
    parts      BIGINT NOT NULL,
    root       TEXT NOT NULL,
    nonce      TEXT NOT NULL,
    UNIQUE (dataset, name)
);

-- A delivery: files handed over under one agreement, in one bucket, under one key. bucket and key_id are chosen before anything
-- is made and never used again, so a step that was done but not noticed is found by name.
CREATE TABLE deliveries (
    id              TEXT PRIMARY KEY,
    number          TEXT NOT NULL UNIQUE,
    agreement       TEXT NOT NULL,
    kind            TEXT NOT NULL,
    supersedes      TEXT NOT NULL DEFAULT '',
    state           TEXT NOT NULL,
    rev             BIGINT NOT NULL,
    bucket          TEXT NOT NULL UNIQUE,
    key_id          TEXT NOT NULL UNIQUE,
    created         BIGINT NOT NULL,
    planned         BIGINT NOT NULL DEFAULT 0,
    available       BIGINT NOT NULL DEFAULT 0,
    ended           BIGINT NOT NULL DEFAULT 0,
    end_reason      TEXT NOT NULL DEFAULT '',
    emptied         BIGINT NOT NULL DEFAULT 0,
    key_due         BIGINT NOT NULL DEFAULT 0,
    key_destroyed   BIGINT NOT NULL DEFAULT 0,
    bucket_removed  BIGINT NOT NULL DEFAULT 0,
    destroyed       BIGINT NOT NULL DEFAULT 0,
    bucket_end      BIGINT NOT NULL DEFAULT 0,
    files           BIGINT NOT NULL DEFAULT 0,
    bytes           BIGINT NOT NULL DEFAULT 0,
    certificate     TEXT NOT NULL DEFAULT '',
    -- the sealed manifest: object in the bucket, its data key under the delivery's key, size and hash of what comes out
    manifest_object  TEXT NOT NULL DEFAULT '',
    manifest_wrapped TEXT NOT NULL DEFAULT '',
    manifest_nonce   TEXT NOT NULL DEFAULT '',
    manifest_size    BIGINT NOT NULL DEFAULT 0,
    manifest_sha256  TEXT NOT NULL DEFAULT ''
);
CREATE INDEX deliveries_agreement ON deliveries (agreement);

-- position is the fixed order of listing, manifest and archive. bucket and object_key say where this delivery's body lies:
-- in the delivery's own bucket, or left in the archive. wrapped is the data key under the delivery's key, '' until prepared.
CREATE TABLE delivery_files (
    delivery   TEXT NOT NULL,
    position   BIGINT NOT NULL,
    file       TEXT NOT NULL,
    name       TEXT NOT NULL,
    bucket     TEXT NOT NULL,
    object_key TEXT NOT NULL,
    parts_key  TEXT NOT NULL,
    wrapped    TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (delivery, position),
    UNIQUE (delivery, file),
    UNIQUE (delivery, name)
);

-- What was deleted, as a document whose bytes are kept: base64 of the PDF, the structured source, and the SHA-256 of the PDF.
CREATE TABLE certificates (
    id       TEXT PRIMARY KEY,
    delivery TEXT NOT NULL UNIQUE,
    made     BIGINT NOT NULL,
    source   TEXT NOT NULL,
    pdf      TEXT NOT NULL,
    sha256   TEXT NOT NULL
);

-- A grant: one contact may read one delivery. Whether that is so now is worked out, never stored.
CREATE TABLE grants (
    id        TEXT PRIMARY KEY,
    contact   TEXT NOT NULL,
    delivery  TEXT NOT NULL,
    created   BIGINT NOT NULL,
    removed   BIGINT NOT NULL DEFAULT 0,
    UNIQUE (contact, delivery)
);
CREATE INDEX grants_delivery ON grants (delivery);

-- A transfer: one person fetching one file (or 'archive', all as one), in as many requests as it takes. Progress is
-- bookkeeping in a table of its own.
CREATE TABLE transfers (
    id       TEXT PRIMARY KEY,
    delivery TEXT NOT NULL,
    granted  TEXT NOT NULL,
    person   TEXT NOT NULL,
    file     TEXT NOT NULL,
    opened   BIGINT NOT NULL,
    closed   BIGINT NOT NULL DEFAULT 0,
    bytes    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX transfers_open ON transfers (granted, file, closed);
CREATE INDEX transfers_closed ON transfers (closed, opened);
CREATE TABLE transfer_progress (
    transfer TEXT PRIMARY KEY,
    bytes    BIGINT NOT NULL,
    at       BIGINT NOT NULL
);

-- +goose Down
DROP TABLE certificates;
DROP TABLE transfer_progress;
DROP TABLE transfers;
DROP TABLE grants;
DROP TABLE delivery_files;
DROP TABLE deliveries;
DROP TABLE files;
DROP TABLE archive_keys;
