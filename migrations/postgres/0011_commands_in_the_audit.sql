-- Two commands leave audit rows, too: what their words are, and who is named.

COMMENT ON COLUMN canary_audit.action IS 'pause, resume, fire or maintenance; rejudge and prune of the commands of these names.';
COMMENT ON COLUMN canary_audit.actor IS 'Who, by the name of the token, never the token; of a command, what it names itself by.';
