-- Field encryption: wrapped keys, and what may stand in an encrypted column.
-- CreateTable
CREATE TABLE "tenant_keys" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "purpose" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "wrapped" TEXT,
    "erasable" BOOLEAN NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "destroyed_at" TIMESTAMPTZ(3),

    CONSTRAINT "tenant_keys_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "data_keys" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "holder_id" UUID NOT NULL,
    "tenant_key_id" UUID NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "wrapped" TEXT,
    "erasable" BOOLEAN NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "retired_at" TIMESTAMPTZ(3),
    "destroyed_at" TIMESTAMPTZ(3),

    CONSTRAINT "data_keys_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "tenant_keys_tenant_id_purpose_version_key" ON "tenant_keys"("tenant_id", "purpose", "version");

-- CreateIndex
CREATE INDEX "data_keys_tenant_id_owner_id_id_idx" ON "data_keys"("tenant_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "data_keys_tenant_id_tenant_key_id_idx" ON "data_keys"("tenant_id", "tenant_key_id");

-- CreateIndex
CREATE UNIQUE INDEX "data_keys_tenant_id_holder_id_owner_id_version_key" ON "data_keys"("tenant_id", "holder_id", "owner_id", "version");

-- AddForeignKey
ALTER TABLE "tenant_keys" ADD CONSTRAINT "tenant_keys_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("tenant_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "data_keys" ADD CONSTRAINT "data_keys_tenant_id_holder_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "holder_id", "owner_id") REFERENCES "entities"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "data_keys" ADD CONSTRAINT "data_keys_tenant_id_tenant_key_id_fkey" FOREIGN KEY ("tenant_id", "tenant_key_id") REFERENCES "tenant_keys"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- A key is there or was destroyed, and nothing in between
ALTER TABLE "tenant_keys" ADD CONSTRAINT "tenant_keys_purpose" CHECK (purpose IN ('wrap', 'index'));
ALTER TABLE "tenant_keys" ADD CONSTRAINT "tenant_keys_version" CHECK (version > 0);
ALTER TABLE "tenant_keys" ADD CONSTRAINT "tenant_keys_wrapped" CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL));
ALTER TABLE "tenant_keys" ADD CONSTRAINT "tenant_keys_length" CHECK (length(wrapped) <= 10000);
ALTER TABLE "data_keys" ADD CONSTRAINT "data_keys_version" CHECK (version > 0);
ALTER TABLE "data_keys" ADD CONSTRAINT "data_keys_wrapped" CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL));
ALTER TABLE "data_keys" ADD CONSTRAINT "data_keys_length" CHECK (length(wrapped) <= 1000);

-- Rotations of data keys and of tenants' keys; one that is not finished is taken up again. The operator's alone.
CREATE TABLE bailiwick.key_rotations (
    id UUID PRIMARY KEY,
    level TEXT NOT NULL CHECK (level IN ('data', 'tenant')),
    -- the id of a tenant, or all
    scope TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    finished_at TIMESTAMPTZ
);

-- AlterTable
ALTER TABLE "memories" ADD COLUMN "sensitive" BOOLEAN NOT NULL DEFAULT false;

-- Words of what is sensitive are in no index
ALTER TABLE "memories" DROP COLUMN "search";
ALTER TABLE "memories" ADD COLUMN "search" tsvector
    GENERATED ALWAYS AS (CASE WHEN sensitive THEN NULL ELSE to_tsvector('english', content) END) STORED;

-- What is sealed is longer than what it holds
ALTER TABLE "memories" DROP CONSTRAINT "memories_content";
ALTER TABLE "memories" ADD CONSTRAINT "memories_content"
    CHECK (length(content) BETWEEN 1 AND CASE WHEN sensitive THEN 600000 ELSE 100000 END);
ALTER TABLE "memories" DROP CONSTRAINT "memories_metadata";
ALTER TABLE "memories" ADD CONSTRAINT "memories_metadata"
    CHECK (jsonb_typeof(metadata) = 'object' OR sensitive AND jsonb_typeof(metadata) = 'string');

-- Only envelopes stand in an encrypted column (src/crypto/envelope.ts). What stood there before is sealed by `bailiwick keys seal`,
-- which validates these; where nothing did, they are valid at once. Their names are the table's, the column's and `sealed`.
ALTER TABLE "agent_instructions" ADD CONSTRAINT "agent_instructions_system_prompt_sealed"
    CHECK (starts_with(system_prompt, 'bwe1.')) NOT VALID;
ALTER TABLE "agent_instructions" ADD CONSTRAINT "agent_instructions_private_instructions_sealed"
    CHECK (starts_with(private_instructions, 'bwe1.')) NOT VALID;
ALTER TABLE "memories" ADD CONSTRAINT "memories_content_sealed"
    CHECK (NOT sensitive OR starts_with(content, 'bwe1.')) NOT VALID;
ALTER TABLE "memories" ADD CONSTRAINT "memories_metadata_sealed"
    CHECK (NOT sensitive OR starts_with(metadata #>> '{}', 'bwe1.')) NOT VALID;
DO $$
DECLARE
    c RECORD;
BEGIN
    FOR c IN
        SELECT conrelid::regclass AS of, conname AS name FROM pg_constraint WHERE conname LIKE '%\_sealed' AND NOT convalidated
    LOOP
        BEGIN
            EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', c.of, c.name);
        EXCEPTION WHEN check_violation THEN
            RAISE NOTICE '% waits for bailiwick keys seal', c.name;
        END;
    END LOOP;
END $$;

-- Wrapped by the key provider from here on. What was wrapped otherwise is left behind: the next token makes new ones
DELETE FROM bailiwick.signing_keys;
