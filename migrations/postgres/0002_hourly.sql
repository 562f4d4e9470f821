-- The rollup that 30-day views read instead of a million rows (design §5). Computed again from the rows whenever a row
-- of it is judged, so it can always be thrown away and made again while the rows are there.

CREATE TABLE canary_hourly (
    canary text NOT NULL,
    path text NOT NULL,
    backend text NOT NULL CHECK (backend IN ('intra', 'async', '2pc')),
    hour timestamptz NOT NULL,
    passed bigint NOT NULL,
    late bigint NOT NULL,
    failed bigint NOT NULL,
    inconclusive bigint NOT NULL,
    skipped bigint NOT NULL,
    missed bigint NOT NULL,
    pending bigint NOT NULL,
    latencies jsonb NOT NULL,
    PRIMARY KEY (canary, path, hour, backend)
);

CREATE INDEX canary_hourly_oldest ON canary_hourly (canary, hour);

COMMENT ON TABLE canary_hourly IS 'Counts and latencies of the scheduled slots of one path in one hour.';
COMMENT ON COLUMN canary_hourly.canary IS 'Name of the deployment.';
COMMENT ON COLUMN canary_hourly.path IS 'Name of the route.';
COMMENT ON COLUMN canary_hourly.backend IS 'How its transfers were made.';
COMMENT ON COLUMN canary_hourly.hour IS 'Begin of the hour that the slots'' cycles begin in.';
COMMENT ON COLUMN canary_hourly.passed IS 'Slots that passed.';
COMMENT ON COLUMN canary_hourly.late IS 'Slots that were done after their deadline.';
COMMENT ON COLUMN canary_hourly.failed IS 'Slots that the platform failed.';
COMMENT ON COLUMN canary_hourly.inconclusive IS 'Slots of which the canary couldn''t know.';
COMMENT ON COLUMN canary_hourly.skipped IS 'Slots not fired on purpose.';
COMMENT ON COLUMN canary_hourly.missed IS 'Slots not fired for want of a leader.';
COMMENT ON COLUMN canary_hourly.pending IS 'Slots that had no verdict yet.';
COMMENT ON COLUMN canary_hourly.latencies IS 'Histogram of total_latency_ms of the passed and late ones: {bucket: count}. Bucket n ends at 0.1 ms * 1.02^n; histograms of many hours merge by adding.';
