-- What a business has after a while, in small.
INSERT INTO accounts (name, address) VALUES ('Example Services', '1 Example Street');
INSERT INTO users (account_id, email, password_hash, role) VALUES
    (1, 'owner@example.org', encode(sha256('dummy-secret-owner-password'), 'hex'), 'owner'),
    (1, 'tech@example.org', encode(sha256('dummy-secret-tech-password'), 'hex'), 'tech');
INSERT INTO jobs (account_id, title, status) VALUES (1, 'Boiler', 'completed'), (1, 'Roof', 'scheduled'), (1, 'Fence', 'draft');
INSERT INTO visits (job_id, scheduled_start, status) VALUES (1, now() - interval '7 days', 'completed'), (2, now() + interval '1 day', 'scheduled'), (2, now() + interval '8 days', 'scheduled');
INSERT INTO estimates (job_id, total_cents) VALUES (1, 120000), (2, 450000);
INSERT INTO invoices (job_id, total_cents, status, due_date) VALUES (1, 120000, 'paid', current_date), (2, 225000, 'sent', current_date + 14), (3, 5000, 'draft', NULL);
INSERT INTO payments (invoice_id, amount_cents) VALUES (1, 60000), (1, 60000);
INSERT INTO automations (account_id, type, config, next_run_at) VALUES
    (1, 'visit_reminder', '{"hours_before": 24}', now() + interval '1 hour'),
    (1, 'invoice_followup', '{"days_overdue": [7, 14, 30]}', now() + interval '1 hour');
INSERT INTO audit_log (account_id, entity_type, entity_id, action) VALUES
    (1, 'job', 1, 'insert'), (1, 'job', 1, 'update'), (1, 'invoice', 1, 'insert'), (1, 'payment', 1, 'insert'), (1, 'visit_reminder', 1, 'insert');
