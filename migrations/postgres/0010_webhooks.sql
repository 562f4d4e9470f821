-- What receivers of webhooks were told, and what they are still to be told. It is here and not in a leader's memory, so that a
-- change of a path's state is told once, whoever leads, and over any restart.

CREATE TABLE canary_webhook_cursor (
    canary text PRIMARY KEY,
    change_id bigint NOT NULL,
    moved_at timestamptz NOT NULL
);

COMMENT ON TABLE canary_webhook_cursor IS 'How far the change feed was read for webhooks. Whoever moves it on writes in the same transaction what follows from it; of two who begin at one number one is refused.';
COMMENT ON COLUMN canary_webhook_cursor.canary IS 'Name of the deployment.';
COMMENT ON COLUMN canary_webhook_cursor.change_id IS 'Number of the last change that was looked at.';
COMMENT ON COLUMN canary_webhook_cursor.moved_at IS 'When that was.';

CREATE TABLE canary_webhook_paths (
    canary text NOT NULL,
    path text NOT NULL,
    state text NOT NULL CHECK (state IN ('passing', 'failing')),
    since timestamptz NOT NULL,
    test_id uuid NOT NULL,
    PRIMARY KEY (canary, path)
);

COMMENT ON TABLE canary_webhook_paths IS 'The state of each path that was last told. A path that isn''t here passes.';
COMMENT ON COLUMN canary_webhook_paths.canary IS 'Name of the deployment.';
COMMENT ON COLUMN canary_webhook_paths.path IS 'Name of the path.';
COMMENT ON COLUMN canary_webhook_paths.state IS 'passing or failing.';
COMMENT ON COLUMN canary_webhook_paths.since IS 'Registration of the first test that failed, or of the one that passed again.';
COMMENT ON COLUMN canary_webhook_paths.test_id IS 'The test that decided it.';

CREATE TABLE canary_webhook_notices (
    canary text NOT NULL,
    endpoint text NOT NULL,
    id text NOT NULL,
    path text NOT NULL,
    body text NOT NULL,
    change_id bigint NOT NULL,
    told_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    ended_at timestamptz,
    ending text CHECK (ending IN ('delivered', 'given_up', 'dropped')),
    PRIMARY KEY (canary, endpoint, id),
    CONSTRAINT canary_webhook_notices_ended CHECK ((ended_at IS NULL) = (ending IS NULL))
);

-- What is waiting, in order.
CREATE INDEX canary_webhook_notices_waiting ON canary_webhook_notices (canary, endpoint, change_id) WHERE ended_at IS NULL;
-- What is old.
CREATE INDEX canary_webhook_notices_told ON canary_webhook_notices (canary, told_at);

COMMENT ON TABLE canary_webhook_notices IS 'A row a message and receiver. Kept for 30 days.';
COMMENT ON COLUMN canary_webhook_notices.canary IS 'Name of the deployment.';
COMMENT ON COLUMN canary_webhook_notices.endpoint IS 'The receiver, by its name in the settings; its address is a secret.';
COMMENT ON COLUMN canary_webhook_notices.id IS 'The header webhook-id: the same with each try.';
COMMENT ON COLUMN canary_webhook_notices.path IS 'The path it is about. One receiver gets a path''s messages in their order.';
COMMENT ON COLUMN canary_webhook_notices.body IS 'What is sent, byte by byte.';
COMMENT ON COLUMN canary_webhook_notices.change_id IS 'Number of the change that it follows from.';
COMMENT ON COLUMN canary_webhook_notices.told_at IS 'When it was written.';
COMMENT ON COLUMN canary_webhook_notices.attempts IS 'How often it was sent, or is being sent.';
COMMENT ON COLUMN canary_webhook_notices.next_at IS 'When it may be sent next; while it is being sent, when another leader may.';
COMMENT ON COLUMN canary_webhook_notices.ended_at IS 'When it was done with. NULL: it waits.';
COMMENT ON COLUMN canary_webhook_notices.ending IS 'delivered; given_up (refused for too long, or for good); dropped (too many were waiting).';
