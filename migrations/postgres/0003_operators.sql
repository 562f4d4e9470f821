-- What operators did, what they ordered, and what the time line shows beside the results (design §5, §13).

CREATE TABLE canary_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    canary text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    path text,
    detail text,
    remote text
);

CREATE INDEX canary_audit_newest ON canary_audit (canary, at DESC);

COMMENT ON TABLE canary_audit IS 'Who did what.';
COMMENT ON COLUMN canary_audit.id IS 'Order of writing.';
COMMENT ON COLUMN canary_audit.canary IS 'Name of the deployment.';
COMMENT ON COLUMN canary_audit.at IS 'When.';
COMMENT ON COLUMN canary_audit.actor IS 'Who, by the name of the token; never the token.';
COMMENT ON COLUMN canary_audit.role IS 'Role of the token.';
COMMENT ON COLUMN canary_audit.action IS 'pause, resume, fire or maintenance.';
COMMENT ON COLUMN canary_audit.path IS 'The path it was done to; NULL: all.';
COMMENT ON COLUMN canary_audit.detail IS 'What else there is to say.';
COMMENT ON COLUMN canary_audit.remote IS 'Address it came from.';

CREATE TABLE canary_annotations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    canary text NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    node text
);

CREATE INDEX canary_annotations_newest ON canary_annotations (canary, at DESC);

COMMENT ON TABLE canary_annotations IS 'Marks on the time line.';
COMMENT ON COLUMN canary_annotations.id IS 'Order of writing.';
COMMENT ON COLUMN canary_annotations.canary IS 'Name of the deployment.';
COMMENT ON COLUMN canary_annotations.at IS 'When.';
COMMENT ON COLUMN canary_annotations.kind IS 'process_start, leader_change or maintenance.';
COMMENT ON COLUMN canary_annotations.text IS 'One line for people.';
COMMENT ON COLUMN canary_annotations.node IS 'The instance it is about.';

CREATE TABLE canary_holds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    canary text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('pause', 'maintenance')),
    path text,
    from_at timestamptz NOT NULL,
    until_at timestamptz,
    actor text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT canary_holds_forward CHECK (until_at >= from_at)
);

CREATE INDEX canary_holds_latest ON canary_holds (canary, until_at);

COMMENT ON TABLE canary_holds IS 'Pauses and maintenance windows: slots due while one is on are skipped.';
COMMENT ON COLUMN canary_holds.id IS 'Order of writing.';
COMMENT ON COLUMN canary_holds.canary IS 'Name of the deployment.';
COMMENT ON COLUMN canary_holds.kind IS 'pause: until somebody resumes. maintenance: a window.';
COMMENT ON COLUMN canary_holds.path IS 'The path it is about; NULL: all.';
COMMENT ON COLUMN canary_holds.from_at IS 'From when on.';
COMMENT ON COLUMN canary_holds.until_at IS 'Until when, exclusive; NULL: until it is lifted.';
COMMENT ON COLUMN canary_holds.actor IS 'Who placed it.';
COMMENT ON COLUMN canary_holds.reason IS 'Why, in the operator''s words.';
