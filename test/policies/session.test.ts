// The sealed context (prisma/policies/00-session.sql, rules S1 to S14; tickets in session-tickets.test.ts): what has no valid one gets nothing, and what has a
// wrong one gets SQLSTATE 28000. What an attacker is taken to have is any SQL as the runtime role.

import { createHmac, randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { type TicketKey, ticketKey } from '../../src/db/ticket.ts';
import { ACTORS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId, type RequestId } from '../../src/ids.ts';
import { KEY, open, type Sql, ticket } from '../kit/as.ts';
import { test as cast, itself } from '../kit/cast.ts';
import { arrangeKeys } from './credentials.ts';

// a table without rows would have nobody to ask about
const test = cast.extend('keys', { scope: 'file', auto: true }, async ({ migrate }) => {
  await migrate(arrangeKeys);
});

const TABLES = `select c.oid::regclass::text from pg_class c where c.relnamespace = 'public'::regnamespace
  and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> '_prisma_migrations'`;
const READABLE = `${TABLES} and has_any_column_privilege('bailiwick_runtime', c.oid, 'select')`;
const SEAL = `select current_setting('bailiwick.context')`;
const plant = (sql: Sql, seal: unknown) =>
  sql.rows(`select set_config('bailiwick.context', $1, true)`, [seal]);

/** What reading each table comes to. */
async function readAll(sql: Sql): Promise<Set<string>> {
  const outcomes = new Set<string>();
  for (const table of await sql.list(READABLE)) {
    const outcome = await sql.outcome(`select from ${table}`);
    outcomes.add(outcome);
  }
  return outcomes;
}

function mac(key: TicketKey, text: string): string {
  return createHmac('sha256', key.key).update(text).digest('hex');
}

/** A body as the kernel would seal it for alice, in this transaction. */
async function body(sql: Sql, kid: string): Promise<string> {
  const now = await sql.value(
    `select pg_backend_pid() || '.' || (extract(epoch from transaction_timestamp()) * 1000000)::bigint`,
  );
  const { id } = ACTORS.alice;
  const expiry = (Date.now() + 600_000) * 1000;
  return [
    's1',
    kid,
    now,
    await sql.value('select bailiwick.tenant_id()'),
    id,
    id,
    '',
    newId(),
    expiry,
    '',
    'memory:read',
    'token',
  ].join('|');
}

test('without a context every table is empty', async ({ raw, migrate }) => {
  const tables = await migrate((sql) => sql.list(TABLES));
  expect(tables).toHaveLength(22);
  await raw(async (sql) => {
    await sql.rows('begin');
    expect(await sql.list(READABLE)).toEqual(
      tables.filter((name) => !['audit_entries', 'identities'].includes(name)),
    );
    expect(await readAll(sql)).toEqual(new Set(['0']));
  });
});

test('a context that was emptied shows nothing again', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    await plant(sql, '');
    expect(await readAll(sql)).toEqual(new Set(['0']));
  });
});

test('a made-up seal is an error on every table, not an empty answer', async ({ raw }) => {
  for (const seal of [
    'x',
    '|',
    ' ',
    's1||||||||||||',
    `s1|${KEY.kid}${'|x'.repeat(11)}`,
    's1|seal-none|1.1||||||0||||aa',
  ]) {
    await raw(async (sql) => {
      await sql.rows('begin');
      await plant(sql, seal);
      expect(await readAll(sql), seal).toEqual(new Set(['28000']));
    });
  }
});

// It would let injected SQL keep the authority of one request for all that follow on the connection.
test('a seal kept from an earlier transaction on the same connection is an error on every table', async ({
  as,
}) => {
  await as('alice', itself, async (sql) => {
    const seal = await sql.value(SEAL);
    await sql.rows('commit');
    await sql.rows('begin');
    await plant(sql, seal);
    expect(await readAll(sql)).toEqual(new Set(['28000']));
    await sql.rows('rollback');
    await sql.rows('begin');
    await open(sql.client, 'bob');
    await plant(sql, seal);
    expect(await readAll(sql)).toEqual(new Set(['28000']));
  });
});

test('a seal of another connection is an error on every table while its own transaction is still open', async ({
  as,
  raw,
}) => {
  await as('alice', itself, async (sql) => {
    const seal = await sql.value(SEAL);
    await raw(async (other) => {
      await other.rows('begin');
      await plant(other, seal);
      expect(await readAll(other)).toEqual(new Set(['28000']));
    });
    expect(await readAll(sql)).not.toContain('28000');
  });
});

test('a seal is bound to the connection itself, not only to the time at which its transaction began', async ({
  migrate,
}) => {
  const bound = `select split_part(bailiwick.transaction_identity(), '.', 1) = pg_backend_pid()::text`;
  expect(await migrate((sql) => sql.value(bound))).toBe(true);
});

test('a seal in which any part was edited is an error on every table', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    const seal = String(await sql.value(SEAL));
    const parts = seal.split('|');
    expect(parts).toHaveLength(13);
    for (const index of parts.keys()) {
      const edited = parts
        .with(index, index === 4 || index === 5 ? ACTORS.bob.id : `${parts[index]}0`)
        .join('|');
      await plant(sql, edited);
      expect(await readAll(sql), `part ${index + 1}`).toEqual(new Set(['28000']));
    }
    await plant(sql, seal);
    expect(await sql.value('select bailiwick.actor_id()')).toBe(ACTORS.alice.id);
  });
});

test('the ticket key does not make a seal', async ({ as }) => {
  await as('bob', itself, async (sql) => {
    const forged = await body(sql, KEY.kid);
    await plant(sql, `${forged}|${mac(KEY, forged)}`);
    expect(await readAll(sql)).toEqual(new Set(['28000']));
  });
});

test('a seal key does not sign a ticket', async ({ migrate, raw }) => {
  const key = ticketKey(randomBytes(32));
  const secret = key.key.export();
  await migrate((sql) => sql.rows(`select bailiwick.install_key($1, 'seal', $2)`, [key.kid, secret]));
  await raw(async (sql) => {
    await sql.rows('begin');
    expect(await sql.outcome('select bailiwick.open($1, $2)', ticket('alice', {}, key))).toBe('28000');
  });
  await migrate((sql) => sql.rows('delete from bailiwick.context_key where kid = $1', [key.kid]));
});

test('retiring the seal key ends the contexts it has sealed', async ({ database, as, migrate }) => {
  await migrate((sql) => sql.rows('select bailiwick.ensure_seal_key()'));
  await as('alice', itself, async (sql) => {
    const retire = `update bailiwick.context_key set active = $1 where purpose = 'seal' returning kid`;
    await migrate((other) => other.rows(retire, [false]));
    expect(await readAll(sql), database.name).toEqual(new Set(['28000']));
    await migrate((other) => other.rows(retire, [true]));
  });
});

// Two requests on one connection is what a pool does that lends it twice.
test('a second opening in the same transaction is refused and ends the transaction', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    expect(await sql.outcome('select bailiwick.open($1, $2)', ticket('bob'))).toBe('25001');
    await expect(open(sql.client, 'bob')).rejects.toMatchObject({ code: '25001' });
    await expect(sql.list('select id from memories')).rejects.toMatchObject({ code: '25P02' });
  });
});

for (const level of ['repeatable read', 'serializable']) {
  test(`a transaction that is ${level} gets no context, because it would not see a revocation`, async ({
    as,
    raw,
  }) => {
    await as('alice', itself, async () => undefined);
    await raw(async (sql) => {
      await sql.rows(`begin isolation level ${level}`);
      expect(await sql.outcome('select bailiwick.open($1, $2)', ticket('alice'))).toBe('25001');
    });
  });
}

test('a token that expires in the middle of a transaction shows nothing on the next statement', async ({
  as,
}) => {
  await as('alice', { tokenExpiresAt: new Date(Date.now() + 400) }, async (sql) => {
    expect(await sql.value('select count(*)::int from memories')).toBe(7);
    await sql.rows('select pg_sleep(0.5)');
    expect(await sql.value('select count(*)::int from memories')).toBe(0);
  });
});

test('a context is what its ticket says, and the request id is the one of the request', async ({ as }) => {
  const requestId = newId<RequestId>();
  const acting = { requestId, delegation: DELEGATIONS.scribe.id };
  const told = await as('scribe', acting, (sql) =>
    sql.rows(
      `select bailiwick.request_id() = $1 as request, bailiwick.current_entity_id() as actor,
                     bailiwick.owner('memory', 'read') as owner, bailiwick.delegation_chain() as chain`,
      [requestId],
    ),
  );
  const chain = [DELEGATIONS.scout.id, DELEGATIONS.scribe.id];
  expect(told).toEqual([{ request: true, actor: ACTORS.scribe.id, owner: ACTORS.alice.id, chain }]);
});

// Each of these would hand out a key, the means to make a seal, or an answer about somebody else's authority.
test('what the kernel keeps to itself cannot be called or read', async ({ as }) => {
  const inner = [
    'select bailiwick.sealed()',
    `select bailiwick.mac('a', 'seal', 'b')`,
    `select bailiwick.verify('a', 'seal', 'b', 'c')`,
    `select bailiwick.install_key('mine', 'ticket', '\\x00')`,
    'select bailiwick.ensure_seal_key()',
    'select bailiwick.transaction_identity()',
    'select bailiwick.holds(null, null)',
    'select bailiwick.live_hops(null, null)',
    'select bailiwick.resolve_chain(null, null)',
    'select bailiwick.may_end(null, null)',
    `select bailiwick.by_token('{}')`,
    `select bailiwick.by_key('{}')`,
    `select bailiwick.by_issued('{}')`,
    `select bailiwick.by_credential(null, '{}')`,
    `select bailiwick.by_service('{}')`,
    `select bailiwick.mark_of_token('x')`,
    'select bailiwick.proof_id(null)',
    `select bailiwick.serve('x')`,
    'select bailiwick.answers_for(null, null, true)',
    'select bailiwick.end_keys(null, null)',
    'select bailiwick.still_proven(null)',
    `select bailiwick.establish('x', 'x')`,
    'select bailiwick.viewed(null, null)',
    `select bailiwick.announce(null, 'memory.created', 'memory', null, null)`,
    'select bailiwick.personal()',
    `select bailiwick.refuse('x')`,
    'table bailiwick.context_key',
    'table bailiwick.events',
    'table bailiwick.policy_state',
    'table bailiwick.spent',
    'table bailiwick.refresh_tokens',
    'table bailiwick.signing_keys',
    `create function bailiwick.mine() returns int language sql as 'select 1'`,
    `create function public.mine() returns int language sql as 'select 1'`,
    'create temporary table memories (id uuid)',
    'set local role bailiwick_kernel',
    'set local role bailiwick_migrator',
  ];
  await as('alice', itself, async (sql) => {
    for (const text of inner) {
      expect(await sql.outcome(text), text).toBe('42501');
    }
  });
});

test('every function that runs with the rights of the kernel is owned by it, fixes its search path and reads no setting of the caller', async ({
  migrate,
}) => {
  const loose = await migrate((sql) =>
    sql.list(`select p.oid::regprocedure from pg_proc p
      where p.pronamespace = 'bailiwick'::regnamespace and p.prosecdef
        and not (p.proowner = 'bailiwick_kernel'::regrole and 'search_path=pg_catalog, pg_temp' = any (p.proconfig))`),
  );
  expect(loose).toEqual([]);
  const kernel = `select concat_ws(' ', rolcanlogin, rolsuper, rolbypassrls, rolcreaterole) from pg_roles where rolname = 'bailiwick_kernel'`;
  expect(await migrate((sql) => sql.value(kernel))).toBe('f f f f');
});

test('no function that reads the context is declared safe for parallel workers, which have another process id', async ({
  migrate,
}) => {
  const safe = await migrate((sql) =>
    sql.list(
      `select p.proname from pg_proc p where p.pronamespace = 'bailiwick'::regnamespace and p.proparallel = 's'`,
    ),
  );
  expect(safe).toEqual([
    'by_itself',
    'delegable',
    'deviation',
    'id_at',
    'is_recent',
    'mac',
    'mark_of_token',
    'new_id',
    'personal',
    'proof_id',
    'refuse',
    'stands_in_world',
    'verify',
    'well_formed',
  ]);
});

test('a query that runs in parallel workers shows the same rows as one that does not', async ({ as }) => {
  const many = `insert into memories (tenant_id, id, owner_id, content, tags, created_by, request_id)
    select tenant_id, gen_random_uuid(), case n % 2 when 0 then owner_id else id end, repeat('word ', 50), '{}', id, id
      from users, generate_series(1, 4000) n`;
  const given = async (sql: Sql) => {
    await sql.rows(many);
    const fifteen = Number(await sql.value('show server_version_num')) < 160_000;
    await sql.rows(`set local ${fifteen ? 'force_parallel_mode' : 'debug_parallel_query'} = on`);
    for (const setting of ['min_parallel_table_scan_size', 'parallel_setup_cost', 'parallel_tuple_cost']) {
      await sql.rows(`set local ${setting} = 0`);
    }
    await sql.rows('set local enable_indexscan = off');
    await sql.rows('set local enable_bitmapscan = off');
  };
  await as('alice', { given }, async (sql) => {
    const query = `select count(*)::int as rows, count(distinct owner_id)::int as owners from memories where content like 'word%'`;
    const plan = (await sql.list(`explain (costs off) ${query}`)).join('\n');
    expect(plan).toMatch(/Gather/);
    expect(await sql.rows(query)).toEqual([{ rows: 4000, owners: 1 }]);
    expect(await sql.value('select count(bailiwick.actor_id())::int from memories')).toBe(4007);
  });
});
