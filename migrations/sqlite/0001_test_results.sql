-- One row a slot, fired or not (design §5), and one row a test without a slot.
--
-- Times are RFC 3339 texts in UTC with six decimals, so that they sort; uuids, decimals and JSON are texts too.

-- One row a slot, fired or not, and one row a test without a slot. All times are on the clock that the instances share (the board's), not on this server's.
CREATE TABLE canary_test_results (
    -- Name and idempotency key of the test; its memo is canary-<test_id>. For a slot: a keyed hash of canary, path and cycle.
    test_id TEXT PRIMARY KEY NOT NULL,
    -- Name of the deployment; several may share these tables.
    canary TEXT NOT NULL,
    -- Name of the route that was tested.
    path TEXT NOT NULL,
    -- How the transfer was made: intra, async (saga) or 2pc.
    backend TEXT NOT NULL CHECK (backend IN ('intra', 'async', '2pc')),
    -- Frame of the sender.
    source_frame TEXT NOT NULL,
    -- Frame of the receiver.
    dest_frame TEXT NOT NULL,
    -- Number of the fire period: floor(epoch milliseconds / period_ms). NULL for a test without a slot.
    cycle INTEGER,
    -- Term of the runner that registered the test; 0 where nobody led.
    term INTEGER NOT NULL,
    -- DID of the sender.
    sender TEXT NOT NULL,
    -- DID of the receiver.
    receiver TEXT NOT NULL,
    -- What was sent, in AVT.
    amount TEXT NOT NULL,
    -- The platform's id of the transfer, from the answer to the call.
    transfer_id TEXT,
    -- When the test was registered; for a slot that was not fired, when it was due.
    registered_at TEXT NOT NULL,
    -- Read right before the request left. NULL: not fired, or never noted.
    fired_at TEXT,
    -- When the call was answered 2xx.
    accepted_at TEXT,
    -- What the call came to; sent: no answer known yet.
    fire_status TEXT CHECK (fire_status IN ('sent', 'accepted', 'rejected', 'unavailable', 'timeout')),
    -- HTTP status of the answer.
    fire_code INTEGER,
    -- When TokensTransferred was first seen.
    tokens_xfer_seen_at TEXT,
    -- When TransactionFeeCollected was first seen.
    fee_collected_seen_at TEXT,
    -- When CrossFrameTransferInitiated was first seen.
    cf_initiated_seen_at TEXT,
    -- When CrossFrameTransferSettled of the local frame was first seen.
    cf_settled_local_seen_at TEXT,
    -- When CrossFrameTransferSettled of another frame was first seen.
    cf_settled_remote_seen_at TEXT,
    -- When CrossFrameTransferRefunded was first seen.
    cf_refunded_seen_at TEXT,
    -- The first sighting of each stage: {stage: {seen, occurred, via, frame, position, error_us}}. via is live, replay or backstop; error_us bounds the clock error of seen.
    stamps TEXT NOT NULL DEFAULT '{}',
    -- When the done rule became true.
    completed_at TEXT,
    -- When it had to be done. NULL for a slot that was not fired.
    deadline_at TEXT,
    -- The moment that the verdict is about; never the moment of the sweep.
    decided_as_of TEXT,
    -- When the verdict was last written.
    judged_at TEXT,
    -- pending, passed, late, failed (the platform), inconclusive (the canary couldn't know), skipped (on purpose), missed (nobody led, or the leader couldn't).
    outcome TEXT NOT NULL
        CHECK (outcome IN ('pending', 'passed', 'late', 'failed', 'inconclusive', 'skipped', 'missed')),
    -- Why: the reason of every outcome but pending, passed and late.
    failure_signal TEXT
        CHECK (failure_signal IN (
            'refunded', 'rejected', 'unavailable', 'fire_timeout', 'timeout', 'mismatch', 'refunded_after_settled',
            'observer_blind', 'state_lost', 'runner_lost', 'credentials',
            'paused', 'maintenance',
            'no_leader', 'overrun', 'lease_lost', 'rate_limited'
        )),
    -- Names of the groups of stages that were not met.
    missing_stages TEXT NOT NULL DEFAULT '[]',
    -- completed_at less fired_at, in milliseconds.
    total_latency_ms REAL,
    -- What completed_at was taken from: observed (when we saw it) or event_time (when the platform says it happened).
    latency_basis TEXT CHECK (latency_basis IN ('observed', 'event_time')),
    -- Bound of the latency's error from the clocks, in milliseconds.
    clock_error_ms REAL,
    -- 0 while pending, 1 with the first verdict, one more with each later change of the row.
    revision INTEGER NOT NULL DEFAULT 0,
    -- schedule: a slot. probe, fire: asked for by an operator; outside accounting, rates, alerts and export.
    origin TEXT NOT NULL CHECK (origin IN ('schedule', 'probe', 'fire')),
    -- The fire period in milliseconds, which gives cycle its meaning.
    period_ms INTEGER CHECK (period_ms > 0),
    -- Time from firing to the deadline, in milliseconds.
    deadline_ms INTEGER NOT NULL,
    -- Time from firing to the end of the watch, in milliseconds.
    watch_ms INTEGER NOT NULL,
    -- Bound of the clock error of fired_at, in microseconds.
    fired_error_us INTEGER NOT NULL DEFAULT 0,
    -- When the answer to the call, or its absence, was certain.
    answered_at TEXT,
    -- What was said against the call: {code, detail}; secrets removed.
    fire_error TEXT,
    -- Set when nothing was sent: {at, reason, code}; code is what the sign-in was answered.
    withheld TEXT,
    -- The first event of this test that names other parties or another amount: {at, what}.
    mismatch TEXT,
    -- Of a call without a good answer: whether the transfer was carried out all the same.
    landed INTEGER CHECK (landed IN (0, 1)),
    -- Highest term of a judge that looked at the row; a judge of a lower term leaves it alone. 0: none yet.
    judge_term INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT canary_test_results_slot UNIQUE (canary, path, cycle),
    CONSTRAINT canary_test_results_slot_whole
        CHECK ((origin = 'schedule') = (cycle IS NOT NULL) AND (cycle IS NULL) = (period_ms IS NULL)),
    CONSTRAINT canary_test_results_first_verdict CHECK ((outcome = 'pending') = (revision = 0))
) STRICT;

-- Pages of results, newest first.
CREATE INDEX canary_test_results_newest ON canary_test_results (canary, registered_at DESC, test_id DESC);
CREATE INDEX canary_test_results_newest_of_path
    ON canary_test_results (canary, path, registered_at DESC, test_id DESC);
-- The few rows that did not pass, pending ones among them.
CREATE INDEX canary_test_results_not_passed
    ON canary_test_results (canary, outcome, registered_at DESC, test_id DESC) WHERE outcome <> 'passed';
-- Spans, gaps and accounting, from the index alone.
CREATE INDEX canary_test_results_slots
    ON canary_test_results (canary, path, period_ms, cycle, outcome) WHERE origin = 'schedule';
-- What the hourly rollup has to look at, and the rows of one hour.
CREATE INDEX canary_test_results_judged ON canary_test_results (canary, judged_at) WHERE origin = 'schedule';
CREATE INDEX canary_test_results_hour
    ON canary_test_results (canary, path, (cycle * period_ms / 3600000)) WHERE origin = 'schedule';
