-- What agents have done: an entry for every call of a tool, written once and never changed. Partitioned by id, which is a UUID of
-- version 7 and so begins with its time: the primary key holds the partition key, and a place in the order names its month. The
-- partitions themselves are made by bailiwick.ensure_activity_partitions (prisma/policies/08-activity.sql).

-- AlterTable
ALTER TABLE "tenants" ADD COLUMN "activity_days" INTEGER NOT NULL DEFAULT 400;

-- CreateTable
CREATE TABLE "activity_entries" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "agent_id" UUID NOT NULL,
    "service" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "summary" TEXT,
    "outcome" TEXT NOT NULL,
    "duration_ms" INTEGER,
    "approval_id" UUID,
    "started_id" UUID,
    "network" JSONB,
    "chain" UUID[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "created_by" UUID NOT NULL DEFAULT bailiwick.actor_id(),
    "delegation_id" UUID NOT NULL DEFAULT bailiwick.delegation_id(),
    "request_id" UUID NOT NULL DEFAULT bailiwick.request_id(),

    CONSTRAINT "activity_entries_pkey" PRIMARY KEY ("tenant_id","id")
) PARTITION BY RANGE ("id");

-- CreateIndex
CREATE INDEX "activity_entries_tenant_id_owner_id_id_idx" ON "activity_entries"("tenant_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "activity_entries_tenant_id_owner_id_agent_id_id_idx" ON "activity_entries"("tenant_id", "owner_id", "agent_id", "id");

-- CreateIndex
CREATE INDEX "activity_entries_tenant_id_owner_id_service_id_idx" ON "activity_entries"("tenant_id", "owner_id", "service", "id");

-- CreateIndex
CREATE INDEX "activity_entries_tenant_id_owner_id_action_id_idx" ON "activity_entries"("tenant_id", "owner_id", "action", "id");

-- CreateIndex
CREATE INDEX "activity_entries_tenant_id_owner_id_outcome_id_idx" ON "activity_entries"("tenant_id", "owner_id", "outcome", "id");

-- CreateIndex
-- few entries end another one, and whether one has been ended is asked before it is
CREATE INDEX "activity_entries_ends" ON "activity_entries"("tenant_id", "started_id") WHERE "started_id" IS NOT NULL;

-- AddForeignKey
ALTER TABLE "activity_entries" ADD CONSTRAINT "activity_entries_tenant_id_agent_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "agent_id", "owner_id") REFERENCES "agents"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What an entry may say
ALTER TABLE "tenants" ADD CONSTRAINT "tenants_activity_days" CHECK (activity_days BETWEEN 1 AND 3650);
ALTER TABLE "activity_entries" ADD CONSTRAINT "activity_entries_service" CHECK (service ~ '^[a-z0-9][a-z0-9._-]{0,63}$');
ALTER TABLE "activity_entries" ADD CONSTRAINT "activity_entries_action" CHECK (action ~ '^[a-z][a-z0-9._-]{0,62}$');
ALTER TABLE "activity_entries" ADD CONSTRAINT "activity_entries_summary" CHECK (length(summary) BETWEEN 1 AND 500);
ALTER TABLE "activity_entries" ADD CONSTRAINT "activity_entries_outcome"
    CHECK (outcome IN ('allowed', 'asked', 'denied', 'started', 'succeeded', 'failed'));
ALTER TABLE "activity_entries" ADD CONSTRAINT "activity_entries_duration_ms" CHECK (duration_ms >= 0);
ALTER TABLE "activity_entries" ADD CONSTRAINT "activity_entries_started_id"
    CHECK (started_id IS NULL OR outcome IN ('succeeded', 'failed'));
-- where a call went: nothing in it is long, and nothing else is in it
ALTER TABLE "activity_entries" ADD CONSTRAINT "activity_entries_network" CHECK (
    network IS NULL
    OR jsonb_typeof(network) = 'object'
       AND network - ARRAY['host', 'method', 'port', 'tls'] = '{}'
       AND coalesce(jsonb_typeof(network->'host') = 'string' AND length(network->>'host') BETWEEN 1 AND 255, false)
       AND coalesce(jsonb_typeof(network->'method') = 'string' AND length(network->>'method') BETWEEN 1 AND 20, NOT network ? 'method')
       AND coalesce(jsonb_typeof(network->'port') = 'number' AND (network->'port')::numeric BETWEEN 1 AND 65535, NOT network ? 'port')
       AND coalesce(jsonb_typeof(network->'tls') = 'boolean', NOT network ? 'tls'));
