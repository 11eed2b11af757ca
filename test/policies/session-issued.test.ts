// Contexts that a token of our own opens (00-session.sql, by_issued; rules D6 and D7): who is meant and the most it allows come
// from the row of the client or session on which it was issued, so what was ended opens nothing. All are refused alike.

import { expect } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type KeyId, newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import {
  arrangeHung,
  HUNG,
  type IssuedActing,
  issuedSaying,
  issuedTicket,
  KEYS,
  type MadeKey,
  makeKey,
  signedTicket,
  spend,
} from './credentials.ts';
import { OPEN, test } from './on-stage.ts';

const SCOUT = DELEGATIONS.scout.id;
const IN_GARDEN = DELEGATIONS.scoutInGarden.id;
const acme = TENANTS.acme.id;
const THIS = newId<KeyId>();
const person = {
  tenantId: acme,
  actorId: USERS.alice.id,
  ownerId: USERS.alice.id,
  worldId: null,
  chain: [],
  actorKind: 'user',
  administrator: false,
  receipts: false,
};
const told = (sql: Sql, shown: readonly [string, string]) =>
  sql.value(`select bailiwick.open($1, $2) - 'requestId'`, shown);
const unset = `select coalesce(current_setting('bailiwick.context', true), '')`;

type Given = (sql: Sql) => Promise<unknown>;
const made =
  (key: Partial<MadeKey> & Pick<MadeKey, 'for' | 'kind'>): Given =>
  (sql) =>
    makeKey(sql, { id: THIS, ...key });
const spent: Given = async (sql) => {
  await arrangeHung(sql);
  await spend(sql);
};

type Refused = readonly [given: Given, credential: KeyId, acting?: IssuedActing];
const refused: Readonly<Record<string, Refused>> = {
  'on a session that is not there': [arrangeHung, newId<KeyId>()],
  'on a session that was revoked': [made({ for: 'alice', kind: 'session', revoked: true }), THIS],
  'on a client that was revoked': [made({ for: 'alice', kind: 'client', revoked: true }), THIS],
  'on a session that expired a moment ago': [made({ for: 'alice', kind: 'session', expires: -1 }), THIS],
  'that was spent': [spent, HUNG.session.id],
  'on an API key, on which none is issued': [arrangeHung, KEYS.alice.id as KeyId],
  'in the name of another tenant': [arrangeHung, HUNG.session.id, { tenant: 'globex' }],
  'in the name of a tenant that is not there': [arrangeHung, HUNG.session.id, { tenant: 'initech' }],
  'in the name of somebody else': [arrangeHung, HUNG.session.id, { onBehalfOf: USERS.bob.id }],
  'of an agent without a delegation, in the name of its owner': [
    arrangeHung,
    HUNG.agentSession.id,
    { onBehalfOf: USERS.alice.id },
  ],
  'of an agent under a delegation, in its own name': [
    arrangeHung,
    HUNG.agentSession.id,
    { delegation: SCOUT, onBehalfOf: AGENTS.scout.id },
  ],
  'on a client that is bound to a delegation, with another one': [
    arrangeHung,
    HUNG.boundClient.id,
    { delegation: IN_GARDEN },
  ],
  "of a person, with a delegation to that person's agent": [
    arrangeHung,
    HUNG.session.id,
    { delegation: SCOUT },
  ],
  'of an agent, with a delegation to another': [
    arrangeHung,
    HUNG.agentSession.id,
    { delegation: DELEGATIONS.scribe.id },
  ],
  'of an agent, with a delegation of another tenant': [
    arrangeHung,
    HUNG.agentSession.id,
    { delegation: DELEGATIONS.mimic.id },
  ],
};
for (const [what, [given, credential, acting]] of Object.entries(refused)) {
  test(`a token ${what} opens nothing`, async ({ stage }) => {
    await stage(async (sql) => {
      expect(await sql.outcome(OPEN, issuedTicket(credential, acting))).toBe('28000');
      expect(await sql.value(unset)).toBe('');
    }, given);
  });
}

test('a token opens nothing that names no id by which it could be revoked, or no end', async ({ stage }) => {
  await stage(async (sql) => {
    for (const missing of ['token_id', 'token_expires_at', 'tenant', 'request_id']) {
      const shown = issuedSaying(HUNG.session.id, { [missing]: undefined });
      expect(await sql.outcome(OPEN, shown), missing).toBe('28000');
    }
  }, arrangeHung);
});

test('the server itself, with a credential and somebody to act for, opens nothing', async ({ stage }) => {
  await stage(async (sql) => {
    const claims = { service: 'identity', credential: HUNG.session.id, on_behalf_of: USERS.alice.id };
    expect(await sql.outcome(OPEN, signedTicket(claims))).toBe('28000');
  }, arrangeHung);
});

test('a token allows no more than its credential, whatever it says, and no more than it says', async ({
  stage,
}) => {
  const given = made({ for: 'alice', kind: 'session', capabilities: ['memory:read', 'memory:update'] });
  await stage(async (sql) => {
    await sql.rows(OPEN, issuedTicket(THIS, { scopes: SCOPES }));
    expect(await sql.value(`select bailiwick.describe()->'capabilities'`)).toEqual([
      'memory:read',
      'memory:update',
    ]);
    expect(await sql.touched('select from agents')).toBe(0);
  }, given);
  await stage(async (sql) => {
    await sql.rows(OPEN, issuedTicket(THIS, { scopes: ['memory:read', 'agent:read', 'memory:fly'] }));
    expect(await sql.value(`select bailiwick.describe()->'capabilities'`)).toEqual(['memory:read']);
    expect(await sql.outcome(`update memories set kind = 'changed'`)).toBe('0');
  }, given);
  await stage(async (sql) => {
    await sql.rows(OPEN, issuedTicket(THIS, { scopes: [] }));
    expect(await sql.touched('select from memories')).toBe(0);
  }, given);
});

test('a token that has expired opens and holds nothing, however long its session still lasts', async ({
  stage,
}) => {
  await stage(async (sql) => {
    const shown = issuedTicket(HUNG.session.id, { tokenExpiresAt: new Date(Date.now() - 1) });
    expect(await sql.outcome(OPEN, shown)).toBe('1');
    expect(await sql.value(`select bailiwick.describe()->'capabilities'`)).toEqual([]);
    expect(await sql.touched('select from memories')).toBe(0);
  }, arrangeHung);
});

const dead: Readonly<Record<string, readonly [credential: KeyId, change: string, values: unknown[]]>> = {
  'of somebody suspended': [
    HUNG.session.id,
    `update entities set status = 'suspended' where tenant_id = $1 and id = $2`,
    [acme, USERS.alice.id],
  ],
  'in a suspended tenant': [
    HUNG.client.id,
    `update tenants set status = 'suspended' where tenant_id = $1`,
    [acme],
  ],
  'on a client that is bound to a delegation that is revoked': [
    HUNG.boundClient.id,
    'update delegations set revoked_at = now(), revoked_by = owner_id where id = $1',
    [SCOUT],
  ],
};
for (const [whose, [credential, change, values]] of Object.entries(dead)) {
  test(`a token ${whose} opens and holds nothing`, async ({ stage }) => {
    const given = async (sql: Sql) => {
      await arrangeHung(sql);
      await sql.rows(change, values);
    };
    await stage(async (sql) => {
      expect(await sql.outcome(OPEN, issuedTicket(credential))).toBe('1');
      expect(await sql.value(`select bailiwick.describe()->'capabilities'`)).toEqual([]);
      expect(await sql.touched('select from memories')).toBe(0);
    }, given);
  });
}

const ENDS = `select (bailiwick.describe()->>'tokenExpiresAt')::timestamptz`;
test('a token counts until it expires or until its credential does, whichever is first', async ({
  stage,
}) => {
  const at = (seconds: number) => new Date(Math.floor(Date.now() / 1000) * 1000 + seconds * 1000);
  // once: a second may end between two times of asking the clock
  const soon = at(60);
  await stage(async (sql) => {
    await sql.rows(OPEN, issuedTicket(HUNG.session.id, { tokenExpiresAt: soon }));
    expect(await sql.value(ENDS)).toEqual(soon);
  }, arrangeHung);
  await stage(async (sql) => {
    await sql.rows(OPEN, issuedTicket(HUNG.session.id, { tokenExpiresAt: at(86_400) }));
    const row = await sql.value('select expires_at from credentials where id = $1', [HUNG.session.id]);
    expect(await sql.value(ENDS)).toEqual(row);
  }, arrangeHung);
});

for (const kind of ['client', 'session'] as const) {
  test(`a token on a ${kind} is its holder, in person, and says what it came with`, async ({ stage }) => {
    for (const acting of [{}, { onBehalfOf: USERS.alice.id }]) {
      await stage(async (sql) => {
        expect(await told(sql, issuedTicket(HUNG[kind].id, acting))).toEqual({
          ...person,
          credential: `${kind}:${HUNG[kind].id}`,
        });
        expect(await sql.value(`select bailiwick.describe()->'credential'`)).toBe(kind);
        expect(await sql.list('select distinct owner_id from memories')).toEqual([USERS.alice.id]);
      }, arrangeHung);
    }
  });
}

test('a token of an agent acts as itself, or under a delegation that it names, for whom it says', async ({
  stage,
}) => {
  const agent = { ...person, actorId: AGENTS.scout.id, actorKind: 'agent' };
  const credential = `session:${HUNG.agentSession.id}`;
  await stage(async (sql) => {
    const shown = issuedTicket(HUNG.agentSession.id);
    expect(await told(sql, shown)).toEqual({ ...agent, ownerId: AGENTS.scout.id, credential });
  }, arrangeHung);
  await stage(async (sql) => {
    const shown = issuedTicket(HUNG.agentSession.id, { delegation: SCOUT, onBehalfOf: USERS.alice.id });
    expect(await told(sql, shown)).toEqual({ ...agent, chain: [SCOUT], receipts: true, credential });
  }, arrangeHung);
});

test('a token on a client that is bound to a delegation acts under that one, named or not', async ({
  stage,
}) => {
  for (const acting of [{}, { delegation: SCOUT }, { onBehalfOf: USERS.alice.id }]) {
    await stage(async (sql) => {
      expect(await told(sql, issuedTicket(HUNG.boundClient.id, acting))).toEqual({
        ...person,
        actorId: AGENTS.scout.id,
        chain: [SCOUT],
        receipts: true,
        credential: `client:${HUNG.boundClient.id}`,
        actorKind: 'agent',
      });
    }, arrangeHung);
  }
});

test('the end of one token ends no other of the same session', async ({ stage }) => {
  await stage(async (sql) => {
    expect(await sql.outcome(OPEN, issuedTicket(HUNG.session.id, { tokenId: 'another token' }))).toBe('1');
    expect(await sql.value('select count(*)::int from memories')).toBe(7);
  }, spent);
});
