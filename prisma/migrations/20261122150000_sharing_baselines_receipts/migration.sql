-- What is shared in worlds, what is usual for an agent, and which agent has read what.

-- AlterTable
ALTER TABLE "memories" ADD COLUMN "shared" BOOLEAN NOT NULL DEFAULT false;
-- where there is nobody to share with nothing is shared, and what is encrypted is its owner's alone
ALTER TABLE "memories" ADD CONSTRAINT "memories_shared" CHECK (NOT shared OR world_id IS NOT NULL AND NOT sensitive);

-- CreateIndex
CREATE INDEX "memories_shared_in" ON "memories"("tenant_id", "world_id", "id") WHERE "shared";

ALTER TABLE bailiwick.events ADD COLUMN shared boolean NOT NULL DEFAULT false;

-- the fingerprint of a handshake or certificate, as the runtime gives it (JA3, JA4, SHA-256)
ALTER TABLE "activity_entries" DROP CONSTRAINT "activity_entries_network";
ALTER TABLE "activity_entries" ADD CONSTRAINT "activity_entries_network" CHECK (
    network IS NULL
    OR jsonb_typeof(network) = 'object'
       AND network - ARRAY['host', 'method', 'port', 'tls', 'fingerprint'] = '{}'
       AND coalesce(jsonb_typeof(network->'host') = 'string' AND length(network->>'host') BETWEEN 1 AND 255, false)
       AND coalesce(jsonb_typeof(network->'method') = 'string' AND length(network->>'method') BETWEEN 1 AND 20, NOT network ? 'method')
       AND coalesce(jsonb_typeof(network->'port') = 'number' AND (network->'port')::numeric BETWEEN 1 AND 65535, NOT network ? 'port')
       AND coalesce(jsonb_typeof(network->'tls') = 'boolean', NOT network ? 'tls')
       AND coalesce(jsonb_typeof(network->'fingerprint') = 'string' AND length(network->>'fingerprint') BETWEEN 1 AND 128,
                    NOT network ? 'fingerprint'));

-- CreateTable
CREATE TABLE "baselines" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "agent_id" UUID NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "frozen_at" TIMESTAMPTZ(3),
    "learned" JSONB NOT NULL DEFAULT '[]',
    "threshold" DOUBLE PRECISION NOT NULL DEFAULT 0.5,
    "alerted_at" TIMESTAMPTZ(3),
    "alert" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" UUID NOT NULL DEFAULT bailiwick.actor_id(),
    "request_id" UUID NOT NULL DEFAULT bailiwick.request_id(),

    CONSTRAINT "baselines_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "baselines_tenant_id_agent_id_owner_id_key" ON "baselines"("tenant_id", "agent_id", "owner_id");

-- AddForeignKey
ALTER TABLE "baselines" ADD CONSTRAINT "baselines_tenant_id_agent_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "agent_id", "owner_id") REFERENCES "agents"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

ALTER TABLE "baselines" ADD CONSTRAINT "baselines_threshold" CHECK (threshold BETWEEN 0.05 AND 1);
ALTER TABLE "baselines" ADD CONSTRAINT "baselines_learned"
    CHECK (jsonb_typeof(learned) = 'array' AND jsonb_array_length(learned) <= 1000 AND (frozen_at IS NOT NULL OR learned = '[]')
        AND NOT learned @? '$[*] ? (@.type() != "object")');

-- AlterTable
ALTER TABLE "tenants" ADD COLUMN "receipt_every" INTEGER NOT NULL DEFAULT 1;
ALTER TABLE "tenants" ADD CONSTRAINT "tenants_receipt_every" CHECK (receipt_every BETWEEN 1 AND 1000);

-- CreateTable
CREATE TABLE "access_receipts" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "agent_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "operation" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "row_id" UUID NOT NULL,
    "times" INTEGER NOT NULL,
    "first_at" TIMESTAMPTZ(3) NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "delegation_id" UUID NOT NULL,
    "request_id" UUID NOT NULL,

    CONSTRAINT "access_receipts_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "access_receipts_once" ON "access_receipts"("tenant_id", "owner_id", "day", "agent_id", "operation", "kind", "row_id");

-- CreateIndex
CREATE INDEX "access_receipts_tenant_id_owner_id_id_idx" ON "access_receipts"("tenant_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "access_receipts_tenant_id_owner_id_agent_id_id_idx" ON "access_receipts"("tenant_id", "owner_id", "agent_id", "id");

-- CreateIndex
CREATE INDEX "access_receipts_tenant_id_owner_id_row_id_id_idx" ON "access_receipts"("tenant_id", "owner_id", "row_id", "id");

-- CreateIndex
CREATE INDEX "access_receipts_tenant_id_agent_id_idx" ON "access_receipts"("tenant_id", "agent_id");

-- CreateIndex
-- what is past its time is found by day
CREATE INDEX "access_receipts_tenant_id_day_idx" ON "access_receipts"("tenant_id", "day");

-- AddForeignKey
ALTER TABLE "access_receipts" ADD CONSTRAINT "access_receipts_tenant_id_agent_id_fkey" FOREIGN KEY ("tenant_id", "agent_id") REFERENCES "agents"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

ALTER TABLE "access_receipts" ADD CONSTRAINT "access_receipts_operation" CHECK (length(operation) BETWEEN 1 AND 200);
ALTER TABLE "access_receipts" ADD CONSTRAINT "access_receipts_kind" CHECK (kind ~ '^[A-Z][A-Za-z]{0,40}$');
ALTER TABLE "access_receipts" ADD CONSTRAINT "access_receipts_times" CHECK (times > 0);
