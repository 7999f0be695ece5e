-- +goose Up

-- What waits for a person can be listed and decided elsewhere than where it was
-- asked. What waits during the upgrade is asked for again.
DELETE FROM function_confirmations;
ALTER TABLE function_confirmations ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE function_confirmations ADD COLUMN arguments TEXT NOT NULL DEFAULT '{}'; -- as a person is shown them
ALTER TABLE function_confirmations ADD COLUMN agreed_by TEXT NOT NULL DEFAULT ''; -- the principal, when somebody has

-- +goose Down

ALTER TABLE function_confirmations DROP COLUMN agreed_by;
ALTER TABLE function_confirmations DROP COLUMN arguments;
ALTER TABLE function_confirmations DROP COLUMN id;
