-- The rollup that 30-day views read instead of a million rows (design §5). Computed again from the rows whenever a row
-- of it is judged, so it can always be thrown away and made again while the rows are there.

-- Counts and latencies of the scheduled slots of one path in one hour.
CREATE TABLE canary_hourly (
    -- Name of the deployment.
    canary TEXT NOT NULL,
    -- Name of the route.
    path TEXT NOT NULL,
    -- How its transfers were made.
    backend TEXT NOT NULL CHECK (backend IN ('intra', 'async', '2pc')),
    -- Begin of the hour that the slots' cycles begin in.
    hour TEXT NOT NULL,
    -- Slots that passed.
    passed INTEGER NOT NULL,
    -- Slots that were done after their deadline.
    late INTEGER NOT NULL,
    -- Slots that the platform failed.
    failed INTEGER NOT NULL,
    -- Slots of which the canary couldn't know.
    inconclusive INTEGER NOT NULL,
    -- Slots not fired on purpose.
    skipped INTEGER NOT NULL,
    -- Slots not fired for want of a leader.
    missed INTEGER NOT NULL,
    -- Slots that had no verdict yet.
    pending INTEGER NOT NULL,
    -- Histogram of total_latency_ms of the passed and late ones: {bucket: count}. Bucket n ends at 0.1 ms * 1.02^n; histograms of many hours merge by adding.
    latencies TEXT NOT NULL,
    PRIMARY KEY (canary, path, hour, backend)
) STRICT;

CREATE INDEX canary_hourly_oldest ON canary_hourly (canary, hour);
