-- The key of a membership names the owner of its world too. Before, a row that named another owner's world and pretended to
-- be of its own could collide with a hidden membership, and the collision told that somebody takes part in a hidden world:
-- unique keys are checked before foreign keys. The owner follows from the world, so nothing else becomes possible.

-- DropIndex
DROP INDEX "world_members_tenant_id_world_id_entity_id_key";

-- DropIndex
DROP INDEX "world_members_tenant_id_world_id_owner_id_idx";

-- CreateIndex
CREATE UNIQUE INDEX "world_members_tenant_id_world_id_owner_id_entity_id_key" ON "world_members"("tenant_id", "world_id", "owner_id", "entity_id");
