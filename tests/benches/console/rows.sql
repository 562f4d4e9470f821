-- The rows of the slots of some cycles, numbered as changes. $1 canary, $2 paths, $3 first cycle, $4 last cycle, $5 the last
-- number given before.
WITH slot AS (
    SELECT path.*, cycle, to_timestamp(cycle * 60) + path.number * interval '333 milliseconds' AS due,
        (hashint8extended(cycle * 64 + path.number, 1) & 1048575) / 1048576.0::float8 AS fate,
        (hashint8extended(cycle * 64 + path.number, 2) & 1048575) / 1048576.0::float8 AS speed
    FROM generate_series($3::bigint, $4::bigint) AS cycle
        CROSS JOIN jsonb_to_recordset($2)
            AS path(number integer, name text, backend text, sender text, receiver text)
), decided AS (
    SELECT *,
        CASE
            WHEN cycle / 60 % 167 = 11 AND cycle % 60 < 20 THEN 'skipped'
            WHEN backend = 'async' AND cycle / 60 % 131 = 7 THEN 'failed'
            WHEN fate < 0.0005 THEN 'missed'
            WHEN fate < 0.0015 THEN 'inconclusive'
            WHEN fate < 0.0045 THEN 'failed'
            WHEN fate < 0.0070 THEN 'late'
            ELSE 'passed'
        END AS outcome,
        CASE backend WHEN 'async' THEN 210.0 WHEN '2pc' THEN 24.0 ELSE 9.0 END * (0.9 + 0.3 * speed)
            / (1.0 - 0.97 * speed * speed) AS latency_ms
    FROM slot
), timed AS (
    SELECT *, outcome NOT IN ('skipped', 'missed') AS fired, outcome IN ('passed', 'late') AS done,
        CASE outcome WHEN 'late' THEN 5000 + latency_ms ELSE latency_ms END AS took_ms,
        due + interval '2 milliseconds' AS left_at
    FROM decided
), ended AS (
    SELECT *, left_at + took_ms * interval '1 millisecond' AS done_at,
        CASE WHEN done THEN left_at + (took_ms + 900) * interval '1 millisecond'
             WHEN fired THEN left_at + interval '6 seconds'
             ELSE due + interval '1 second' END AS said_at
    FROM timed
)
INSERT INTO canary_test_results (
    test_id, canary, path, backend, source_frame, dest_frame, cycle, term, sender, receiver, amount, transfer_id,
    registered_at, fired_at, accepted_at, answered_at, fire_status, fire_code, tokens_xfer_seen_at,
    fee_collected_seen_at, cf_initiated_seen_at, cf_settled_local_seen_at, stamps, completed_at, deadline_at,
    decided_as_of, judged_at, outcome, failure_signal, missing_stages, total_latency_ms, latency_basis, clock_error_ms,
    revision, origin, period_ms, deadline_ms, watch_ms, fired_error_us, judge_term, change_id
)
SELECT
    md5(name || cycle)::uuid, $1, name, backend, CASE sender WHEN 'charlie' THEN 'b' ELSE 'a' END,
    CASE receiver WHEN 'charlie' THEN 'b' ELSE 'a' END, cycle, 1, 'did:avt:canary:5f1b6c0e9d7a4c31:' || sender,
    'did:avt:canary:5f1b6c0e9d7a4c31:' || receiver, 0.01, CASE WHEN fired THEN md5(cycle || name) END,
    due, CASE WHEN fired THEN left_at END, CASE WHEN fired THEN left_at + interval '4 milliseconds' END,
    CASE WHEN fired THEN left_at + interval '4 milliseconds' END, CASE WHEN fired THEN 'accepted' END,
    CASE WHEN fired THEN 200 END, CASE WHEN done THEN left_at + interval '5 milliseconds' END,
    CASE WHEN done THEN left_at + interval '6 milliseconds' END,
    CASE WHEN fired AND backend = 'async' THEN left_at + interval '8 milliseconds' END,
    CASE WHEN done AND backend <> 'intra' THEN done_at END,
    CASE WHEN done THEN (
        SELECT jsonb_object_agg(stage, jsonb_build_object(
            'seen', to_char(left_at + interval '5 milliseconds', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'occurred', to_char(left_at + interval '3 milliseconds', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'via', 'live', 'frame', 'a', 'position', cycle * 100 + number, 'error_us', 120))
        FROM unnest(CASE backend
            WHEN 'intra' THEN ARRAY['tokens_xfer', 'fee_collected']
            WHEN 'async' THEN ARRAY['tokens_xfer', 'fee_collected', 'cf_initiated', 'cf_settled_local']
            ELSE ARRAY['tokens_xfer', 'fee_collected', 'cf_settled_local'] END) AS stage
    ) ELSE '{}' END,
    CASE WHEN done THEN done_at END, CASE WHEN fired THEN left_at + interval '5 seconds' END,
    CASE WHEN done THEN done_at ELSE said_at END, said_at, outcome,
    CASE outcome WHEN 'failed' THEN 'timeout' WHEN 'inconclusive' THEN 'observer_blind'
        WHEN 'skipped' THEN 'maintenance' WHEN 'missed' THEN 'no_leader' END,
    CASE WHEN outcome NOT IN ('failed', 'inconclusive') THEN ARRAY[]::text[]
        WHEN backend = 'async' THEN ARRAY['cf_settled'] WHEN backend = 'intra' THEN ARRAY['tokens_xfer']
        ELSE ARRAY['tokens_xfer|cf_settled'] END,
    CASE WHEN done THEN took_ms END, CASE WHEN done THEN 'observed' END, CASE WHEN done THEN 0.2 END,
    1, 'schedule', 60000, 5000, 600000, 80, 1, $5 + row_number() OVER (ORDER BY due, number)
FROM ended
ORDER BY due, number
