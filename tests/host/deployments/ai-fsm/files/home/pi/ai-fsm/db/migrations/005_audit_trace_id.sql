ALTER TABLE audit_log ADD COLUMN trace_id text;
