-- +goose Up
-- compromised is when two people said that somebody may have got at a delivery's key; 0: never.
ALTER TABLE deliveries ADD COLUMN compromised BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE deliveries DROP COLUMN compromised;
