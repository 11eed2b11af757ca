-- Who proves how who they are: issuers of a tenant, API keys, and the end of everything issued before.
-- AlterTable
ALTER TABLE "entities" ADD COLUMN "credential_epoch" TIMESTAMPTZ(6);

-- CreateTable
CREATE TABLE "issuers" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "issuer" TEXT NOT NULL,
    "settings" JSONB NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'active',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),

    CONSTRAINT "issuers_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "entity_id" UUID NOT NULL,
    "label" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "capabilities" TEXT[],
    "pinned_id" UUID,
    "replaces_id" UUID,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "revoked_by" UUID,
    "last_used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "created_by" UUID NOT NULL DEFAULT bailiwick.actor_id(),
    "request_id" UUID NOT NULL DEFAULT bailiwick.request_id(),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "issuers_issuer_key" ON "issuers"("issuer");

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_digest_key" ON "api_keys"("digest");

-- CreateIndex
CREATE INDEX "api_keys_tenant_id_owner_id_id_idx" ON "api_keys"("tenant_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "api_keys_tenant_id_entity_id_owner_id_idx" ON "api_keys"("tenant_id", "entity_id", "owner_id");

-- CreateIndex
CREATE INDEX "api_keys_tenant_id_pinned_id_owner_id_entity_id_idx" ON "api_keys"("tenant_id", "pinned_id", "owner_id", "entity_id");

-- CreateIndex
CREATE INDEX "api_keys_tenant_id_replaces_id_idx" ON "api_keys"("tenant_id", "replaces_id");

-- AddForeignKey
ALTER TABLE "issuers" ADD CONSTRAINT "issuers_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("tenant_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_tenant_id_entity_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "entity_id", "owner_id") REFERENCES "entities"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_tenant_id_pinned_id_owner_id_entity_id_fkey" FOREIGN KEY ("tenant_id", "pinned_id", "owner_id", "entity_id") REFERENCES "delegations"("tenant_id", "id", "owner_id", "delegate_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_tenant_id_replaces_id_fkey" FOREIGN KEY ("tenant_id", "replaces_id") REFERENCES "api_keys"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What the columns may hold
ALTER TABLE users
    DROP CONSTRAINT users_role,
    ADD CONSTRAINT users_role CHECK (role IN ('member', 'admin', 'service'));
ALTER TABLE issuers
    ADD CONSTRAINT issuers_issuer CHECK (length(issuer) BETWEEN 1 AND 255),
    ADD CONSTRAINT issuers_settings CHECK (jsonb_typeof(settings) = 'object'),
    ADD CONSTRAINT issuers_status CHECK (status IN ('active', 'suspended'));
ALTER TABLE api_keys
    ADD CONSTRAINT api_keys_label CHECK (length(label) BETWEEN 1 AND 200),
    ADD CONSTRAINT api_keys_hint CHECK (hint ~ '^bwk_[0-9A-Za-z]{4}$'),
    ADD CONSTRAINT api_keys_digest CHECK (digest ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT api_keys_capabilities CHECK (
        capabilities IS NOT NULL AND cardinality(capabilities) > 0 AND array_ndims(capabilities) = 1),
    ADD CONSTRAINT api_keys_lifetime CHECK (
        isfinite(expires_at) AND expires_at > created_at AND expires_at <= created_at + interval '366 days'),
    ADD CONSTRAINT api_keys_revoked_by CHECK ((revoked_at IS NULL) = (revoked_by IS NULL));
