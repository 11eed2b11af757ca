// What clients are made with, and what a client or a session makes (prisma/policies/03-credentials.sql; rules D7, D13): whatever a
// program holds makes nothing that outlives it, a session is somebody at work and may. What refuses a key refuses a client too
// (key-issuing.test.ts).

import { expect } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { AGENTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type KeyId, newId } from '../../src/ids.ts';
import { type Sql, ticket } from '../kit/as.ts';
import {
  arrangeHung,
  digestOf,
  HUNG,
  type IssuedActing,
  issuedTicket,
  type MadeKey,
  makeKey,
  PUBLIC_KEY,
} from './credentials.ts';
import { OPEN, test } from './on-stage.ts';

const alice = USERS.alice.id;
const scout = AGENTS.scout.id;
const [THIS, NEXT] = [newId<KeyId>(), newId<KeyId>()];
const KINDS = { key: ['bwk_News', digestOf('new'), null], client: [null, null, PUBLIC_KEY] } as const;
type Kind = keyof typeof KINDS;

type Wanted = { entity?: string; capabilities?: readonly string[]; pinned?: string; ends?: number };
const ISSUE = `select bailiwick.issue_key($1, $2, 'New', $3, $4, $5, $6, statement_timestamp() + make_interval(secs => $7), $8)`;
function issued(
  kind: Kind,
  { entity = alice, capabilities = ['memory:read'], pinned, ends = 600 }: Wanted = {},
) {
  const [hint, digest, publicKey] = KINDS[kind];
  return [ISSUE, [NEXT, entity, hint, digest, capabilities, pinned ?? null, ends, publicKey]] as const;
}

const given = (more: Partial<MadeKey> & Pick<MadeKey, 'kind'>) => (sql: Sql) =>
  makeKey(sql, { id: THIS, for: 'alice', expires: 600, ...more });
const on = (acting?: IssuedActing) => issuedTicket(THIS, acting);

for (const kind of ['key', 'client'] as const) {
  test(`a token on a client makes no ${kind} that outlives the client, and one that ends with it`, async ({
    stage,
  }) => {
    await stage(
      async (sql) => {
        await sql.rows(OPEN, on());
        expect(await sql.value(...issued(kind, { ends: 601 }))).toBe('lifetime');
        expect(await sql.value(...issued(kind, { ends: 590 }))).toBeNull();
      },
      given({ kind: 'client' }),
    );
  });

  test(`a token on a session makes no ${kind} for more than the token, and one that outlives them both`, async ({
    stage,
  }) => {
    await stage(
      async (sql) => {
        await sql.rows(OPEN, on({ scopes: ['key:create', 'memory:read'] }));
        expect(await sql.value(...issued(kind, { capabilities: ['memory:create'] }))).toBe('capabilities');
        expect(await sql.value(...issued(kind, { ends: 86_400 }))).toBeNull();
      },
      given({ kind: 'session' }),
    );
  });

  test(`a client or session that has ended meanwhile makes no ${kind}`, async ({ stage }) => {
    for (const what of ['client', 'session'] as const) {
      await stage(
        async (sql) => {
          await sql.rows(OPEN, on());
          const end = 'select bailiwick.revoke_key($1) is not null';
          expect(await sql.value(end, [THIS])).toBe(true);
          expect(await sql.value(...issued(kind, { ends: 300 })), what).toBe('authority');
        },
        given({ kind: what }),
      );
    }
  });
}

test('an agent makes no client, whatever it comes with', async ({ stage }) => {
  for (const hung of [HUNG.agentSession, HUNG.boundClient]) {
    await stage(async (sql) => {
      await sql.rows(OPEN, issuedTicket(hung.id));
      expect(await sql.value(...issued('client', { entity: scout }))).toBe('authority');
    }, arrangeHung);
  }
});

test('what is neither a key nor a client cannot be made, nor what is both', async ({ stage }) => {
  const values = issued('client')[1];
  await stage(async (sql) => {
    await sql.rows(OPEN, ticket('alice'));
    expect(await sql.outcome(ISSUE, values.with(7, null)), 'without a public key').toBe('23514');
    expect(await sql.outcome(ISSUE, values.with(3, digestOf('new'))), 'with a digest').toBe('23514');
    expect(await sql.outcome(ISSUE, values.with(2, 'bwk_News')), 'with a hint').toBe('23514');
  });
});

test('a client and a session are not replaced: a client changes its key by being made anew', async ({
  stage,
}) => {
  const rotate = `select bailiwick.rotate_key($1, $2, 'bwk_Next', $3, now() + interval '1 minute', '1 hour')`;
  await stage(async (sql) => {
    await sql.rows(OPEN, ticket('alice'));
    for (const { id } of Object.values(HUNG)) {
      expect(await sql.value(rotate, [id, NEXT, digestOf('next')])).toBe('key');
    }
  }, arrangeHung);
});

test('a client is made for an agent, bound to a delegation, and shows its public key and nothing else by which it is known', async ({
  stage,
}) => {
  await stage(async (sql) => {
    await sql.rows(OPEN, ticket('alice'));
    const wanted = { entity: scout, pinned: DELEGATIONS.scout.id };
    expect(await sql.value(...issued('client', wanted))).toBeNull();
    await sql.rows('reset role');
    const row = `select kind, hint, digest, public_key, pinned_id, entity_id, owner_id, created_by from credentials where id = $1`;
    expect(await sql.rows(row, [NEXT])).toEqual([
      {
        ...{ kind: 'client', hint: null, digest: null, public_key: PUBLIC_KEY },
        ...{ pinned_id: DELEGATIONS.scout.id, entity_id: scout, owner_id: alice, created_by: alice },
      },
    ]);
  });
  await stage(async (sql) => {
    await sql.rows(OPEN, ticket('alice'));
    expect(await sql.value(...issued('client', { capabilities: SCOPES, ends: 365 * 86_400 }))).toBeNull();
  });
});
