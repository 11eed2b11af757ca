// Guarantees of prisma/policies/21-credentials.sql: who sees which key, client and session, and that nobody reads a digest or
// writes a row. What may be made, replaced and ended stands in key-issuing.test.ts, key-ending.test.ts and sessions.test.ts, what
// one opens in session-keys.test.ts and session-issued.test.ts.

import { expect } from 'vitest';
import { TENANTS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { arrangeHung, arrangeKeys, HUNG, KEYS, keyTicket, PUBLIC_KEY } from './credentials.ts';
import { DEAD, suspend } from './given.ts';
import { keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';

const SEEN = 'select id from credentials';
const ids = (...keys: { id: string }[]) => keys.map(({ id }) => id).sort();
const given = arrangeKeys;

keepsTenantsApart('credentials', { changes: false });
takesOnlyColumns('credentials', { insert: [], update: [] });

test('nobody reads a digest, whoever owns the key, and nobody finds a key by it', async ({ as }) => {
  for (const who of ['alice', 'ada', 'scout'] as const) {
    await as(who, { given }, async (sql) => {
      for (const text of [
        'select digest from credentials',
        'select * from credentials',
        'table credentials',
        'select k from credentials k',
        `select id from credentials where digest = '${KEYS.alice.digest}'`,
        'select id from credentials order by digest',
        'select row_to_json(k) from credentials k',
      ]) {
        expect(await sql.outcome(text), `${who}: ${text}`).toBe('42501');
      }
    });
  }
});

test('an agent sees no key, neither its own nor those of its owner, as itself or through whatever delegation', async ({
  as,
}) => {
  for (const acting of [itself, through.scout, through.scoutInGarden]) {
    expect(await as('scout', { ...acting, given }, (sql) => sql.list(SEEN))).toEqual([]);
  }
  // not even where a delegation names what nobody can delegate
  const wider = async (sql: Sql) => {
    await arrangeKeys(sql);
    await sql.rows(`update delegations set capabilities = capabilities || '{key:read,tenant:administer}'`);
  };
  expect(await as('scout', { ...through.scout, given: wider }, (sql) => sql.list(SEEN))).toEqual([]);
});

test("bob sees none of alice's keys, mallory none of acme's", async ({ as }) => {
  expect(await as('bob', { given }, (sql) => sql.list(SEEN))).toEqual(ids(KEYS.bob));
  expect(await as('mallory', { given }, (sql) => sql.list(SEEN))).toEqual(ids(KEYS.mallory));
});

test('nothing is seen as anybody suspended, in a suspended tenant, or with a token that is not for reading keys', async ({
  as,
}) => {
  const states = { 'the owner is suspended': suspend('alice'), tenant: DEAD['the tenant is suspended'] };
  for (const [state, change] of Object.entries(states)) {
    const both = async (sql: Sql) => {
      await arrangeKeys(sql);
      await change(sql);
    };
    expect(await as('alice', { given: both }, (sql) => sql.list(SEEN)), state).toEqual([]);
  }
  for (const who of ['alice', 'ada'] as const) {
    const scopes = ['memory:read', 'key:create', 'key:update'];
    expect(await as(who, { given, scopes }, (sql) => sql.list(SEEN)), who).toEqual([]);
  }
});

test('the kernel itself may write what ends a key or tells of its use, and delete none', async ({
  migrate,
}) => {
  const writable = await migrate((sql) =>
    sql.list(`select attname from pg_attribute where attrelid = 'credentials'::regclass and attnum > 0
                and has_column_privilege('bailiwick_kernel', 'credentials', attnum, 'update')`),
  );
  expect(writable).toEqual(['expires_at', 'last_used_at', 'replaces_id', 'revoked_at', 'revoked_by']);
  const others = `select p from unnest(array['delete', 'truncate']) p where has_table_privilege('bailiwick_kernel', 'credentials', p)`;
  expect(await migrate((sql) => sql.list(others))).toEqual([]);
});

test('an owner in person sees her keys and those of her agents, with a token and with a key', async ({
  as,
  raw,
  migrate,
}) => {
  expect(await as('alice', { given }, (sql) => sql.list(SEEN))).toEqual(ids(KEYS.alice, KEYS.scout));
  await migrate(arrangeKeys);
  await raw(async (sql) => {
    await sql.rows('begin');
    await sql.rows('select bailiwick.open($1, $2)', keyTicket(KEYS.alice.digest));
    expect(await sql.list(SEEN)).toEqual(ids(KEYS.alice, KEYS.scout));
  });
  await migrate((sql) => sql.rows('delete from credentials; delete from issuers'));
});

const KINDS = `select array_agg(kind order by kind, id) from credentials`;
test('an owner in person and an administrator see clients and sessions as they see keys, an agent and a colleague see none', async ({
  as,
}) => {
  const both = async (sql: Sql) => {
    await arrangeKeys(sql);
    await arrangeHung(sql);
  };
  for (const [who, acting] of [
    ['scout', itself],
    ['scout', through.scout],
    ['mallory', itself],
    ['bob', itself],
  ] as const) {
    const kinds = ['bob', 'mallory'].includes(who) ? ['key'] : null;
    expect(await as(who, { ...acting, given: both }, (sql) => sql.value(KINDS)), who).toEqual(kinds);
  }
  const hers = ['client', 'client', 'key', 'key', 'session', 'session'];
  await as('alice', { given: both }, async (sql) => {
    expect(await sql.value(KINDS)).toEqual(hers);
    const client = 'select hint, public_key from credentials where id = $1';
    expect(await sql.rows(client, [HUNG.client.id])).toEqual([{ hint: null, public_key: PUBLIC_KEY }]);
  });
  expect(await as('ada', { given: both }, (sql) => sql.value(KINDS))).toEqual([...hers, 'key'].sort());
});

// Whoever could make a session with a digest, or a client without a key, would have what no kind is meant to be.
test('a credential is known by what its kind is known by, and by nothing else', async ({ migrate }) => {
  const wrong: Readonly<Record<string, readonly [id: string, change: string]>> = {
    'a key without a digest': [KEYS.alice.id, 'digest = null'],
    'a key without a hint': [KEYS.alice.id, 'hint = null'],
    'a key with a public key': [KEYS.alice.id, `public_key = '{}'`],
    'a client with a digest': [HUNG.client.id, `digest = repeat('0', 64)`],
    'a client with a hint': [HUNG.client.id, `hint = 'bwk_Hint'`],
    'a client without a public key': [HUNG.client.id, 'public_key = null'],
    'a client whose public key is no object': [HUNG.client.id, `public_key = '[]'`],
    'a session with a digest': [HUNG.session.id, `digest = repeat('0', 64)`],
    'a session with a hint': [HUNG.session.id, `hint = 'bwk_Hint'`],
    'a session with a public key': [HUNG.session.id, `public_key = '{}'`],
    'a session that is bound to a delegation': [
      HUNG.agentSession.id,
      `pinned_id = '${DELEGATIONS.scout.id}'`,
    ],
    'a session in the place of another credential': [HUNG.session.id, `replaces_id = '${HUNG.client.id}'`],
    'a credential of a kind that nobody knows': [HUNG.session.id, `kind = 'cookie'`],
  };
  await migrate(async (sql) => {
    await sql.rows('begin');
    await arrangeKeys(sql);
    await arrangeHung(sql);
    for (const [what, [id, change]] of Object.entries(wrong)) {
      expect(await sql.outcome(`update credentials set ${change} where id = '${id}'`), what).toBe('23514');
    }
    await sql.rows('rollback');
  });
});

test('an administrator sees those of the tenant and of no other', async ({ as }) => {
  await as('ada', { given: arrange }, async (sql) => {
    expect(await sql.list('select distinct tenant_id from credentials')).toEqual([TENANTS.acme.id]);
    expect(await sql.list(SEEN)).toEqual(ids(KEYS.alice, KEYS.bob, KEYS.scout));
  });
});
