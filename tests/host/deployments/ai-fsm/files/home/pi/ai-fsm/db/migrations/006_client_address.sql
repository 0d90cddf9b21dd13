ALTER TABLE accounts ADD COLUMN address text;
