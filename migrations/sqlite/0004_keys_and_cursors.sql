-- What all instances of a deployment have to agree on (design §13).

-- The secret behind the test ids of slots. Who can read it can guess memos: grant nobody else access.
CREATE TABLE canary_slot_key (
    -- Name of the deployment.
    canary TEXT PRIMARY KEY NOT NULL,
    -- HMAC-SHA-256 key. Changing it gives the slots in flight other ids.
    key BLOB NOT NULL
) STRICT;

-- How far closed rows have been pushed.
CREATE TABLE canary_export_cursor (
    -- Name of the deployment.
    canary TEXT NOT NULL,
    -- Where they were pushed to, without user or password.
    target TEXT NOT NULL,
    -- Registration of the last row pushed.
    registered_at TEXT NOT NULL,
    -- Id of the last row pushed, among those registered at the same moment.
    test_id TEXT NOT NULL,
    -- When it was pushed.
    exported_at TEXT NOT NULL,
    PRIMARY KEY (canary, target)
) STRICT;
