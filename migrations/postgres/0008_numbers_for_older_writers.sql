-- During a rolling upgrade an instance of before schema 5 writes verdicts without a number: readers of the change feed would never see
-- them. The database gives the number where the writer doesn't.

CREATE FUNCTION canary_number_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The same row, locked until the same moment, as by writers who number their changes themselves. Whoever writes verdicts has
    -- its deployment's turn by then, of any version, so two of them never wait for each other here.
    INSERT INTO canary_change_feed AS feed (canary, last_change) VALUES (NEW.canary, 1)
    ON CONFLICT (canary) DO UPDATE SET last_change = feed.last_change + 1
    RETURNING last_change INTO STRICT NEW.change_id;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION canary_number_change() IS 'Numbers a change whose writer did not.';

CREATE TRIGGER canary_number_verdict BEFORE INSERT ON canary_test_results
    FOR EACH ROW WHEN (NEW.revision > 0 AND NEW.change_id IS NULL)
    EXECUTE FUNCTION canary_number_change();

CREATE TRIGGER canary_number_amendment BEFORE UPDATE ON canary_test_results
    FOR EACH ROW WHEN (NEW.revision > OLD.revision AND NEW.change_id IS NOT DISTINCT FROM OLD.change_id)
    EXECUTE FUNCTION canary_number_change();
