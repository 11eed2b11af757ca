// Guarantees of prisma/policies/04-tokens.sql, but for sessions (sessions.test.ts): what the token service keeps is the server's
// alone, in nobody's name; what is used once is used by one; and which client or session is good, as the server asks.

import { expect } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type KeyId, newId } from '../../src/ids.ts';
import { type Sql, ticket } from '../kit/as.ts';
import {
  arrangeHung,
  HUNG,
  issuedTicket,
  KEYS,
  keyTicket,
  type MadeKey,
  makeKey,
  markOf,
  PUBLIC_KEY,
  serviceTicket,
  TOKEN,
} from './credentials.ts';
import { OPEN, test } from './on-stage.ts';

const acme = TENANTS.acme.id;
const [ONE, OTHER] = ['1'.repeat(64), '2'.repeat(64)];
const CALLS: Readonly<Record<string, readonly [text: string, values: readonly unknown[]]>> = {
  end_session: ['select bailiwick.end_session($1, $2)', [acme, HUNG.session.id]],
  credential_of: ['select bailiwick.credential_of($1, $2)', ['acme', HUNG.session.id]],
  keep_refresh: [`select bailiwick.keep_refresh($1, '{}', now())`, [ONE]],
  find_refresh: ['select bailiwick.find_refresh($1)', [ONE]],
  use_refresh: ['select bailiwick.use_refresh($1)', [ONE]],
  spend: ['select bailiwick.spend($1, now())', [ONE]],
  signing_keys: ['select bailiwick.signing_keys()', []],
  add_signing_key: [`select bailiwick.add_signing_key('k', 'ES256', '{}', '\\x00', now(), '')`, []],
};
const VOICES: Readonly<Record<string, (() => [string, string]) | undefined>> = {
  'a person': () => ticket('alice'),
  'an administrator': () => ticket('ada'),
  'the bearer of an API key': () => keyTicket(KEYS.alice.digest),
  'the bearer of a token of ours': () => issuedTicket(HUNG.session.id),
  nobody: undefined,
};
for (const [who, shown] of Object.entries(VOICES)) {
  test(`${who} gets nothing out of the token service, and puts nothing in`, async ({ stage }) => {
    await stage(async (sql) => {
      if (shown !== undefined) {
        await sql.rows(OPEN, shown());
      }
      for (const [name, [text, values]] of Object.entries(CALLS)) {
        expect(await sql.outcome(text, values), name).toBe('28000');
      }
      for (const table of ['spent', 'refresh_tokens', 'signing_keys']) {
        expect(await sql.outcome(`select from bailiwick.${table}`), table).toBe('42501');
      }
    }, arrangeHung);
  });
}

test('the kernel itself takes no mark back, no key away, and changes no refresh token but by its use', async ({
  migrate,
}) => {
  const rights = `select t || ' ' || p from unnest(array['spent', 'refresh_tokens', 'signing_keys']) t,
      unnest(array['insert', 'select', 'update', 'delete', 'truncate']) p
    where has_table_privilege('bailiwick_kernel', 'bailiwick.' || t, p)`;
  expect(await migrate((sql) => sql.list(rights))).toEqual([
    'refresh_tokens delete',
    'refresh_tokens insert',
    'refresh_tokens select',
    'signing_keys insert',
    'signing_keys select',
    'spent delete',
    'spent insert',
    'spent select',
  ]);
  const columns = `select c.oid::regclass || '.' || attname from pg_class c join pg_attribute on attrelid = c.oid
    where c.relname in ('spent', 'refresh_tokens', 'signing_keys') and attnum > 0
      and has_column_privilege('bailiwick_kernel', c.oid, attnum, 'update')`;
  expect(await migrate((sql) => sql.list(columns))).toEqual([
    'bailiwick.refresh_tokens.used_at',
    'bailiwick.spent.until',
  ]);
});

const served = (sql: Sql) => sql.rows(OPEN, serviceTicket());
const THIS = newId<KeyId>();
const made =
  (key: Partial<MadeKey> & Pick<MadeKey, 'kind'>) =>
  (sql: Sql): Promise<unknown> =>
    makeKey(sql, { id: THIS, for: 'alice', ...key });
const both =
  (change: string, ...values: unknown[]) =>
  async (sql: Sql): Promise<void> => {
    await arrangeHung(sql);
    await sql.rows(change, values);
  };
type Gone = readonly [given: (sql: Sql) => Promise<unknown>, id: string, tenant?: string];
const gone: Readonly<Record<string, Gone>> = {
  'an API key': [arrangeHung, KEYS.alice.id],
  'a session that is not there': [arrangeHung, newId()],
  'a session of another tenant': [arrangeHung, HUNG.session.id, 'globex'],
  'a session that was revoked': [made({ kind: 'session', revoked: true }), THIS],
  'a client that has expired': [made({ kind: 'client', expires: -1 }), THIS],
  'a session of somebody suspended': [
    both(`update entities set status = 'suspended' where id = $1`, USERS.alice.id),
    HUNG.session.id,
  ],
  'a client of an agent of somebody suspended': [
    both(`update entities set status = 'suspended' where id = $1`, USERS.alice.id),
    HUNG.boundClient.id,
  ],
  'a session in a suspended tenant': [
    both(`update tenants set status = 'suspended' where tenant_id = $1`, acme),
    HUNG.session.id,
  ],
};
for (const [what, [given, id, tenant = 'acme']] of Object.entries(gone)) {
  test(`the server is told nothing of ${what}`, async ({ stage }) => {
    await stage(async (sql) => {
      await served(sql);
      expect(await sql.value('select bailiwick.credential_of($1, $2)', [tenant, id])).toBeNull();
    }, given);
  });
}

test('the server is told of a client and a session that are good: of whom, for what, until when, with which key', async ({
  stage,
}) => {
  await stage(async (sql) => {
    await served(sql);
    const about = `select bailiwick.credential_of('acme', $1) - 'expiresAt' - 'capabilities'`;
    const common = { tenantId: acme, label: 'Made for a test', delegationId: null, publicKey: null };
    expect(await sql.value(about, [HUNG.session.id])).toEqual({
      ...common,
      kind: 'session',
      entityId: USERS.alice.id,
    });
    expect(await sql.value(about, [HUNG.boundClient.id])).toMatchObject({
      kind: 'client',
      delegationId: DELEGATIONS.scout.id,
      publicKey: PUBLIC_KEY,
    });
    const limits = `select (c->>'expiresAt')::numeric > extract(epoch from now()) + 2900 as later, c->'capabilities' as capabilities
                      from bailiwick.credential_of('acme', $1) c`;
    expect(await sql.rows(limits, [HUNG.session.id])).toEqual([{ later: true, capabilities: SCOPES }]);
  }, arrangeHung);
});

const KEEP = `select bailiwick.keep_refresh($1, $2, clock_timestamp() + $3::interval) is not null`;
const FIND = 'select bailiwick.find_refresh($1)';
const USE = 'select bailiwick.use_refresh($1)';

test('a refresh token is used once, and what is kept of it says when', async ({ stage }) => {
  await stage(async (sql) => {
    await served(sql);
    expect(await sql.value(USE, [ONE])).toBe(false);
    expect(await sql.value(FIND, [ONE])).toBeNull();
    await sql.rows(KEEP, [ONE, '{"session": 1}', '1 hour']);
    await sql.rows(KEEP, [OTHER, '{"session": 2}', '1 hour']);
    expect(await sql.value(FIND, [ONE])).toEqual({ session: 1 });
    expect(await sql.value(USE, [ONE])).toBe(true);
    expect(await sql.value(USE, [ONE])).toBe(false);
    expect(await sql.value(FIND, [ONE])).toEqual({ session: 1, consumed: expect.any(Number) });
    expect(await sql.value(FIND, [OTHER])).toEqual({ session: 2 });
    expect(await sql.outcome(KEEP, [ONE, '{}', '1 hour'])).toBe('23505');
  });
});

test('a refresh token that is over is forgotten when the next one is kept, and no other', async ({
  stage,
}) => {
  await stage(async (sql) => {
    await served(sql);
    await sql.rows(KEEP, [ONE, '{}', '-1 ms']);
    expect(await sql.value(FIND, [ONE])).toEqual({});
    await sql.rows(KEEP, [OTHER, '{}', '1 hour']);
    expect(await sql.value(FIND, [ONE])).toBeNull();
    await sql.rows(KEEP, [ONE, '{}', '1 hour']);
    expect(await sql.value(FIND, [OTHER])).toEqual({});
  });
});

const SPEND = 'select bailiwick.spend($1, clock_timestamp() + $2::interval)';
test('what is spent is spent once until its time is over, and forgotten then', async ({ stage }) => {
  await stage(async (sql) => {
    await served(sql);
    expect(await sql.value(SPEND, [ONE, '1 minute'])).toBe(true);
    expect(await sql.value(SPEND, [ONE, '1 minute'])).toBe(false);
    expect(await sql.value(SPEND, [OTHER, '-1 ms'])).toBe(true);
    expect(await sql.value(SPEND, [OTHER, '1 minute'])).toBe(true);
    expect(await sql.value(SPEND, [OTHER, '1 minute'])).toBe(false);
    expect(await sql.value(SPEND, [ONE, '1 minute'])).toBe(false);
    for (const wrong of ['', 'A'.repeat(64), '1'.repeat(63)]) {
      expect(await sql.outcome(SPEND, [wrong, '1 minute']), wrong).toBe('23514');
    }
  });
});

test('a token that the server spends opens nothing from then on', async ({ stage }) => {
  const given = async (sql: Sql) => {
    await arrangeHung(sql);
    await sql.rows('set local role bailiwick_runtime');
    await served(sql);
    expect(await sql.value(SPEND, [markOf(TOKEN), '1 hour'])).toBe(true);
    await sql.rows(`reset role; set local bailiwick.context = ''`);
  };
  await stage(async (sql) => {
    expect(await sql.outcome(OPEN, issuedTicket(HUNG.session.id))).toBe('28000');
    expect(await sql.outcome(OPEN, issuedTicket(HUNG.session.id, { tokenId: 'another' }))).toBe('1');
  }, given);
});

// Of two requests at once that show the same refresh token or proof, one gets on.
test('of two transactions at once that use the same thing up, one does', async ({ raw, stage }) => {
  await stage(async (sql) => {
    await sql.rows(OPEN, serviceTicket());
    await sql.rows(SPEND, [OTHER, '1 minute']);
    await raw(async (other) => {
      await other.rows('begin');
      await other.rows(OPEN, serviceTicket());
      const second = other.value(SPEND, [OTHER, '1 minute']);
      await sql.rows('commit');
      expect(await second).toBe(false);
      await other.rows('rollback');
    });
    await sql.rows('delete from bailiwick.spent');
  });
});

const ADD = `select bailiwick.add_signing_key($1, $2, '{"kty": "EC"}', '\\x0102', now() + $3::interval, $4)`;
test('of two signing keys that take over from the same one, the first is kept', async ({ stage }) => {
  await stage(async (sql) => {
    await served(sql);
    expect(await sql.value('select bailiwick.signing_keys()')).toEqual([]);
    expect(await sql.value(ADD, ['second', 'ES256', '2 hours', 'first'])).toBe(true);
    expect(await sql.value(ADD, ['third', 'ES256', '1 hour', 'first'])).toBe(false);
    expect(await sql.value(ADD, ['second', 'ES256', '1 hour', 'another'])).toBe(false);
    expect(await sql.value(ADD, ['first', 'ES256', '1 hour', ''])).toBe(true);
    expect(await sql.value(ADD, ['rsa', 'RS256', '3 hours', 'first'])).toBe(true);
    expect(await sql.value(`select jsonb_path_query_array(bailiwick.signing_keys(), '$[*].kid')`)).toEqual([
      'first',
      'second',
      'rsa',
    ]);
    expect(await sql.value(`select bailiwick.signing_keys()->0`)).toEqual({
      kid: 'first',
      algorithm: 'ES256',
      publicKey: { kty: 'EC' },
      privateKey: 'AQI=',
      activeAt: expect.any(Number),
    });
  });
});
