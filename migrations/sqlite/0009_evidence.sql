-- What an operator asks first of a failure, beside its row: neither judging again nor an amendment of the row changes it, and it raises
-- no revision.

-- A row a test that failed, or whose observers were blind: written with the first such verdict, never again but for log.
CREATE TABLE canary_evidence (
    -- The test. Pruned with its result; no foreign key, which would make every deleted result look here.
    test_id TEXT PRIMARY KEY NOT NULL,
    -- Name of the deployment.
    canary TEXT NOT NULL,
    -- When the sweep that gave the verdict read the reactors.
    observed_at TEXT NOT NULL,
    -- The local frame's reactors then, of all instances: [{frame, event_type, node, connected, position, covered_since, covered_until, last_event_at}].
    reactors TEXT NOT NULL,
    -- What the search of the platform's logs came to: {at, status, body, truncated, error}; secrets removed. NULL: not asked.
    log TEXT
) STRICT;

-- What the search of the platform's logs has to look at, and what is old.
CREATE INDEX canary_evidence_observed ON canary_evidence (canary, observed_at);
