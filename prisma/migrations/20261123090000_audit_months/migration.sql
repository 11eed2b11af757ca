-- The audit log is cut into months by id, as the activity log is. The table that is there becomes the first month, which keeps all that is
-- older and takes what comes until it ends: no entry is written anew. Later months are made by bailiwick.ensure_partitions
-- (prisma/policies/08-activity.sql).
--
-- While this runs nobody writes to the log: as long as it takes to read the table once, a second or less for a million entries. Attaching
-- does not read it again. Where there are many more, the operator lets it be read before, while everybody writes (docs/audit.md). Until
-- the policies are applied, the kernel writes to the new table as it wrote to the old one.

-- Waiting for a table stops everybody who comes after. So it is waited for a little, and again, while a backup reads it.
DO $$
DECLARE
    patience text := current_setting('lock_timeout');
BEGIN
    FOR attempt IN 1 .. 100 LOOP
        BEGIN
            SET LOCAL lock_timeout = '2s';
            LOCK TABLE "tenants" IN SHARE ROW EXCLUSIVE MODE;
            LOCK TABLE "audit_entries" IN ACCESS EXCLUSIVE MODE;
            PERFORM set_config('lock_timeout', patience, true);
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(3);
        END;
    END LOOP;
    RAISE EXCEPTION 'audit_entries is in use for minutes, perhaps by a backup: end that, or wait for it' USING ERRCODE = '55P03';
END $$;

ALTER TABLE "audit_entries" RENAME TO "audit_entries_first";
ALTER INDEX "audit_entries_pkey" RENAME TO "audit_entries_first_pkey";
ALTER INDEX "audit_entries_tenant_id_owner_id_id_idx" RENAME TO "audit_entries_first_tenant_id_owner_id_id_idx";

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
) PARTITION BY RANGE ("id");

-- CreateIndex
CREATE INDEX "audit_entries_tenant_id_owner_id_id_idx" ON "audit_entries"("tenant_id", "owner_id", "id");

-- AddForeignKey
ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("tenant_id") ON DELETE RESTRICT ON UPDATE RESTRICT;

ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_event" CHECK (event ~ '^[a-z_]+\.[a-z_]+$');

-- What no month has been made for.
CREATE TABLE "audit_entries_other" PARTITION OF "audit_entries" DEFAULT;

ALTER TABLE "audit_entries" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE "audit_entries_other" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE "audit_entries_first" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
REVOKE ALL ON "audit_entries", "audit_entries_other" FROM PUBLIC, bailiwick_runtime, bailiwick_kernel;

DO $$
DECLARE
    -- what the operator has had proved before
    until uuid := (
        SELECT (regexp_match(pg_get_constraintdef(x.oid), '''([0-9a-f-]{36})'''))[1]::uuid
          FROM pg_constraint x
         WHERE x.conrelid = '"audit_entries_first"'::regclass AND x.conname = 'audit_entries_until' AND x.convalidated);
    proved boolean := until IS NOT NULL;
    -- otherwise this month; on its last day the next one as well, which may have begun before its own table is made
    month timestamp := date_trunc('month', CASE
        WHEN proved THEN to_timestamp((('x' || left(replace(until::text, '-', ''), 12))::bit(48)::bigint - 1) / 1000.0)
        ELSE statement_timestamp() + interval '1 day' END AT TIME ZONE 'UTC');
    -- the first id of version 7 of the month after
    ends uuid := (lpad(to_hex((extract(epoch FROM month + interval '1 month') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
    name text := 'audit_entries_' || to_char(month, 'YYYY_MM');
    item record;
BEGIN
    IF proved AND until <> ends THEN
        RAISE EXCEPTION 'audit_entries_until must end with a month: %', ends;
    END IF;
    -- what may be done stays as it was: to the table by whom it was allowed, to a month by nobody
    FOR item IN
        SELECT format('GRANT %s ON "audit_entries" TO %s', a.privilege_type, a.grantee::regrole) AS statement
          FROM pg_class c, aclexplode(c.relacl) a
         WHERE c.oid = '"audit_entries_first"'::regclass AND a.grantee IN ('bailiwick_runtime'::regrole, 'bailiwick_kernel'::regrole)
        UNION ALL
        SELECT format('CREATE POLICY %I ON "audit_entries" FOR INSERT TO bailiwick_kernel WITH CHECK (%s)',
                      p.polname, pg_get_expr(p.polwithcheck, p.polrelid))
          FROM pg_policy p
         WHERE p.polrelid = '"audit_entries_first"'::regclass AND p.polcmd = 'a' AND p.polroles = ARRAY['bailiwick_kernel'::regrole::oid]
        UNION ALL
        SELECT format('DROP POLICY %I ON "audit_entries_first"', p.polname)
          FROM pg_policy p WHERE p.polrelid = '"audit_entries_first"'::regclass
    LOOP
        EXECUTE item.statement;
    END LOOP;
    REVOKE ALL ON "audit_entries_first" FROM PUBLIC, bailiwick_runtime, bailiwick_kernel;

    -- ids of another time, should anybody have written such; looked for by index, tenant by tenant
    FOR item IN SELECT tenant_id FROM "tenants" LOOP
        WITH moved AS (
            DELETE FROM "audit_entries_first" e WHERE e.tenant_id = item.tenant_id AND e.id >= ends RETURNING e.*)
        INSERT INTO "audit_entries_other" SELECT * FROM moved;
    END LOOP;

    -- this reads the table; attaching takes it for proof
    IF NOT proved THEN
        ALTER TABLE "audit_entries_first" DROP CONSTRAINT IF EXISTS "audit_entries_until";
        EXECUTE format('ALTER TABLE "audit_entries_first" ADD CONSTRAINT "audit_entries_until" CHECK ("id" < %L::uuid)', ends);
    END IF;
    EXECUTE format('ALTER TABLE "audit_entries" ATTACH PARTITION "audit_entries_first" FOR VALUES FROM (MINVALUE) TO (%L)', ends);
    ALTER TABLE "audit_entries_first" DROP CONSTRAINT "audit_entries_until";

    EXECUTE format('ALTER TABLE "audit_entries_first" RENAME TO %I', name);
    EXECUTE format('ALTER INDEX "audit_entries_first_pkey" RENAME TO %I', name || '_pkey');
    EXECUTE format('ALTER INDEX "audit_entries_first_tenant_id_owner_id_id_idx" RENAME TO %I', name || '_tenant_id_owner_id_id_idx');
END $$;
