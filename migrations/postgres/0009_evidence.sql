-- What an operator asks first of a failure, beside its row: neither judging again nor an amendment of the row changes it, and it raises
-- no revision.

CREATE TABLE canary_evidence (
    test_id uuid PRIMARY KEY,
    canary text NOT NULL,
    observed_at timestamptz NOT NULL,
    reactors jsonb NOT NULL,
    log jsonb
);

-- What the search of the platform's logs has to look at, and what is old.
CREATE INDEX canary_evidence_observed ON canary_evidence (canary, observed_at);

COMMENT ON TABLE canary_evidence IS 'A row a test that failed, or whose observers were blind: written with the first such verdict, never again but for log.';
COMMENT ON COLUMN canary_evidence.test_id IS 'The test. Pruned with its result; no foreign key, which would make every deleted result look here.';
COMMENT ON COLUMN canary_evidence.canary IS 'Name of the deployment.';
COMMENT ON COLUMN canary_evidence.observed_at IS 'When the sweep that gave the verdict read the reactors.';
COMMENT ON COLUMN canary_evidence.reactors IS 'The local frame''s reactors then, of all instances: [{frame, event_type, node, connected, position, covered_since, covered_until, last_event_at}].';
COMMENT ON COLUMN canary_evidence.log IS 'What the search of the platform''s logs came to: {at, status, body, truncated, error}; secrets removed. NULL: not asked.';
