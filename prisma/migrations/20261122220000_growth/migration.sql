-- What stays as fast as it was when there is more of it.

-- the members of a world in the order of a page: without it, all memberships of the tenant were gone through for a small world
-- CreateIndex
CREATE INDEX "world_members_tenant_id_world_id_id_idx" ON "world_members"("tenant_id", "world_id", "id");
