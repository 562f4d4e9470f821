-- The export's mark is a number of the change feed: a row that is judged late has its place there, and none among
-- registrations that were passed before.

ALTER TABLE canary_export_cursor ADD COLUMN change_id bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN canary_export_cursor.change_id IS 'Number of the last change up to which everything was pushed, so long ago that the receiver has it on disk. Only ever rises; take the row away to have everything pushed again.';
COMMENT ON COLUMN canary_export_cursor.registered_at IS 'Registration of the row with that number.';
COMMENT ON COLUMN canary_export_cursor.test_id IS 'Id of the row with that number.';
COMMENT ON COLUMN canary_export_cursor.exported_at IS 'When the mark was moved there.';
