-- One row a slot, fired or not (design §5), and one row a test without a slot.

CREATE TABLE canary_test_results (
    test_id uuid PRIMARY KEY,
    canary text NOT NULL,
    path text NOT NULL,
    backend text NOT NULL CHECK (backend IN ('intra', 'async', '2pc')),
    source_frame text NOT NULL,
    dest_frame text NOT NULL,
    cycle bigint,
    term bigint NOT NULL,
    sender text NOT NULL,
    receiver text NOT NULL,
    amount numeric NOT NULL CHECK (amount > 0),
    transfer_id text,
    registered_at timestamptz NOT NULL,
    fired_at timestamptz,
    accepted_at timestamptz,
    fire_status text CHECK (fire_status IN ('sent', 'accepted', 'rejected', 'unavailable', 'timeout')),
    fire_code integer,
    tokens_xfer_seen_at timestamptz,
    fee_collected_seen_at timestamptz,
    cf_initiated_seen_at timestamptz,
    cf_settled_local_seen_at timestamptz,
    cf_settled_remote_seen_at timestamptz,
    cf_refunded_seen_at timestamptz,
    stamps jsonb NOT NULL DEFAULT '{}',
    completed_at timestamptz,
    deadline_at timestamptz,
    decided_as_of timestamptz,
    judged_at timestamptz,
    outcome text NOT NULL
        CHECK (outcome IN ('pending', 'passed', 'late', 'failed', 'inconclusive', 'skipped', 'missed')),
    failure_signal text
        CHECK (failure_signal IN (
            'refunded', 'rejected', 'unavailable', 'fire_timeout', 'timeout', 'mismatch', 'refunded_after_settled',
            'observer_blind', 'state_lost', 'runner_lost', 'credentials',
            'paused', 'maintenance',
            'no_leader', 'overrun', 'lease_lost', 'rate_limited'
        )),
    missing_stages text[] NOT NULL DEFAULT '{}',
    total_latency_ms double precision,
    latency_basis text CHECK (latency_basis IN ('observed', 'event_time')),
    clock_error_ms double precision,
    revision integer NOT NULL DEFAULT 0,
    origin text NOT NULL CHECK (origin IN ('schedule', 'probe', 'fire')),
    period_ms bigint CHECK (period_ms > 0),
    deadline_ms bigint NOT NULL,
    watch_ms bigint NOT NULL,
    fired_error_us bigint NOT NULL DEFAULT 0,
    answered_at timestamptz,
    fire_error jsonb,
    withheld jsonb,
    mismatch jsonb,
    landed boolean,
    judge_term bigint NOT NULL DEFAULT 0,
    CONSTRAINT canary_test_results_slot UNIQUE (canary, path, cycle),
    CONSTRAINT canary_test_results_slot_whole
        CHECK ((origin = 'schedule') = (cycle IS NOT NULL) AND (cycle IS NULL) = (period_ms IS NULL)),
    CONSTRAINT canary_test_results_first_verdict CHECK ((outcome = 'pending') = (revision = 0))
);

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

COMMENT ON TABLE canary_test_results IS 'One row a slot, fired or not, and one row a test without a slot. All times are on the clock that the instances share (the board''s), not on this server''s.';
COMMENT ON COLUMN canary_test_results.test_id IS 'Name and idempotency key of the test; its memo is canary-<test_id>. For a slot: a keyed hash of canary, path and cycle.';
COMMENT ON COLUMN canary_test_results.canary IS 'Name of the deployment; several may share these tables.';
COMMENT ON COLUMN canary_test_results.path IS 'Name of the route that was tested.';
COMMENT ON COLUMN canary_test_results.backend IS 'How the transfer was made: intra, async (saga) or 2pc.';
COMMENT ON COLUMN canary_test_results.source_frame IS 'Frame of the sender.';
COMMENT ON COLUMN canary_test_results.dest_frame IS 'Frame of the receiver.';
COMMENT ON COLUMN canary_test_results.cycle IS 'Number of the fire period: floor(epoch milliseconds / period_ms). NULL for a test without a slot.';
COMMENT ON COLUMN canary_test_results.term IS 'Term of the runner that registered the test; 0 where nobody led.';
COMMENT ON COLUMN canary_test_results.sender IS 'DID of the sender.';
COMMENT ON COLUMN canary_test_results.receiver IS 'DID of the receiver.';
COMMENT ON COLUMN canary_test_results.amount IS 'What was sent, in AVT.';
COMMENT ON COLUMN canary_test_results.transfer_id IS 'The platform''s id of the transfer, from the answer to the call.';
COMMENT ON COLUMN canary_test_results.registered_at IS 'When the test was registered; for a slot that was not fired, when it was due.';
COMMENT ON COLUMN canary_test_results.fired_at IS 'Read right before the request left. NULL: not fired, or never noted.';
COMMENT ON COLUMN canary_test_results.accepted_at IS 'When the call was answered 2xx.';
COMMENT ON COLUMN canary_test_results.fire_status IS 'What the call came to; sent: no answer known yet.';
COMMENT ON COLUMN canary_test_results.fire_code IS 'HTTP status of the answer.';
COMMENT ON COLUMN canary_test_results.tokens_xfer_seen_at IS 'When TokensTransferred was first seen.';
COMMENT ON COLUMN canary_test_results.fee_collected_seen_at IS 'When TransactionFeeCollected was first seen.';
COMMENT ON COLUMN canary_test_results.cf_initiated_seen_at IS 'When CrossFrameTransferInitiated was first seen.';
COMMENT ON COLUMN canary_test_results.cf_settled_local_seen_at IS 'When CrossFrameTransferSettled of the local frame was first seen.';
COMMENT ON COLUMN canary_test_results.cf_settled_remote_seen_at IS 'When CrossFrameTransferSettled of another frame was first seen.';
COMMENT ON COLUMN canary_test_results.cf_refunded_seen_at IS 'When CrossFrameTransferRefunded was first seen.';
COMMENT ON COLUMN canary_test_results.stamps IS 'The first sighting of each stage: {stage: {seen, occurred, via, frame, position, error_us}}. via is live, replay or backstop; error_us bounds the clock error of seen.';
COMMENT ON COLUMN canary_test_results.completed_at IS 'When the done rule became true.';
COMMENT ON COLUMN canary_test_results.deadline_at IS 'When it had to be done. NULL for a slot that was not fired.';
COMMENT ON COLUMN canary_test_results.decided_as_of IS 'The moment that the verdict is about; never the moment of the sweep.';
COMMENT ON COLUMN canary_test_results.judged_at IS 'When the verdict was last written.';
COMMENT ON COLUMN canary_test_results.outcome IS 'pending, passed, late, failed (the platform), inconclusive (the canary couldn''t know), skipped (on purpose), missed (nobody led, or the leader couldn''t).';
COMMENT ON COLUMN canary_test_results.failure_signal IS 'Why: the reason of every outcome but pending, passed and late.';
COMMENT ON COLUMN canary_test_results.missing_stages IS 'Names of the groups of stages that were not met.';
COMMENT ON COLUMN canary_test_results.total_latency_ms IS 'completed_at less fired_at, in milliseconds.';
COMMENT ON COLUMN canary_test_results.latency_basis IS 'What completed_at was taken from: observed (when we saw it) or event_time (when the platform says it happened).';
COMMENT ON COLUMN canary_test_results.clock_error_ms IS 'Bound of the latency''s error from the clocks, in milliseconds.';
COMMENT ON COLUMN canary_test_results.revision IS '0 while pending, 1 with the first verdict, one more with each later change of the row.';
COMMENT ON COLUMN canary_test_results.origin IS 'schedule: a slot. probe, fire: asked for by an operator; outside accounting, rates, alerts and export.';
COMMENT ON COLUMN canary_test_results.period_ms IS 'The fire period in milliseconds, which gives cycle its meaning.';
COMMENT ON COLUMN canary_test_results.deadline_ms IS 'Time from firing to the deadline, in milliseconds.';
COMMENT ON COLUMN canary_test_results.watch_ms IS 'Time from firing to the end of the watch, in milliseconds.';
COMMENT ON COLUMN canary_test_results.fired_error_us IS 'Bound of the clock error of fired_at, in microseconds.';
COMMENT ON COLUMN canary_test_results.answered_at IS 'When the answer to the call, or its absence, was certain.';
COMMENT ON COLUMN canary_test_results.fire_error IS 'What was said against the call: {code, detail}; secrets removed.';
COMMENT ON COLUMN canary_test_results.withheld IS 'Set when nothing was sent: {at, reason, code}; code is what the sign-in was answered.';
COMMENT ON COLUMN canary_test_results.mismatch IS 'The first event of this test that names other parties or another amount: {at, what}.';
COMMENT ON COLUMN canary_test_results.landed IS 'Of a call without a good answer: whether the transfer was carried out all the same.';
COMMENT ON COLUMN canary_test_results.judge_term IS 'Highest term of a judge that looked at the row; a judge of a lower term leaves it alone. 0: none yet.';
