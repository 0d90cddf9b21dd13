ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY jobs_by_account ON jobs USING (account_id = current_setting('app.account_id', true)::bigint);
