-- The change feed: which rows got a verdict, or another one, since a reader last looked (design §8, the live stream).

-- Number of the row's last change: its first verdict, or its last amendment. Ascends in the order of commits, with gaps. NULL while pending, and for rows judged before there were numbers.
ALTER TABLE canary_test_results ADD COLUMN change_id INTEGER;

-- Changes in their order. Rows that were judged before there was a feed are not in it.
CREATE INDEX canary_test_results_changes
    ON canary_test_results (canary, change_id) WHERE change_id IS NOT NULL;

-- The last number given to a change. One process writes at a time, so no number is seen before a lower one.
CREATE TABLE canary_change_feed (
    -- Name of the deployment.
    canary TEXT PRIMARY KEY NOT NULL,
    -- The highest change_id that was ever given, also when its row is gone.
    last_change INTEGER NOT NULL
) STRICT;
