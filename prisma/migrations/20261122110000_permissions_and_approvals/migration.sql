-- What agents may do outside: the owner's rules about it, what they have asked for, and what changed, for whoever listens.
-- CreateTable
CREATE TABLE "permissions" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "agent_id" UUID,
    "service" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "effect" TEXT NOT NULL,
    "note" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" UUID NOT NULL DEFAULT bailiwick.actor_id(),
    "request_id" UUID NOT NULL DEFAULT bailiwick.request_id(),

    CONSTRAINT "permissions_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "approvals" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "agent_id" UUID NOT NULL,
    "service" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "arguments" JSONB NOT NULL,
    "digest" TEXT NOT NULL,
    "reason" TEXT,
    "version" TEXT NOT NULL,
    "chain" UUID[],
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "decision" TEXT,
    "note" TEXT,
    "decided_at" TIMESTAMPTZ(3),
    "decided_by" UUID,
    "redeemed_at" TIMESTAMPTZ(3),
    "redemption_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "created_by" UUID NOT NULL DEFAULT bailiwick.actor_id(),
    "delegation_id" UUID NOT NULL DEFAULT bailiwick.delegation_id(),
    "request_id" UUID NOT NULL DEFAULT bailiwick.request_id(),

    CONSTRAINT "approvals_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE INDEX "permissions_tenant_id_owner_id_id_idx" ON "permissions"("tenant_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "permissions_tenant_id_agent_id_owner_id_idx" ON "permissions"("tenant_id", "agent_id", "owner_id");

-- CreateIndex
-- two rules about the same would leave it open which of them holds, also where both are about every agent
CREATE UNIQUE INDEX "permissions_tenant_id_owner_id_agent_id_service_action_key"
    ON "permissions"("tenant_id", "owner_id", "agent_id", "service", "action") NULLS NOT DISTINCT;

-- CreateIndex
CREATE INDEX "approvals_tenant_id_owner_id_id_idx" ON "approvals"("tenant_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "approvals_tenant_id_agent_id_owner_id_id_idx" ON "approvals"("tenant_id", "agent_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "approvals_tenant_id_owner_id_digest_idx" ON "approvals"("tenant_id", "owner_id", "digest");

-- CreateIndex
CREATE INDEX "approvals_tenant_id_delegation_id_owner_id_agent_id_idx" ON "approvals"("tenant_id", "delegation_id", "owner_id", "agent_id");

-- AddForeignKey
ALTER TABLE "permissions" ADD CONSTRAINT "permissions_tenant_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "owner_id") REFERENCES "users"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "permissions" ADD CONSTRAINT "permissions_tenant_id_agent_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "agent_id", "owner_id") REFERENCES "agents"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_tenant_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "owner_id") REFERENCES "users"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_tenant_id_agent_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "agent_id", "owner_id") REFERENCES "agents"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_tenant_id_delegation_id_owner_id_agent_id_fkey" FOREIGN KEY ("tenant_id", "delegation_id", "owner_id", "agent_id") REFERENCES "delegations"("tenant_id", "id", "owner_id", "delegate_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What a rule and a request may say
ALTER TABLE "permissions" ADD CONSTRAINT "permissions_service" CHECK (service = '*' OR service ~ '^[a-z0-9][a-z0-9._-]{0,63}$');
ALTER TABLE "permissions" ADD CONSTRAINT "permissions_action"
    CHECK (action = '*' OR action ~ '^[a-z][a-z0-9._-]{0,62}$' OR action ~ '^[a-z][a-z0-9._-]{0,60}\.\*$');
ALTER TABLE "permissions" ADD CONSTRAINT "permissions_effect" CHECK (effect IN ('allow', 'ask', 'deny'));
ALTER TABLE "permissions" ADD CONSTRAINT "permissions_note" CHECK (length(note) BETWEEN 1 AND 500);
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_service" CHECK (service ~ '^[a-z0-9][a-z0-9._-]{0,63}$');
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_action" CHECK (action ~ '^[a-z][a-z0-9._-]{0,62}$');
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_digest" CHECK (digest ~ '^[0-9a-f]{64}$');
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_reason" CHECK (length(reason) BETWEEN 1 AND 500);
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_note" CHECK (length(note) BETWEEN 1 AND 500);
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_expires_at" CHECK (expires_at > created_at AND expires_at <= created_at + interval '7 days');
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_decision" CHECK (decision IN ('approved', 'rejected'));
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_decided"
    CHECK ((decision IS NULL) = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL));
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_redeemed"
    CHECK (redeemed_at IS NULL OR decision = 'approved' AND redemption_id IS NOT NULL);
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_arguments_length" CHECK (length(arguments::text) <= 200000);

-- Only envelopes stand in an encrypted column
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_arguments_sealed"
    CHECK (jsonb_typeof(arguments) = 'string' AND starts_with(arguments #>> '{}', 'bwe1.'));

-- What happened, for whoever listens to it: ids and no more, kept for minutes. Of the kernel alone.
CREATE TABLE bailiwick.events (
    tenant_id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    -- by which a listener knows what it has not seen yet: whatever was not visible in its last snapshot
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    owner_id uuid NOT NULL,
    world_id uuid,
    parties uuid[] NOT NULL DEFAULT '{}',
    kind text NOT NULL,
    event text NOT NULL,
    id uuid NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX events_unseen ON bailiwick.events (tenant_id, xid);
CREATE INDEX events_age ON bailiwick.events (recorded_at);
