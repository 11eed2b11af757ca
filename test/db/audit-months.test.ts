// The months of the audit: what was recorded before there were any is found afterwards and was not written anew, what is recorded now lies
// in this month, months are made ahead, each is closed by itself, and one that is over can be taken out and no other.

import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import { firstIdOf } from '../../src/activity/moment.ts';
import { applyMigrations, MIGRATIONS_FOLDER, schemaDiff } from '../../src/db/engine.ts';
import { detachMonth, ensurePartitions, listPartitions } from '../../src/db/partitions.ts';
import { applyPolicies } from '../../src/db/policies.ts';
import { inspectPosture } from '../../src/db/posture.ts';
import { withClient } from '../../src/db/with-client.ts';
import { TENANTS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { test as asCast, itself } from '../kit/cast.ts';
import { asAdmin, testUrl } from '../kit/database.ts';

const MIGRATION = '20261123090000_audit_months';
const SCRIPT = readFileSync(join(MIGRATIONS_FOLDER, MIGRATION, 'migration.sql'), 'utf8');
const DAY = 86_400_000;
const TENANT = newId();
/** From when on the months of the audit are tables by themselves: the first takes all that is before. */
const first = () => {
  const tomorrow = new Date(Date.now() + DAY);
  return (ahead: number) => new Date(Date.UTC(tomorrow.getUTCFullYear(), tomorrow.getUTCMonth() + ahead, 1));
};
const nameOf = (moment: Date) => `audit_entries_${moment.toISOString().slice(0, 7).replace('-', '_')}`;
const idAt = (moment: Date) => `${firstIdOf(moment).slice(0, 14)}7${newId().slice(15)}`;

async function put(client: Client, id: string, tenant: string = TENANT): Promise<string> {
  await client.query(
    `insert into audit_entries (tenant_id, id, event, actor_id, owner_id, request_id, policy_checksum)
     values ($1, $2, 'memory.created', $1, $1, $1, '')`,
    [tenant, id],
  );
  return id;
}

async function placeOf(client: Client, id: string): Promise<string> {
  const { rows } = await client.query<{ place: string }>(
    'select tableoid::regclass::text as place from audit_entries where id = $1',
    [id],
  );
  return rows.map(({ place }) => place).join();
}

/** A database as it was before the audit had months, with one tenant; its URL as the migrator. */
async function before(): Promise<string> {
  const { adminUrl, run } = inject('testServer');
  const name = `bailiwick_test_${run}_${randomBytes(4).toString('hex')}`;
  await asAdmin(adminUrl, (client) => client.query(`create database ${name} owner bailiwick_migrator`));
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-migrations-'));
  onTestFinished(async () => {
    rmSync(folder, { recursive: true });
    await asAdmin(adminUrl, (client) => client.query(`drop database ${name}`));
  });
  cpSync(MIGRATIONS_FOLDER, folder, { recursive: true });
  for (const name of readdirSync(folder).filter((one) => one >= MIGRATION && /^\d/.test(one))) {
    rmSync(join(folder, name), { recursive: true });
  }
  const url = testUrl(adminUrl, name, 'migrator');
  await applyMigrations(url, { migrationsDir: folder });
  await withClient(url, async (client) => {
    await client.query("insert into tenants (tenant_id, id, slug, name) values ($1, $1, 'old', 'Old')", [
      TENANT,
    ]);
    // what the policies of then let the kernel do
    await client.query(`
      alter table audit_entries enable row level security, force row level security;
      create policy kernel_writes on audit_entries for insert to bailiwick_kernel with check (true);
      grant insert on audit_entries to bailiwick_kernel`);
  });
  return url;
}

/** Says what PostgreSQL reads whole, or takes for proved. */
async function migrating(client: Client): Promise<string[]> {
  const told: string[] = [];
  client.on('notice', ({ message = '' }) => told.push(message));
  await client.query('set client_min_messages = debug1');
  await client.query(SCRIPT);
  await client.query('reset client_min_messages');
  return told.filter((line) => /^(verifying|partition constraint|validating|rewriting)/.test(line));
}

const READ = 'verifying table "audit_entries_first"';
const PROVED = 'partition constraint for table "audit_entries_first" is implied by existing constraints';

test('what was recorded before is found afterwards, where it was written, and was read once', async () => {
  const url = await before();
  const month = first();
  await withClient(url, async (client) => {
    const old = [new Date('2024-02-29T12:00:00Z'), new Date()].map(idAt);
    for (const id of old) {
      await put(client, id);
    }
    const files =
      "select pg_relation_filenode('audit_entries') as heap, pg_relation_filenode('audit_entries_pkey') as key";
    const [was] = (await client.query(files)).rows;
    // an id that is of no time: nothing kept anybody from it
    const odd = await put(client, 'f0000000-0000-4000-8000-000000000000');
    expect((await migrating(client)).filter((line) => !line.includes('_other'))).toEqual([READ, PROVED]);
    for (const id of old) {
      expect(await placeOf(client, id)).toBe(nameOf(month(0)));
    }
    expect(await placeOf(client, odd)).toBe('audit_entries_other');
    const [is] = (await client.query(files.replaceAll('audit_entries', nameOf(month(0))))).rows;
    expect(is).toEqual(was);
    expect(await placeOf(client, await put(client, newId()))).toBe(nameOf(month(0)));
    expect(await placeOf(client, await put(client, idAt(month(1))))).toBe('audit_entries_other');
    expect(await listPartitions(client, 'audit_entries')).toMatchObject([
      { name: nameOf(month(0)), from: null, until: month(1) },
      { name: 'audit_entries_other', from: null, until: null },
    ]);
    // nothing is left of the way there
    const { rows } = await client.query(
      "select conname from pg_constraint where conname = 'audit_entries_until'",
    );
    expect(rows).toEqual([]);
  });
});

test('until the policies are applied the kernel writes as before, and afterwards as they say', async () => {
  const url = await before();
  await withClient(url, async (client) => {
    await client.query(SCRIPT);
    const open = `select c.relname, c.relrowsecurity and c.relforcerowsecurity as forced,
        array(select polname::text from pg_policy where polrelid = c.oid) as policies,
        has_table_privilege('bailiwick_kernel', c.oid, 'insert') as writes,
        has_any_column_privilege('bailiwick_runtime', c.oid, 'select, insert, update') as runtime
      from pg_class c where c.relname ~ '^audit_entries' and c.relkind in ('r', 'p') order by c.relkind, c.relname`;
    const closed = { forced: true, policies: [], writes: false, runtime: false };
    const table = {
      relname: 'audit_entries',
      forced: true,
      policies: ['kernel_writes'],
      writes: true,
      runtime: false,
    };
    const months = [nameOf(first()(0)), 'audit_entries_other'];
    expect((await client.query(open)).rows).toEqual([
      table,
      ...months.map((relname) => ({ relname, ...closed })),
    ]);
    await applyPolicies(url);
    const { rows } = await client.query(open);
    expect(rows[0]).toEqual(table);
    expect(rows).toHaveLength(15);
    for (const { relname, ...is } of rows.slice(1)) {
      expect(is, relname).toEqual(closed);
    }
  });
  const schema = new URL('../../schema.prisma', import.meta.url).pathname;
  expect(await schemaDiff(url, { schema, migrationsDir: MIGRATIONS_FOLDER })).toEqual({
    schemaVsMigrations: '',
    migrationsVsDatabase: '',
  });
});

test('what the operator had proved before is not read again, and its end must be that of a month', async () => {
  const url = await before();
  const month = first();
  const proof = (until: string) => `
    alter table audit_entries add constraint audit_entries_until check (id < '${until}') not valid;
    alter table audit_entries validate constraint audit_entries_until`;
  await withClient(url, async (client) => {
    const id = await put(client, newId());
    await client.query(proof(firstIdOf(new Date(month(2).getTime() + DAY))));
    await expect(client.query(SCRIPT)).rejects.toThrow('audit_entries_until must end with a month');
    await client.query('alter table audit_entries drop constraint audit_entries_until');
    await client.query(proof(firstIdOf(month(2))));
    expect((await migrating(client)).filter((line) => !line.includes('_other'))).toEqual([PROVED]);
    expect(await placeOf(client, id)).toBe(nameOf(month(1)));
    expect((await listPartitions(client, 'audit_entries'))[0]?.until).toEqual(month(2));
  });
});

test('who reads the log is waited for without stopping those who write', async () => {
  const url = await before();
  await withClient(url, (reader) =>
    withClient(url, async (client) => {
      await reader.query('begin; lock table audit_entries in access share mode');
      const migrated = client.query(SCRIPT);
      // between two attempts everybody goes on
      let written = 0;
      await withClient(url, async (writer) => {
        await writer.query("set statement_timeout = '3s'");
        while (written < 3) {
          await put(writer, newId());
          written += 1;
        }
      });
      await reader.query('rollback');
      await migrated;
      expect((await client.query('select count(*)::int as n from audit_entries')).rows).toEqual([
        { n: written },
      ]);
    }),
  );
});

asCast(
  'months of the audit are made a year ahead with those of the activity log, and follow each other',
  async ({ migrate }) => {
    await migrate(async ({ client }) => {
      const all = await listPartitions(client, 'audit_entries');
      const month = first();
      const last = new Date();
      const ahead = (last.getUTCMonth() === month(0).getUTCMonth() ? 13 : 12) as number;
      expect(all.map(({ name }) => name)).toEqual([
        ...Array.from({ length: ahead }, (_, n) => nameOf(month(n))),
        'audit_entries_other',
      ]);
      for (const [index, { from }] of all.slice(1, -1).entries()) {
        expect(from).toEqual(all[index]?.until);
      }
      expect(await ensurePartitions(client)).toBe(0);
      await client.query('begin');
      expect(await ensurePartitions(client, 14)).toBe(4);
      expect(await ensurePartitions(client, 15, ['audit_entries'])).toBe(1);
      await client.query('rollback');
    });
  },
);

asCast(
  'a month of the audit is closed by its own name, for reading and for writing',
  async ({ as, migrate }) => {
    const months = await migrate((sql) =>
      sql.list(
        `select inhrelid::regclass::text from pg_inherits where inhparent = 'audit_entries'::regclass`,
      ),
    );
    expect(months.length).toBeGreaterThan(12);
    for (const who of ['alice', 'ada'] as const) {
      await as(who, itself, async (sql) => {
        for (const month of months) {
          for (const text of [
            `select from ${month}`,
            `select event from ${month}`,
            `insert into ${month} default values`,
            `update ${month} set event = 'a.b'`,
            `delete from ${month}`,
            `truncate ${month}`,
            `alter table audit_entries detach partition ${month}`,
          ]) {
            expect(await sql.outcome(text), `${who}: ${text}`).toBe('42501');
          }
        }
      });
    }
  },
);

/** Two months that are over, of which the first has an entry, beside those that there are; undone by the caller. */
async function withMonthsThatAreOver({
  client,
}: {
  readonly client: Client;
}): Promise<readonly [Date, Date]> {
  const month = first();
  const [one, two] = [month(-2), month(-1)] as const;
  await client.query(`alter table audit_entries detach partition ${nameOf(month(0))}`);
  for (const [at, from] of [
    [one, 'minvalue'],
    [two, `'${firstIdOf(two)}'`],
  ] as const) {
    const until = firstIdOf(at === one ? two : month(0));
    await client.query(`create table ${nameOf(at)} (like audit_entries including all);
      alter table ${nameOf(at)} enable row level security, force row level security;
      alter table audit_entries attach partition ${nameOf(at)} for values from (${from}) to ('${until}')`);
  }
  await client.query(
    `alter table audit_entries attach partition ${nameOf(month(0))}
       for values from ('${firstIdOf(month(0))}') to ('${firstIdOf(month(1))}')`,
  );
  return [one, two];
}

asCast(
  'a month that is over is taken out: a table by itself, as closed as it was, and the server still starts',
  async ({ as, database, migrate }) => {
    await migrate(async (sql) => {
      const [one, two] = await withMonthsThatAreOver(sql);
      const table = nameOf(one);
      const id = await put(sql.client, idAt(new Date(one.getTime() + DAY)), TENANTS.acme.id);
      expect(await placeOf(sql.client, id)).toBe(table);
      expect(await detachMonth(sql.client, one.toISOString().slice(0, 7))).toEqual({ table });
      expect(await detachMonth(sql.client, one.toISOString().slice(0, 7))).toBe('absent');
      expect(await placeOf(sql.client, id)).toBe('');
      expect(await sql.list(`select id from ${table}`)).toEqual([id]);
      expect(
        await sql.rows(
          `select relispartition, relrowsecurity and relforcerowsecurity as forced,
                array(select grantee::regrole::text from aclexplode(relacl) where grantee <> relowner) as granted
           from pg_class where relname = $1`,
          [table],
        ),
      ).toEqual([{ relispartition: false, forced: true, granted: [] }]);
      await as('alice', itself, async (runtime) => {
        expect(await runtime.outcome(`select from ${table}`)).toBe('42501');
      });
      const refused = (await inspectPosture(database)).filter(({ level }) => level === 'refuse');
      expect(refused).toEqual([]);
      // whoever applies the policies once more leaves it as closed
      await applyPolicies(database.migratorUrl, { force: true });
      await as('alice', itself, async (runtime) => {
        expect(await runtime.outcome(`select from ${table}`)).toBe('42501');
      });
      expect(await ensurePartitions(sql.client)).toBe(0);
      expect(await placeOf(sql.client, await put(sql.client, newId(), TENANTS.acme.id))).toBe(
        nameOf(first()(0)),
      );
      await sql.rows(`drop table ${table}`);
      await sql.rows(`drop table ${nameOf(two)}`);
    });
  },
);
