-- API keys are one kind of credential; the clients and sessions of the token service will be others, under the same rules.
ALTER TABLE "api_keys" RENAME TO "credentials";
ALTER TABLE "credentials" RENAME CONSTRAINT "api_keys_pkey" TO "credentials_pkey";
ALTER TABLE "credentials" RENAME CONSTRAINT "api_keys_tenant_id_entity_id_owner_id_fkey" TO "credentials_tenant_id_entity_id_owner_id_fkey";
ALTER TABLE "credentials" RENAME CONSTRAINT "api_keys_tenant_id_pinned_id_owner_id_entity_id_fkey" TO "credentials_tenant_id_pinned_id_owner_id_entity_id_fkey";
ALTER TABLE "credentials" RENAME CONSTRAINT "api_keys_tenant_id_replaces_id_fkey" TO "credentials_tenant_id_replaces_id_fkey";
ALTER TABLE "credentials" RENAME CONSTRAINT "api_keys_label" TO "credentials_label";
ALTER TABLE "credentials" RENAME CONSTRAINT "api_keys_hint" TO "credentials_hint";
ALTER TABLE "credentials" RENAME CONSTRAINT "api_keys_digest" TO "credentials_digest";
ALTER TABLE "credentials" RENAME CONSTRAINT "api_keys_capabilities" TO "credentials_capabilities";
ALTER TABLE "credentials" RENAME CONSTRAINT "api_keys_lifetime" TO "credentials_lifetime";
ALTER TABLE "credentials" RENAME CONSTRAINT "api_keys_revoked_by" TO "credentials_revoked_by";
ALTER INDEX "api_keys_digest_key" RENAME TO "credentials_digest_key";
ALTER INDEX "api_keys_tenant_id_owner_id_id_idx" RENAME TO "credentials_tenant_id_owner_id_id_idx";
ALTER INDEX "api_keys_tenant_id_entity_id_owner_id_idx" RENAME TO "credentials_tenant_id_entity_id_owner_id_idx";
ALTER INDEX "api_keys_tenant_id_pinned_id_owner_id_entity_id_idx" RENAME TO "credentials_tenant_id_pinned_id_owner_id_entity_id_idx";
ALTER INDEX "api_keys_tenant_id_replaces_id_idx" RENAME TO "credentials_tenant_id_replaces_id_idx";
