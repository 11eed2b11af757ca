-- Credentials for services of third parties: what is known of one, and apart from it the secret itself.
-- CreateTable
CREATE TABLE "service_credentials" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "agent_id" UUID,
    "service" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "scopes" TEXT[],
    "owner_only" BOOLEAN NOT NULL DEFAULT true,
    "origin" TEXT NOT NULL,
    "header" TEXT NOT NULL DEFAULT 'authorization',
    "prefix" TEXT NOT NULL DEFAULT 'Bearer ',
    "calls" JSONB NOT NULL DEFAULT '[]',
    "expires_at" TIMESTAMPTZ(3),
    "rotated_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "last_used_by" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" UUID NOT NULL DEFAULT bailiwick.actor_id(),
    "request_id" UUID NOT NULL DEFAULT bailiwick.request_id(),

    CONSTRAINT "service_credentials_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "service_secrets" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "secret" TEXT NOT NULL,
    "secret_index" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "service_secrets_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE INDEX "service_credentials_tenant_id_owner_id_id_idx" ON "service_credentials"("tenant_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "service_credentials_tenant_id_owner_id_service_id_idx" ON "service_credentials"("tenant_id", "owner_id", "service", "id");

-- CreateIndex
CREATE INDEX "service_credentials_tenant_id_agent_id_owner_id_idx" ON "service_credentials"("tenant_id", "agent_id", "owner_id");

-- CreateIndex
CREATE UNIQUE INDEX "service_credentials_tenant_id_id_owner_id_key" ON "service_credentials"("tenant_id", "id", "owner_id");

-- CreateIndex
CREATE INDEX "service_secrets_tenant_id_owner_id_secret_index_idx" ON "service_secrets"("tenant_id", "owner_id", "secret_index");

-- CreateIndex
CREATE UNIQUE INDEX "service_secrets_tenant_id_id_owner_id_key" ON "service_secrets"("tenant_id", "id", "owner_id");

-- AddForeignKey
ALTER TABLE "service_credentials" ADD CONSTRAINT "service_credentials_tenant_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "owner_id") REFERENCES "users"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "service_credentials" ADD CONSTRAINT "service_credentials_tenant_id_agent_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "agent_id", "owner_id") REFERENCES "agents"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "service_secrets" ADD CONSTRAINT "service_secrets_tenant_id_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "id", "owner_id") REFERENCES "service_credentials"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What a credential may say of itself
ALTER TABLE "service_credentials" ADD CONSTRAINT "service_credentials_service" CHECK (service ~ '^[a-z0-9][a-z0-9._-]{0,63}$');
ALTER TABLE "service_credentials" ADD CONSTRAINT "service_credentials_label" CHECK (length(label) BETWEEN 1 AND 200);
ALTER TABLE "service_credentials" ADD CONSTRAINT "service_credentials_kind"
    CHECK (kind IN ('api_key', 'personal_access_token', 'oauth_token'));
ALTER TABLE "service_credentials" ADD CONSTRAINT "service_credentials_scopes" CHECK (cardinality(scopes) <= 100);
ALTER TABLE "service_credentials" ADD CONSTRAINT "service_credentials_origin"
    CHECK (origin ~ '^https?://[^/?#@\s]+$' AND length(origin) <= 300);
ALTER TABLE "service_credentials" ADD CONSTRAINT "service_credentials_header" CHECK (header ~ '^[a-z0-9-]{1,64}$');
ALTER TABLE "service_credentials" ADD CONSTRAINT "service_credentials_prefix" CHECK (prefix ~ '^[ -~]{0,32}$');
ALTER TABLE "service_credentials" ADD CONSTRAINT "service_credentials_calls"
    CHECK (jsonb_typeof(calls) = 'array' AND length(calls::text) <= 100000);
ALTER TABLE "service_secrets" ADD CONSTRAINT "service_secrets_length" CHECK (length(secret) <= 30000);

-- Only envelopes stand in an encrypted column
ALTER TABLE "service_secrets" ADD CONSTRAINT "service_secrets_secret_sealed" CHECK (starts_with(secret, 'bwe1.'));
