-- What receivers of webhooks were told, and what they are still to be told. It is here and not in a leader's memory, so that a
-- change of a path's state is told once, whoever leads, and over any restart.

-- How far the change feed was read for webhooks. Whoever moves it on writes in the same transaction what follows from it; of two who begin at one number one is refused.
CREATE TABLE canary_webhook_cursor (
    -- Name of the deployment.
    canary TEXT PRIMARY KEY NOT NULL,
    -- Number of the last change that was looked at.
    change_id INTEGER NOT NULL,
    -- When that was.
    moved_at TEXT NOT NULL
) STRICT;

-- The state of each path that was last told. A path that isn't here passes.
CREATE TABLE canary_webhook_paths (
    -- Name of the deployment.
    canary TEXT NOT NULL,
    -- Name of the path.
    path TEXT NOT NULL,
    -- passing or failing.
    state TEXT NOT NULL CHECK (state IN ('passing', 'failing')),
    -- Registration of the first test that failed, or of the one that passed again.
    since TEXT NOT NULL,
    -- The test that decided it.
    test_id TEXT NOT NULL,
    PRIMARY KEY (canary, path)
) STRICT;

-- A row a message and receiver. Kept for 30 days.
CREATE TABLE canary_webhook_notices (
    -- Name of the deployment.
    canary TEXT NOT NULL,
    -- The receiver, by its name in the settings; its address is a secret.
    endpoint TEXT NOT NULL,
    -- The header webhook-id: the same with each try.
    id TEXT NOT NULL,
    -- The path it is about. One receiver gets a path's messages in their order.
    path TEXT NOT NULL,
    -- What is sent, byte by byte.
    body TEXT NOT NULL,
    -- Number of the change that it follows from.
    change_id INTEGER NOT NULL,
    -- When it was written.
    told_at TEXT NOT NULL,
    -- How often it was sent, or is being sent.
    attempts INTEGER NOT NULL DEFAULT 0,
    -- When it may be sent next; while it is being sent, when another leader may.
    next_at TEXT NOT NULL,
    -- When it was done with. NULL: it waits.
    ended_at TEXT,
    -- delivered; given_up (refused for too long, or for good); dropped (too many were waiting).
    ending TEXT CHECK (ending IN ('delivered', 'given_up', 'dropped')),
    PRIMARY KEY (canary, endpoint, id),
    CONSTRAINT canary_webhook_notices_ended CHECK ((ended_at IS NULL) = (ending IS NULL))
) STRICT;

-- What is waiting, in order.
CREATE INDEX canary_webhook_notices_waiting ON canary_webhook_notices (canary, endpoint, change_id) WHERE ended_at IS NULL;
-- What is old.
CREATE INDEX canary_webhook_notices_told ON canary_webhook_notices (canary, told_at);
