CREATE FUNCTION forbid_unpaying() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'paid' AND NEW.status <> 'paid' THEN RAISE EXCEPTION 'a paid invoice stays paid'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoices_stay_paid BEFORE UPDATE ON invoices FOR EACH ROW EXECUTE FUNCTION forbid_unpaying();
