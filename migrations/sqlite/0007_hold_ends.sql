-- Holds: a window that is ended early, or taken back, keeps its plan; and a path has one open pause at most.

-- When a maintenance window was ended before its time; before from_at: taken back, and never on. NULL: it runs as planned. A window is on until the earlier of until_at and this.
ALTER TABLE canary_holds ADD COLUMN ended_at TEXT;

-- Of several open pauses of a path the earliest holds all that they do: the others end as they begin.
UPDATE canary_holds AS other SET until_at = other.from_at
WHERE other.kind = 'pause' AND other.until_at IS NULL AND EXISTS (
    SELECT 1 FROM canary_holds AS first
    WHERE first.canary = other.canary AND first.path = other.path AND first.kind = 'pause'
        AND first.until_at IS NULL AND (first.from_at, first.id) < (other.from_at, other.id)
);

-- Two operators who pause a path at once place one pause.
CREATE UNIQUE INDEX canary_holds_open_pause
    ON canary_holds (canary, path) WHERE kind = 'pause' AND until_at IS NULL;
