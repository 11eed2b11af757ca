// On a real cluster: the tables distributed, every request served on its tenant's node, and the same isolation there as anywhere.
//
// Needs a coordinator with Citus and at least one worker, empty or as an earlier run has left it: CITUS_DATABASE_URL, an administrator's.
// test/scale/citus-cluster.sh makes one. Without, nothing here runs. What the whole API sends is not sent here: docs/scale/citus.md tells what came of that.

import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onNode } from '../../src/db/citus.ts';
import { PLACEMENTS, placed } from '../../src/db/citus-tables.ts';
import { issueTicket } from '../../src/db/ticket.ts';
import { withClient } from '../../src/db/with-client.ts';
import { ACTORS, type ActorName, TENANTS, type TenantSlug } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { type Acting, as, type Database, KEY, open, raw, type Sql } from '../kit/as.ts';
import { endIdle } from '../kit/connections.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { ALONE, type Cluster, databaseOf, prepareCluster } from './citus-nodes.ts';

const ADMIN = process.env.CITUS_DATABASE_URL;
const MEMORIES = 'select id from memories where tenant_id = $1';
/** A policy without its expressions, which PostgreSQL words differently from version to version. */
const POLICY = `p.polname || ' ' || p.polcmd::text || ' ' || case when p.polpermissive then 'permissive' else 'restrictive' end
  || ' ' || (select string_agg(r.rolname, ' ' order by r.rolname) from pg_roles r where r.oid = any (p.polroles))`;
/** What a cluster says to whoever asks a node for what is on another: that it cannot connect, or may not. */
const ELSEWHERE = ['08006', '42501', 'XX000'];
const { acme, globex } = TENANTS;

describe.skipIf(ADMIN === undefined)('on a cluster (CITUS_DATABASE_URL)', () => {
  const admin = ADMIN ?? '';
  let cluster: Cluster;
  /** A database with the policies as they are written. */
  let written: TestDatabase;

  const there = (tenant: TenantSlug): Database => cluster.there(tenant);
  /** Acts on the node of the actor's tenant. */
  const act = <Result>(actor: ActorName, acting: Acting, work: (sql: Sql) => Promise<Result>) =>
    as(there(ACTORS[actor].tenant), actor, acting, work);

  beforeAll(async () => {
    written = await createTestDatabase();
    cluster = await prepareCluster(admin);
  }, 300_000);

  afterAll(async () => {
    await endIdle(databaseOf(admin));
    await written.drop();
  });

  test('every table is where the list has it, and all of a tenant beside each other', async () => {
    const found = await withClient(cluster.migratorUrl, async (client) => {
      const { rows } = await client.query<{ name: string; kind: string; together: number }>(
        `select case when strpos(table_name::text, '.') = 0 then 'public.' else '' end || table_name as name,
                citus_table_type as kind, colocation_id as together
           from citus_tables where table_name::text !~ '^(activity|audit)_entries_'`,
      );
      return rows;
    });
    for (const kind of ['distributed', 'reference'] as const) {
      const ofKind = found.filter((table) => table.kind === kind);
      expect(ofKind.map(({ name }) => name).sort()).toEqual(placed(kind).sort());
      expect(new Set(ofKind.map(({ together }) => together)).size).toBe(1);
    }
    expect(found.length).toBe(
      Object.keys(PLACEMENTS).length - placed('node').length - placed('coordinator').length,
    );
  });

  test('every shard has row security forced and the policies as they are written, the restrictive ones too', async () => {
    const policies = await withClient(written.migratorUrl, policiesOf);
    for (const node of cluster.nodes) {
      const shards = await withClient(onNode(admin, node, ALONE), async (client) => {
        const { rows } = await client.query<{ name: string; of: string; forced: boolean; said: string[] }>(
          `select x.relname as name, t.oid::regclass::text as of, x.relrowsecurity and x.relforcerowsecurity as forced,
                  array(select ${POLICY} from pg_policy p where p.polrelid = x.oid and p.polname !~ '^default_' order by 1) as said
             from pg_dist_shard s
             join pg_dist_placement h on h.shardid = s.shardid
             join pg_class t on t.oid = s.logicalrelid and t.relrowsecurity and not t.relispartition
             join pg_class x on x.relnamespace = t.relnamespace and x.relname = t.relname || '_' || s.shardid
            where h.groupid = (select groupid from pg_dist_local_group)`,
        );
        return rows;
      });
      expect(shards.length).toBeGreaterThan(0);
      for (const { name, of, forced, said } of shards) {
        expect({ name, forced, said }).toEqual({ name, forced: true, said: policies.get(of) ?? [] });
      }
    }
  });

  test('without a context there are no rows, on no node and in no shard', async () => {
    for (const node of cluster.nodes) {
      await raw(cluster.at(node), async (sql) => {
        await sql.client.query('begin');
        for (const { id } of Object.values(TENANTS)) {
          expect(['0', ...ELSEWHERE]).toContain(await sql.outcome(MEMORIES, [id]));
        }
        await sql.client.query('rollback');
      });
    }
    for (const tenant of Object.keys(TENANTS) as TenantSlug[]) {
      await raw(there(tenant), async (sql) => {
        expect(await sql.list(MEMORIES, [TENANTS[tenant].id])).toEqual([]);
        const shards = await sql.list(
          `select format('%s_%s', logicalrelid, shardid) from pg_dist_shard join pg_dist_placement using (shardid)
            where logicalrelid = 'memories'::regclass and groupid = (select groupid from pg_dist_local_group)`,
        );
        for (const shard of shards) {
          expect(await sql.list(`select id from ${shard}`), shard).toEqual([]);
        }
      });
    }
  });

  test('a context that was made up is refused', async () => {
    await raw(there('acme'), async (sql) => {
      await sql.client.query('begin');
      await sql.client.query("select set_config('bailiwick.context', 's1|made|up', true)");
      expect(await sql.outcome(MEMORIES, [acme.id])).toBe('28000');
      await sql.client.query('rollback');
    });
  });

  test('owners and tenants see their own rows and nobody else’s, through the table and through its shards', async () => {
    for (const [actor, tenant, seen] of [
      ['alice', acme, 7],
      ['bob', acme, 4],
      ['mallory', globex, 3],
    ] as const) {
      await act(actor, {}, async (sql) => {
        const owners = await sql.rows<{ owner_id: string }>(
          'select owner_id from memories where tenant_id = $1',
          [tenant.id],
        );
        expect(owners.length, actor).toBe(seen);
        expect(new Set(owners.map(({ owner_id }) => owner_id))).toEqual(new Set([ACTORS[actor].id]));
        const other = tenant === acme ? globex.id : acme.id;
        expect(['0', ...ELSEWHERE]).toContain(await sql.outcome(MEMORIES, [other]));
      });
    }
  });

  test('a request at a node that does not have its tenant is served nothing', async () => {
    for (const elsewhere of cluster.nodes.map(cluster.at)) {
      if (elsewhere.adminUrl !== there('acme').adminUrl) {
        await expect(
          as(elsewhere, 'alice', {}, (sql) => sql.list(MEMORIES, [acme.id])),
        ).rejects.toMatchObject({ code: expect.stringMatching(new RegExp(`^(${ELSEWHERE.join('|')})$`)) });
      }
    }
  });

  test('an agent reads and writes through a delegation, and not after it was revoked', async () => {
    const delegation = newId();
    const agent = ACTORS.scout.id;
    await act('alice', { commit: true }, (sql) =>
      sql.client.query(
        `insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, depth, redelegate, capabilities, not_before, expires_at)
         values ($1, $2, $3, $3, $4, 1, 0, '{memory:read,memory:create}', now(), now() + interval '1 hour')`,
        [acme.id, delegation, ACTORS.alice.id, agent],
      ),
    );
    const through = { delegation } as unknown as Acting;
    const written = newId();
    const write = (sql: Sql, owner: string, more = '', value = '') =>
      sql.outcome(
        `insert into memories (tenant_id, id, owner_id, content, tags, delegation_id${more})
         values ($1, $2, $3, 'New.', '{}', $4${value})`,
        [acme.id, written, owner, delegation],
      );
    await act('scout', through, async (sql) => {
      expect(await write(sql, ACTORS.bob.id)).toBe('42501');
      expect(await write(sql, ACTORS.alice.id, ', created_at', ', now() - interval $$1 day$$')).toBe('42501');
      expect((await sql.list(MEMORIES, [acme.id])).length).toBe(7);
      expect(await write(sql, ACTORS.alice.id)).toBe('1');
      expect(await sql.list(MEMORIES, [acme.id])).toContain(written);
      expect(await sql.touched("update memories set kind = 'changed' where tenant_id = $1", [acme.id])).toBe(
        0,
      );
    });
    await act('alice', { commit: true }, async (sql) => {
      expect(await sql.value('select bailiwick.revoke_delegation($1)', [delegation])).toBeInstanceOf(Date);
    });
    await act('scout', through, async (sql) => {
      expect(await sql.list(MEMORIES, [acme.id])).toEqual([]);
      expect(await write(sql, ACTORS.alice.id)).toBe('42501');
    });
  });

  test('what a joined read and an inserting answer ask for is on the tenant’s shard too', async () => {
    await act('alice', {}, async (sql) => {
      // as Prisma joins what a row belongs to: without a tenant of its own
      const joined = await sql.rows<{ agent: string | null }>(
        `select m.id, a.name as agent
           from memories m
           left join lateral (select x.name from agents x where m.tenant_id = x.tenant_id and m.agent_id = x.id limit 1) a on true
          where m.tenant_id = $1 and m.owner_id = $2`,
        [acme.id, ACTORS.alice.id],
      );
      expect(joined.length).toBe(7);
      expect(joined.filter(({ agent }) => agent !== null).length).toBeGreaterThan(0);
      const inserted = await sql.list(
        `insert into memories (tenant_id, id, owner_id, content, tags) values ($1, $2, $3, 'New.', '{}') returning owner_id`,
        [acme.id, newId(), ACTORS.alice.id],
      );
      expect(inserted).toEqual([ACTORS.alice.id]);
    });
  });

  test('a statement that was prepared in one context is planned anew in the next', async () => {
    if (there('acme').runtimeUrl !== there('globex').runtimeUrl) {
      await cluster.move('globex');
      await cluster.settle();
    }
    const actors = ['alice', 'mallory', 'bob', 'mallory'] as const;
    await withClient(there('acme').runtimeUrl, async (client) => {
      for (const actor of actors) {
        await client.query('begin');
        await open(client, actor);
        const { rows } = await client.query<{ owner: string }>({
          name: 'again',
          text: 'select distinct owner_id as owner from memories',
        });
        expect(rows).toEqual([{ owner: ACTORS[actor].id }]);
        await client.query('rollback');
      }
    });
  }, 120_000);

  test('a credential is ended by its owner', async () => {
    await act('alice', {}, async (sql) => {
      const key = newId();
      const issued = await sql.rows<{ refusal: string | null }>(
        `select bailiwick.issue_key($1, $2, 'on a cluster', 'bwk_abcd', repeat('a', 64), '{memory:read}', null, now() + interval '1 day') as refusal`,
        [key, ACTORS.alice.id],
      );
      expect(issued).toEqual([{ refusal: null }]);
      expect(await sql.value('select bailiwick.revoke_key($1)', [key])).toBeInstanceOf(Date);
    });
  });

  test('the audit and what listeners are told are written with the change', async () => {
    await act('alice', {}, async (sql) => {
      const memory = (await sql.list(MEMORIES, [acme.id]))[0];
      expect(
        await sql.outcome("select bailiwick.audit($1, 'memory.update', 'memory', $2, '{}')", [
          newId(),
          memory,
        ]),
      ).toBe('1');
    });
  });

  test('the server’s own work for nobody is done on the node: receipts, and what is past', async () => {
    await raw(there('acme'), async (sql) => {
      await sql.client.query('begin');
      await sql.client.query(
        'select bailiwick.open($1, $2)',
        issueTicket({ kind: 'service', service: 'identity', requestId: newId() }, KEY),
      );
      const read = {
        ...{ tenant_id: acme.id, owner_id: ACTORS.bob.id, agent_id: ACTORS.scout.id, operation: 'Memories' },
        ...{ kind: 'Agent', row_id: ACTORS.scout.id, delegation_id: newId(), request_id: newId() },
      };
      await sql.rows('select bailiwick.leave_receipts($1)', [JSON.stringify([read, read])]);
      await sql.rows('select bailiwick.forget_events()');
      expect(await sql.value('select bailiwick.expire_activity(100)')).toBe(0);
      await sql.client.query('rollback');
    });
  });

  test('a request runs nothing on another node', async () => {
    await raw(there('acme'), async (sql) => {
      for (const text of [
        "select run_command_on_workers('select 1')",
        "select run_command_on_all_nodes('select 1')",
        "select run_command_on_coordinator('select 1')",
      ]) {
        await expect(sql.rows(text), text).rejects.toMatchObject({ code: '42501' });
      }
    });
  });

  test('a tenant that moves to another node takes its policies along, and is served there after the next distributing', async () => {
    await cluster.move('globex');
    const seen = (sql: Sql) => sql.list(MEMORIES, [globex.id]);
    expect((await act('mallory', {}, seen)).length).toBe(3);
    expect(await raw(there('globex'), seen)).toEqual([]);
    await cluster.settle();
    await act('mallory', {}, async (sql) => {
      const written = await sql.outcome(
        `insert into memories (tenant_id, id, owner_id, content, tags) values ($1, $2, $3, 'New.', '{}')`,
        [globex.id, newId(), ACTORS.mallory.id],
      );
      expect(written).toBe('1');
    });
  }, 180_000);
});

/** By table. */
async function policiesOf(client: pg.Client): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ table: string; said: string[] }>(
    `select p.polrelid::regclass::text as table, array_agg(${POLICY} order by ${POLICY}) as said from pg_policy p group by 1`,
  );
  return new Map(rows.map(({ table, said }) => [table, said]));
}
