-- The export's mark is a number of the change feed: a row that is judged late has its place there, and none among
-- registrations that were passed before. registered_at and test_id are those of the row with that number.

-- Number of the last change up to which everything was pushed, so long ago that the receiver has it on disk. Only ever rises; take the row away to have everything pushed again.
ALTER TABLE canary_export_cursor ADD COLUMN change_id INTEGER NOT NULL DEFAULT 0;
