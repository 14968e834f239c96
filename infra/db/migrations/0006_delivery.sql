-- +goose Up
-- compromised is when two people said that somebody may have got at a delivery's key; 0: never.
ALTER TABLE deliveries ADD COLUMN compromised BIGINT NOT NULL DEFAULT 0;
-- warned is the bucket_end of which somebody was told that it comes before the end of the term; 0: none.
ALTER TABLE deliveries ADD COLUMN warned BIGINT NOT NULL DEFAULT 0;
-- manifest_key is the public key, in base64, that the manifest was signed with; '' in deliveries from before.
ALTER TABLE deliveries ADD COLUMN manifest_key TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE deliveries DROP COLUMN manifest_key;
ALTER TABLE deliveries DROP COLUMN warned;
ALTER TABLE deliveries DROP COLUMN compromised;
