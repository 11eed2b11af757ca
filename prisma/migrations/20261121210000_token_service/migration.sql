-- The token service: credentials that are no API keys, and what it keeps besides.
-- AlterTable
ALTER TABLE "credentials" ADD COLUMN "kind" TEXT NOT NULL DEFAULT 'key',
ADD COLUMN "public_key" JSONB,
ALTER COLUMN "hint" DROP NOT NULL,
ALTER COLUMN "digest" DROP NOT NULL;

-- What a credential is known by: a key by its digest, a client by its public key, a session by its id alone
ALTER TABLE "credentials" ADD CONSTRAINT "credentials_kind" CHECK (
    CASE kind
        WHEN 'key' THEN digest IS NOT NULL AND hint IS NOT NULL AND public_key IS NULL
        WHEN 'client' THEN digest IS NULL AND hint IS NULL AND public_key IS NOT NULL
        WHEN 'session' THEN digest IS NULL AND hint IS NULL AND public_key IS NULL AND pinned_id IS NULL AND replaces_id IS NULL
        ELSE false
    END);
ALTER TABLE "credentials" ADD CONSTRAINT "credentials_public_key" CHECK (jsonb_typeof(public_key) = 'object');

-- What is used once or counts no longer, until it would be too old anyway (bailiwick.spend).
CREATE TABLE bailiwick.spent (
    mark TEXT PRIMARY KEY CHECK (mark ~ '^[0-9a-f]{64}$'),
    until TIMESTAMPTZ NOT NULL
);
CREATE INDEX spent_until ON bailiwick.spent (until);

-- Refresh tokens, by their digest; the token is nowhere.
CREATE TABLE bailiwick.refresh_tokens (
    digest TEXT PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
    payload JSONB NOT NULL CHECK (jsonb_typeof(payload) = 'object'),
    used_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX refresh_tokens_expires_at ON bailiwick.refresh_tokens (expires_at);

-- Keys that sign the tokens of this installation; the private half is wrapped.
CREATE TABLE bailiwick.signing_keys (
    kid TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('RS256', 'ES256')),
    public_key JSONB NOT NULL,
    private_key BYTEA NOT NULL,
    active_at TIMESTAMPTZ NOT NULL,
    predecessor TEXT NOT NULL,
    UNIQUE (algorithm, predecessor)
);
