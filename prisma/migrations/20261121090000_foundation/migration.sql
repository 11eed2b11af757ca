-- The tables of the foundation, and the kernel's own schema. Who may see what stands in prisma/policies, not here: a
-- database with this migration and without the policies shows nothing and takes nothing.

CREATE SCHEMA bailiwick;

-- Keys of the sealed context as padded HMAC blocks (prisma/policies/00-session.sql). Kept out of dumps:
-- pg_dump --exclude-table-data=bailiwick.context_key
CREATE TABLE bailiwick.context_key (
    kid TEXT PRIMARY KEY CHECK (kid ~ '^[A-Za-z0-9_-]{1,64}$'),
    purpose TEXT NOT NULL CHECK (purpose IN ('ticket', 'seal')),
    inner_pad BYTEA NOT NULL CHECK (length(inner_pad) = 64),
    outer_pad BYTEA NOT NULL CHECK (length(outer_pad) = 64),
    active BOOLEAN NOT NULL DEFAULT true,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Which policy files are in force.
CREATE TABLE bailiwick.policy_state (
    singleton BOOLEAN PRIMARY KEY DEFAULT true CHECK (singleton),
    checksum TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Column defaults below name these three. The policies give them their bodies; until then they refuse.
CREATE FUNCTION bailiwick.actor_id() RETURNS UUID LANGUAGE plpgsql STABLE
    AS $$ BEGIN RAISE EXCEPTION 'the policies have not been applied' USING ERRCODE = '28000'; END $$;
CREATE FUNCTION bailiwick.delegation_id() RETURNS UUID LANGUAGE plpgsql STABLE
    AS $$ BEGIN RAISE EXCEPTION 'the policies have not been applied' USING ERRCODE = '28000'; END $$;
CREATE FUNCTION bailiwick.request_id() RETURNS UUID LANGUAGE plpgsql STABLE
    AS $$ BEGIN RAISE EXCEPTION 'the policies have not been applied' USING ERRCODE = '28000'; END $$;

-- CreateTable
CREATE TABLE "tenants" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'active',
    "subdelegation_seconds" INTEGER NOT NULL DEFAULT 3600,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),

    CONSTRAINT "tenants_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "entities" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'active',
    "owner_id" UUID NOT NULL,
    "ceiling" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),

    CONSTRAINT "entities_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "identities" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "entity_id" UUID NOT NULL,
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),

    CONSTRAINT "identities_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "users" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "role" TEXT NOT NULL DEFAULT 'member',
    "display_name" TEXT NOT NULL,
    "email" TEXT,
    "locale" TEXT,
    "time_zone" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "agents" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "parent_id" UUID,
    "name" TEXT NOT NULL,
    "icon" TEXT,
    "description" TEXT,
    "model" TEXT,
    "settings" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" UUID NOT NULL DEFAULT bailiwick.actor_id(),
    "delegation_id" UUID DEFAULT bailiwick.delegation_id(),
    "request_id" UUID NOT NULL DEFAULT bailiwick.request_id(),

    CONSTRAINT "agents_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "agent_instructions" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "system_prompt" TEXT,
    "private_instructions" TEXT,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "agent_instructions_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "worlds" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" UUID NOT NULL DEFAULT bailiwick.actor_id(),
    "delegation_id" UUID DEFAULT bailiwick.delegation_id(),
    "request_id" UUID NOT NULL DEFAULT bailiwick.request_id(),

    CONSTRAINT "worlds_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "world_members" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "world_id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "entity_id" UUID NOT NULL,
    "role" TEXT NOT NULL DEFAULT 'member',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "created_by" UUID NOT NULL DEFAULT bailiwick.actor_id(),
    "delegation_id" UUID DEFAULT bailiwick.delegation_id(),
    "request_id" UUID NOT NULL DEFAULT bailiwick.request_id(),

    CONSTRAINT "world_members_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "delegations" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "delegator_id" UUID NOT NULL,
    "delegate_id" UUID NOT NULL,
    "parent_id" UUID,
    "depth" INTEGER NOT NULL DEFAULT 1,
    "redelegate" INTEGER NOT NULL DEFAULT 0,
    "capabilities" TEXT[],
    "world_id" UUID,
    "purpose" TEXT,
    "not_before" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "revoked_by" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "created_by" UUID NOT NULL DEFAULT bailiwick.actor_id(),
    "delegation_id" UUID DEFAULT bailiwick.delegation_id(),
    "request_id" UUID NOT NULL DEFAULT bailiwick.request_id(),

    CONSTRAINT "delegations_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "memories" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "agent_id" UUID,
    "world_id" UUID,
    "kind" TEXT NOT NULL DEFAULT 'note',
    "content" TEXT NOT NULL,
    "tags" TEXT[],
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "search" tsvector GENERATED ALWAYS AS (to_tsvector('english', content)) STORED,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" UUID NOT NULL DEFAULT bailiwick.actor_id(),
    "delegation_id" UUID DEFAULT bailiwick.delegation_id(),
    "request_id" UUID NOT NULL DEFAULT bailiwick.request_id(),

    CONSTRAINT "memories_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "audit_entries" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "occurred_at" TIMESTAMPTZ(6) NOT NULL DEFAULT transaction_timestamp(),
    "event" TEXT NOT NULL,
    "actor_id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "chain" UUID[],
    "request_id" UUID NOT NULL,
    "target_kind" TEXT,
    "target_id" UUID,
    "detail" JSONB NOT NULL DEFAULT '{}',
    "policy_checksum" TEXT NOT NULL,

    CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "tenants_slug_key" ON "tenants"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "tenants_tenant_id_key" ON "tenants"("tenant_id");

-- CreateIndex
CREATE INDEX "entities_tenant_id_owner_id_kind_id_idx" ON "entities"("tenant_id", "owner_id", "kind", "id");

-- CreateIndex
CREATE UNIQUE INDEX "entities_tenant_id_id_owner_id_key" ON "entities"("tenant_id", "id", "owner_id");

-- CreateIndex
CREATE INDEX "identities_tenant_id_entity_id_idx" ON "identities"("tenant_id", "entity_id");

-- CreateIndex
CREATE UNIQUE INDEX "identities_tenant_id_issuer_subject_key" ON "identities"("tenant_id", "issuer", "subject");

-- CreateIndex
CREATE UNIQUE INDEX "users_tenant_id_id_owner_id_key" ON "users"("tenant_id", "id", "owner_id");

-- CreateIndex
CREATE INDEX "agents_tenant_id_owner_id_id_idx" ON "agents"("tenant_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "agents_tenant_id_owner_id_name_id_idx" ON "agents"("tenant_id", "owner_id", "name", "id");

-- CreateIndex
CREATE INDEX "agents_tenant_id_parent_id_owner_id_idx" ON "agents"("tenant_id", "parent_id", "owner_id");

-- CreateIndex
CREATE UNIQUE INDEX "agents_tenant_id_id_owner_id_key" ON "agents"("tenant_id", "id", "owner_id");

-- CreateIndex
CREATE UNIQUE INDEX "agent_instructions_tenant_id_id_owner_id_key" ON "agent_instructions"("tenant_id", "id", "owner_id");

-- CreateIndex
CREATE INDEX "worlds_tenant_id_owner_id_id_idx" ON "worlds"("tenant_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "worlds_tenant_id_owner_id_name_id_idx" ON "worlds"("tenant_id", "owner_id", "name", "id");

-- CreateIndex
CREATE UNIQUE INDEX "worlds_tenant_id_id_owner_id_key" ON "worlds"("tenant_id", "id", "owner_id");

-- CreateIndex
CREATE INDEX "world_members_tenant_id_world_id_owner_id_idx" ON "world_members"("tenant_id", "world_id", "owner_id");

-- CreateIndex
CREATE INDEX "world_members_tenant_id_entity_id_world_id_idx" ON "world_members"("tenant_id", "entity_id", "world_id");

-- CreateIndex
CREATE UNIQUE INDEX "world_members_tenant_id_world_id_entity_id_key" ON "world_members"("tenant_id", "world_id", "entity_id");

-- CreateIndex
CREATE INDEX "delegations_tenant_id_owner_id_id_idx" ON "delegations"("tenant_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "delegations_tenant_id_delegate_id_id_idx" ON "delegations"("tenant_id", "delegate_id", "id");

-- CreateIndex
CREATE INDEX "delegations_tenant_id_delegator_id_id_idx" ON "delegations"("tenant_id", "delegator_id", "id");

-- CreateIndex
CREATE INDEX "delegations_tenant_id_parent_id_idx" ON "delegations"("tenant_id", "parent_id");

-- CreateIndex
CREATE INDEX "delegations_tenant_id_world_id_idx" ON "delegations"("tenant_id", "world_id");

-- CreateIndex
CREATE UNIQUE INDEX "delegations_tenant_id_id_owner_id_delegate_id_key" ON "delegations"("tenant_id", "id", "owner_id", "delegate_id");

-- CreateIndex
CREATE INDEX "memories_tenant_id_owner_id_id_idx" ON "memories"("tenant_id", "owner_id", "id");

-- CreateIndex
CREATE INDEX "memories_tenant_id_owner_id_agent_id_id_idx" ON "memories"("tenant_id", "owner_id", "agent_id", "id");

-- CreateIndex
CREATE INDEX "memories_tenant_id_owner_id_world_id_id_idx" ON "memories"("tenant_id", "owner_id", "world_id", "id");

-- CreateIndex
CREATE INDEX "memories_tenant_id_owner_id_kind_id_idx" ON "memories"("tenant_id", "owner_id", "kind", "id");

-- CreateIndex
CREATE INDEX "memories_tenant_id_world_id_idx" ON "memories"("tenant_id", "world_id");

-- CreateIndex
CREATE INDEX "audit_entries_tenant_id_owner_id_id_idx" ON "audit_entries"("tenant_id", "owner_id", "id");

-- AddForeignKey
ALTER TABLE "entities" ADD CONSTRAINT "entities_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("tenant_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "entities" ADD CONSTRAINT "entities_tenant_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "owner_id") REFERENCES "entities"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "identities" ADD CONSTRAINT "identities_tenant_id_entity_id_fkey" FOREIGN KEY ("tenant_id", "entity_id") REFERENCES "entities"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "users" ADD CONSTRAINT "users_tenant_id_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "id", "owner_id") REFERENCES "entities"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "agents" ADD CONSTRAINT "agents_tenant_id_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "id", "owner_id") REFERENCES "entities"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "agents" ADD CONSTRAINT "agents_tenant_id_parent_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "parent_id", "owner_id") REFERENCES "agents"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "agent_instructions" ADD CONSTRAINT "agent_instructions_tenant_id_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "id", "owner_id") REFERENCES "agents"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "worlds" ADD CONSTRAINT "worlds_tenant_id_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "id", "owner_id") REFERENCES "entities"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "world_members" ADD CONSTRAINT "world_members_tenant_id_world_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "world_id", "owner_id") REFERENCES "worlds"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "world_members" ADD CONSTRAINT "world_members_tenant_id_entity_id_fkey" FOREIGN KEY ("tenant_id", "entity_id") REFERENCES "users"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "delegations" ADD CONSTRAINT "delegations_tenant_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "owner_id") REFERENCES "entities"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "delegations" ADD CONSTRAINT "delegations_tenant_id_delegator_id_fkey" FOREIGN KEY ("tenant_id", "delegator_id") REFERENCES "entities"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "delegations" ADD CONSTRAINT "delegations_tenant_id_delegate_id_fkey" FOREIGN KEY ("tenant_id", "delegate_id") REFERENCES "entities"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "delegations" ADD CONSTRAINT "delegations_tenant_id_delegate_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "delegate_id", "owner_id") REFERENCES "agents"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "delegations" ADD CONSTRAINT "delegations_tenant_id_parent_id_owner_id_delegator_id_fkey" FOREIGN KEY ("tenant_id", "parent_id", "owner_id", "delegator_id") REFERENCES "delegations"("tenant_id", "id", "owner_id", "delegate_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "delegations" ADD CONSTRAINT "delegations_tenant_id_world_id_fkey" FOREIGN KEY ("tenant_id", "world_id") REFERENCES "worlds"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "memories" ADD CONSTRAINT "memories_tenant_id_agent_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "agent_id", "owner_id") REFERENCES "agents"("tenant_id", "id", "owner_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "memories" ADD CONSTRAINT "memories_tenant_id_world_id_fkey" FOREIGN KEY ("tenant_id", "world_id") REFERENCES "worlds"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("tenant_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What no row may be, whoever writes it.
ALTER TABLE tenants
    ADD CONSTRAINT tenants_is_itself CHECK (tenant_id = id),
    ADD CONSTRAINT tenants_slug CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    ADD CONSTRAINT tenants_status CHECK (status IN ('active', 'suspended', 'archived')),
    ADD CONSTRAINT tenants_subdelegation CHECK (subdelegation_seconds BETWEEN 60 AND 86400);
ALTER TABLE entities
    ADD CONSTRAINT entities_kind CHECK (kind IN ('user', 'agent', 'world')),
    ADD CONSTRAINT entities_status CHECK (status IN ('active', 'suspended', 'archived')),
    ADD CONSTRAINT entities_user_owns_itself CHECK ((kind = 'user') = (owner_id = id)),
    ADD CONSTRAINT entities_ceiling CHECK (ceiling IS NULL OR jsonb_typeof(ceiling) = 'array');
ALTER TABLE users
    ADD CONSTRAINT users_own_themselves CHECK (owner_id = id),
    ADD CONSTRAINT users_role CHECK (role IN ('member', 'admin')),
    ADD CONSTRAINT users_display_name CHECK (length(display_name) BETWEEN 1 AND 200);
ALTER TABLE agents
    ADD CONSTRAINT agents_name CHECK (length(name) BETWEEN 1 AND 200),
    ADD CONSTRAINT agents_not_own_parent CHECK (parent_id <> id),
    ADD CONSTRAINT agents_settings CHECK (jsonb_typeof(settings) = 'object');
ALTER TABLE worlds
    ADD CONSTRAINT worlds_name CHECK (length(name) BETWEEN 1 AND 200);
ALTER TABLE world_members
    ADD CONSTRAINT world_members_role CHECK (role IN ('owner', 'member', 'guest')),
    ADD CONSTRAINT world_members_owner CHECK ((role = 'owner') = (entity_id = owner_id));
ALTER TABLE memories
    ADD CONSTRAINT memories_kind CHECK (kind ~ '^[a-z][a-z0-9_-]{0,62}$'),
    ADD CONSTRAINT memories_content CHECK (length(content) BETWEEN 1 AND 100000),
    ADD CONSTRAINT memories_tags CHECK (cardinality(tags) <= 50),
    ADD CONSTRAINT memories_metadata CHECK (jsonb_typeof(metadata) = 'object');
-- Depth, hops and lifetimes of delegations are also judged when they are granted (prisma/policies/02-granting.sql);
-- these are the outer bounds that hold even for the tables' owner. A minute is left for clocks.
ALTER TABLE delegations
    ADD CONSTRAINT delegations_depth CHECK (depth BETWEEN 1 AND 4),
    ADD CONSTRAINT delegations_root CHECK ((depth = 1) = (parent_id IS NULL)),
    ADD CONSTRAINT delegations_root_delegator CHECK (depth > 1 OR delegator_id = owner_id),
    ADD CONSTRAINT delegations_redelegate CHECK (redelegate BETWEEN 0 AND 4 - depth),
    ADD CONSTRAINT delegations_not_to_self CHECK (delegate_id <> delegator_id AND delegate_id <> owner_id),
    ADD CONSTRAINT delegations_capabilities CHECK (
        capabilities IS NOT NULL AND cardinality(capabilities) > 0 AND array_ndims(capabilities) = 1),
    ADD CONSTRAINT delegations_finite CHECK (isfinite(not_before) AND isfinite(expires_at)),
    ADD CONSTRAINT delegations_lifetime CHECK (
        expires_at > not_before
        AND expires_at <= created_at + CASE WHEN depth = 1 THEN interval '90 days 1 minute' ELSE interval '24 hours 1 minute' END),
    ADD CONSTRAINT delegations_revoked_by CHECK ((revoked_at IS NULL) = (revoked_by IS NULL));
ALTER TABLE audit_entries
    ADD CONSTRAINT audit_entries_event CHECK (event ~ '^[a-z_]+\.[a-z_]+$');
