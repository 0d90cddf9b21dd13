-- Known passwords: never on production.
INSERT INTO accounts (name) VALUES ('Development');
INSERT INTO users (account_id, email, password_hash, role)
    SELECT max(id), 'dev@example.org', encode(sha256('password'), 'hex'), 'owner' FROM accounts;
