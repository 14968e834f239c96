-- +goose Up
-- When the local key was lost, and this second factor with it. Its person may have the link for a new one mailed for a
-- while, if the password is the one from before; zero: the factor was not voided so, or there is a new one.
ALTER TABLE factors ADD COLUMN voided BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE factors DROP COLUMN voided;
