-- What operators did, what they ordered, and what the time line shows beside the results (design §5, §13).

-- Who did what.
CREATE TABLE canary_audit (
    -- Order of writing.
    id INTEGER PRIMARY KEY,
    -- Name of the deployment.
    canary TEXT NOT NULL,
    -- When.
    at TEXT NOT NULL,
    -- Who, by the name of the token; never the token.
    actor TEXT NOT NULL,
    -- Role of the token.
    role TEXT NOT NULL,
    -- pause, resume, fire or maintenance.
    action TEXT NOT NULL,
    -- The path it was done to; NULL: all.
    path TEXT,
    -- What else there is to say.
    detail TEXT,
    -- Address it came from.
    remote TEXT
) STRICT;

CREATE INDEX canary_audit_newest ON canary_audit (canary, at DESC);

-- Marks on the time line.
CREATE TABLE canary_annotations (
    -- Order of writing.
    id INTEGER PRIMARY KEY,
    -- Name of the deployment.
    canary TEXT NOT NULL,
    -- When.
    at TEXT NOT NULL,
    -- process_start, leader_change or maintenance.
    kind TEXT NOT NULL,
    -- One line for people.
    text TEXT NOT NULL,
    -- The instance it is about.
    node TEXT
) STRICT;

CREATE INDEX canary_annotations_newest ON canary_annotations (canary, at DESC);

-- Pauses and maintenance windows: slots due while one is on are skipped.
CREATE TABLE canary_holds (
    -- Order of writing.
    id INTEGER PRIMARY KEY,
    -- Name of the deployment.
    canary TEXT NOT NULL,
    -- pause: until somebody resumes. maintenance: a window.
    kind TEXT NOT NULL CHECK (kind IN ('pause', 'maintenance')),
    -- The path it is about; NULL: all.
    path TEXT,
    -- From when on.
    from_at TEXT NOT NULL,
    -- Until when, exclusive; NULL: until it is lifted.
    until_at TEXT,
    -- Who placed it.
    actor TEXT NOT NULL,
    -- Why, in the operator's words.
    reason TEXT NOT NULL,
    CONSTRAINT canary_holds_forward CHECK (until_at >= from_at)
) STRICT;

CREATE INDEX canary_holds_latest ON canary_holds (canary, until_at);
