-- The rows of the slots of some cycles, a minute each, as wide as real ones. $1 canary, $2 paths, $3 first cycle, $4 last.
WITH slot AS (
    SELECT path, cycle, to_timestamp(cycle * 60) + path * interval '333 milliseconds' AS due,
        (ARRAY['intra', 'async', '2pc'])[path % 3 + 1] AS backend,
        (hashint8extended(cycle * 64 + path, 1) & 1048575) / 1048576.0::float8 AS fate,
        (hashint8extended(cycle * 64 + path, 2) & 65535) * 0.011 + 8.25 AS latency_ms
    FROM generate_series($3::bigint, $4::bigint) AS cycle CROSS JOIN generate_series(1, $2::integer) AS path
), decided AS (
    SELECT *, CASE WHEN fate < 0.001 THEN 'missed' WHEN fate < 0.002 THEN 'skipped' WHEN fate < 0.003 THEN 'inconclusive'
        WHEN fate < 0.006 THEN 'failed' WHEN fate < 0.008 THEN 'late' ELSE 'passed' END AS outcome
    FROM slot
), fired AS (
    SELECT *, outcome NOT IN ('missed', 'skipped') AS fired, outcome IN ('passed', 'late') AS done,
        due + interval '2.345 milliseconds' AS left_at
    FROM decided
)
INSERT INTO canary_test_results (
    test_id, canary, path, backend, source_frame, dest_frame, cycle, term, sender, receiver, amount, transfer_id,
    registered_at, fired_at, accepted_at, answered_at, fire_status, fire_code, tokens_xfer_seen_at, stamps, completed_at,
    deadline_at, decided_as_of, judged_at, outcome, failure_signal, total_latency_ms, latency_basis, clock_error_ms,
    revision, origin, period_ms, deadline_ms, watch_ms, fired_error_us, judge_term, change_id
)
SELECT md5(path || ' ' || cycle)::uuid, $1, 'path-' || path, backend, 'a', CASE backend WHEN 'intra' THEN 'a' ELSE 'b' END,
    cycle, 1, 'did:avt:canary:5f1b6c0e9d7a4c31:alpha', 'did:avt:canary:5f1b6c0e9d7a4c31:bravo', 0.01,
    CASE WHEN fired THEN md5(cycle || ' ' || path) END, due, CASE WHEN fired THEN left_at END,
    CASE WHEN fired THEN left_at + interval '4 milliseconds' END,
    CASE WHEN fired THEN left_at + interval '4 milliseconds' END, CASE WHEN fired THEN 'accepted' END,
    CASE WHEN fired THEN 200 END, CASE WHEN done THEN left_at + interval '5 milliseconds' END,
    CASE WHEN done THEN (
        SELECT jsonb_object_agg(stage, jsonb_build_object(
            'seen', to_char(left_at + interval '5 milliseconds', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'occurred', to_char(left_at + interval '3 milliseconds', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'via', 'live', 'frame', 'a', 'position', cycle * 100 + path, 'error_us', 120))
        FROM unnest(ARRAY['tokens_xfer', 'fee_collected', 'cf_initiated', 'cf_settled_local']) AS stage
    ) ELSE '{}' END,
    CASE WHEN done THEN left_at + latency_ms * interval '1 millisecond' END,
    CASE WHEN fired THEN left_at + interval '30 seconds' END, due + interval '1 second', due + interval '2 seconds', outcome,
    CASE outcome WHEN 'failed' THEN 'timeout' WHEN 'inconclusive' THEN 'observer_blind'
        WHEN 'skipped' THEN 'maintenance' WHEN 'missed' THEN 'no_leader' END,
    CASE WHEN done THEN latency_ms END, CASE WHEN done THEN 'observed' END, CASE WHEN done THEN 0.2 END,
    1, 'schedule', 60000, 30000, 600000, 80, 1,
    (SELECT coalesce(max(last_change), 0) FROM canary_change_feed WHERE canary = $1) + row_number() OVER (ORDER BY due, path)
FROM fired
ORDER BY due, path
