-- The change feed: which rows got a verdict, or another one, since a reader last looked (design §8, the live stream).

ALTER TABLE canary_test_results ADD COLUMN change_id bigint;

-- Changes in their order. Rows that were judged before there was a feed are not in it.
CREATE INDEX canary_test_results_changes
    ON canary_test_results (canary, change_id) WHERE change_id IS NOT NULL;

COMMENT ON COLUMN canary_test_results.change_id IS 'Number of the row''s last change: its first verdict, or its last amendment. Ascends in the order of commits, with gaps. NULL while pending, and for rows judged before there were numbers.';

CREATE TABLE canary_change_feed (
    canary text PRIMARY KEY,
    last_change bigint NOT NULL
);

COMMENT ON TABLE canary_change_feed IS 'The last number given to a change. Whoever writes verdicts locks its deployment''s row until it commits, so that no number is seen before a lower one.';
COMMENT ON COLUMN canary_change_feed.canary IS 'Name of the deployment.';
COMMENT ON COLUMN canary_change_feed.last_change IS 'The highest change_id that was ever given, also when its row is gone.';
