-- What all instances of a deployment have to agree on (design §13).

CREATE TABLE canary_slot_key (
    canary text PRIMARY KEY,
    key bytea NOT NULL
);

COMMENT ON TABLE canary_slot_key IS 'The secret behind the test ids of slots. Who can read it can guess memos: grant nobody else access.';
COMMENT ON COLUMN canary_slot_key.canary IS 'Name of the deployment.';
COMMENT ON COLUMN canary_slot_key.key IS 'HMAC-SHA-256 key. Changing it gives the slots in flight other ids.';

CREATE TABLE canary_export_cursor (
    canary text NOT NULL,
    target text NOT NULL,
    registered_at timestamptz NOT NULL,
    test_id uuid NOT NULL,
    exported_at timestamptz NOT NULL,
    PRIMARY KEY (canary, target)
);

COMMENT ON TABLE canary_export_cursor IS 'How far closed rows have been pushed.';
COMMENT ON COLUMN canary_export_cursor.canary IS 'Name of the deployment.';
COMMENT ON COLUMN canary_export_cursor.target IS 'Where they were pushed to, without user or password.';
COMMENT ON COLUMN canary_export_cursor.registered_at IS 'Registration of the last row pushed.';
COMMENT ON COLUMN canary_export_cursor.test_id IS 'Id of the last row pushed, among those registered at the same moment.';
COMMENT ON COLUMN canary_export_cursor.exported_at IS 'When it was pushed.';
