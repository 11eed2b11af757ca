// Contexts that a key opens, or the server for itself (00-session.sql, rules D7 and S3): who is meant comes from the key's own
// row, and what was ended opens nothing. All are refused alike.

import { expect } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { ISSUER, type Sql, ticket } from '../kit/as.ts';
import {
  digestOf,
  ISSUERS,
  KEYS,
  type KeyActing,
  keyTicket,
  makeKey,
  serviceTicket,
  signedTicket,
} from './credentials.ts';
import { OPEN, test } from './on-stage.ts';

const SCOUT = DELEGATIONS.scout.id;
const acme = TENANTS.acme.id;

type Refused = readonly [given: (sql: Sql) => Promise<unknown>, digest: string, acting?: KeyActing];
const nothing = async () => undefined;
const DIGEST = digestOf('the one in question');
const refused: Readonly<Record<string, Refused>> = {
  'that nobody has': [nothing, DIGEST],
  'that was revoked': [(sql) => makeKey(sql, { for: 'alice', digest: DIGEST, revoked: true }), DIGEST],
  'that expired a moment ago': [(sql) => makeKey(sql, { for: 'alice', digest: DIGEST, expires: -1 }), DIGEST],
  'bound to a delegation, with another one': [
    nothing,
    KEYS.scout.digest,
    { delegation: DELEGATIONS.scoutInGarden.id },
  ],
  "of a person, with a delegation to that person's agent": [
    nothing,
    KEYS.alice.digest,
    { delegation: SCOUT },
  ],
  'of an agent, with a delegation to another': [
    (sql) => makeKey(sql, { for: 'scribe', digest: DIGEST }),
    DIGEST,
    { delegation: SCOUT },
  ],
  'of an agent, with a delegation of another tenant': [
    (sql) => makeKey(sql, { for: 'scribe', digest: DIGEST }),
    DIGEST,
    { delegation: DELEGATIONS.mimic.id },
  ],
};
for (const [what, [given, digest, acting]] of Object.entries(refused)) {
  test(`a key ${what} opens nothing`, async ({ stage }) => {
    await stage(async (sql) => {
      expect(await sql.outcome(OPEN, keyTicket(digest, acting))).toBe('28000');
      expect(await sql.value(`select coalesce(current_setting('bailiwick.context', true), '')`)).toBe('');
    }, given);
  });
}

test('the key itself, in the place of its digest, opens nothing', async ({ stage }) => {
  await stage(async (sql) => {
    expect(await sql.outcome(OPEN, keyTicket('key of alice'))).toBe('28000');
    expect(await sql.outcome(OPEN, keyTicket(KEYS.alice.digest.toUpperCase()))).toBe('28000');
    expect(await sql.outcome(OPEN, keyTicket(`${KEYS.alice.digest} `))).toBe('28000');
  });
});

test('a key with somebody to act for opens nothing: no key names a subject', async ({ stage }) => {
  await stage(async (sql) => {
    const claims = { key: KEYS.scout.digest, on_behalf_of: 'alice', issuer: ISSUER };
    expect(await sql.outcome(OPEN, signedTicket({ ...claims, on_behalf_of: 'bob' }))).toBe('28000');
    expect(await sql.outcome(OPEN, signedTicket({ ...claims, issuer: undefined }))).toBe('28000');
  });
});

const told = (sql: Sql, shown: readonly [string, string]) =>
  sql.value(`select bailiwick.open($1, $2) - 'requestId'`, shown);
const person = {
  tenantId: acme,
  actorId: USERS.alice.id,
  ownerId: USERS.alice.id,
  worldId: null,
  chain: [],
  credential: `key:${KEYS.alice.id}`,
  actorKind: 'user',
  administrator: false,
  receipts: false,
};

test('a key is its holder, in the tenant of its own row, with its capabilities and until it expires', async ({
  stage,
}) => {
  await stage(async (sql) => {
    expect(await told(sql, keyTicket(KEYS.alice.digest))).toEqual(person);
    expect(await sql.value(`select bailiwick.describe()->'credential'`)).toBe('key');
    expect(await sql.value(`select bailiwick.describe()->'capabilities'`)).toEqual(
      SCOPES.filter((scope) => scope !== 'tenant:administer').sort(),
    );
    expect(
      await sql.value(
        `select (bailiwick.describe()->>'tokenExpiresAt')::timestamptz = expires_at from credentials where id = $1`,
        [KEYS.alice.id],
      ),
    ).toBe(true);
  });
});

test('a key bound to a delegation acts under that one, whether the ticket names it or not', async ({
  stage,
}) => {
  for (const acting of [{}, { delegation: SCOUT }]) {
    await stage(async (sql) => {
      expect(await told(sql, keyTicket(KEYS.scout.digest, acting))).toEqual({
        ...person,
        actorId: AGENTS.scout.id,
        chain: [SCOUT],
        receipts: true,
        credential: `key:${KEYS.scout.id}`,
        actorKind: 'agent',
      });
      expect(await sql.list('select distinct owner_id from memories')).toEqual([USERS.alice.id]);
    });
  }
});

test('a key of an agent that is bound to none acts as itself, or under one that it names', async ({
  stage,
}) => {
  const given = (sql: Sql) => makeKey(sql, { for: 'scout', digest: DIGEST });
  await stage(async (sql) => {
    await sql.rows(OPEN, keyTicket(DIGEST));
    expect(await sql.list('select distinct owner_id from memories')).toEqual([AGENTS.scout.id]);
  }, given);
  await stage(async (sql) => {
    await sql.rows(OPEN, keyTicket(DIGEST, { delegation: SCOUT }));
    expect(await sql.list('select distinct owner_id from memories')).toEqual([USERS.alice.id]);
    expect(await sql.value('select bailiwick.world_limit()')).toBeNull();
  }, given);
});

test('a key allows no more than its capabilities', async ({ stage }) => {
  const given = (sql: Sql) => makeKey(sql, { for: 'alice', digest: DIGEST, capabilities: ['memory:read'] });
  await stage(async (sql) => {
    await sql.rows(OPEN, keyTicket(DIGEST));
    expect(await sql.value('select count(*)::int from memories')).toBe(7);
    expect(await sql.touched('select from agents')).toBe(0);
    expect(await sql.outcome(`update memories set kind = 'changed'`)).toBe('0');
    expect(await sql.value(`select bailiwick.describe()->'capabilities'`)).toEqual(['memory:read']);
  }, given);
});

const dead: Readonly<Record<string, readonly [digest: string, change: string, values: readonly unknown[]]>> =
  {
    'of somebody suspended': [
      KEYS.alice.digest,
      `update entities set status = 'suspended' where tenant_id = $1 and id = $2`,
      [acme, USERS.alice.id],
    ],
    'of an agent of somebody archived': [
      KEYS.scout.digest,
      `update entities set status = 'archived' where tenant_id = $1 and id = $2`,
      [acme, USERS.alice.id],
    ],
    'in a suspended tenant': [
      KEYS.alice.digest,
      `update tenants set status = 'suspended' where tenant_id = $1`,
      [acme],
    ],
    'bound to a delegation that is revoked': [
      KEYS.scout.digest,
      'update delegations set revoked_at = now(), revoked_by = owner_id where id = $1',
      [SCOUT],
    ],
  };
for (const [whose, [digest, change, values]] of Object.entries(dead)) {
  test(`a key ${whose} opens and holds nothing`, async ({ stage }) => {
    await stage(
      async (sql) => {
        expect(await sql.outcome(OPEN, keyTicket(digest))).toBe('1');
        expect(await sql.value(`select bailiwick.describe()->'capabilities'`)).toEqual([]);
        expect(await sql.touched('select from memories')).toBe(0);
        expect(await sql.touched('select from credentials')).toBe(0);
      },
      (sql) => sql.rows(change, values),
    );
  });
}

test('a key that expires in the middle of a transaction shows nothing on the next statement', async ({
  stage,
}) => {
  const given = (sql: Sql) =>
    makeKey(sql, { for: 'alice', digest: DIGEST, expires: `clock_timestamp() + interval '400 ms'` });
  await stage(async (sql) => {
    await sql.rows(OPEN, keyTicket(DIGEST));
    expect(await sql.value('select count(*)::int from memories')).toBe(7);
    await sql.rows('select pg_sleep(0.5)');
    expect(await sql.value('select count(*)::int from memories')).toBe(0);
  }, given);
});

test('for a service that is not known nothing opens', async ({ stage }) => {
  await stage(async (sql) => {
    for (const service of ['', 'identify', 'Identity', 'identity ', 'audit']) {
      expect(await sql.outcome(OPEN, signedTicket({ service })), service).toBe('28000');
    }
    const forSomebody = { service: 'identity', on_behalf_of: 'alice', issuer: ISSUER };
    expect(await sql.outcome(OPEN, signedTicket(forSomebody))).toBe('28000');
    expect(await sql.outcome(OPEN, signedTicket({ service: 'identity', delegation: SCOUT }))).toBe('28000');
  });
});

test('the server itself is nobody in no tenant: it reads issuers, and has no authority over anything', async ({
  stage,
}) => {
  await stage(async (sql) => {
    const nobody = { tenantId: null, actorId: null, ownerId: null, worldId: null, actorKind: null };
    expect(await told(sql, serviceTicket())).toEqual({
      ...nobody,
      chain: [],
      credential: 'service:identity',
      administrator: false,
      receipts: false,
    });
    expect(await sql.list('select issuer from issuers')).toEqual(
      Object.values(ISSUERS)
        .map(({ issuer }) => issuer)
        .sort(),
    );
    for (const question of [
      'tenant_id',
      'actor_id',
      'delegation_id',
      'world_limit',
      'administered_tenant',
      'describe',
    ]) {
      expect(await sql.value(`select bailiwick.${question}()`), question).toBeNull();
    }
    expect(await sql.value(`select bailiwick.owner('memory', 'read')`)).toBeNull();
    expect(
      await sql.value(`select bailiwick.key_refusal($1, '{memory:read}', null, now())`, [USERS.alice.id]),
    ).toBe('authority');
    for (const [call, target] of [
      ['revoke_key', KEYS.alice.id],
      ['end_credentials', USERS.alice.id],
      ['revoke_agent', AGENTS.scout.id],
      ['revoke_delegation', SCOUT],
    ] as const) {
      expect(await sql.value(`select bailiwick.${call}($1)`, [target]), call).toBeNull();
    }
    expect(await sql.outcome(`select bailiwick.audit($1, 'a.b', null, null, null)`, [newId()])).toBe('28000');
  });
});

test('the service tells when keys were used, and nobody else may', async ({ stage }) => {
  const uses = JSON.stringify([
    { tenant: acme, id: KEYS.alice.id, at: '2026-11-21T10:00:00Z' },
    { tenant: acme, id: KEYS.mallory.id, at: '2026-11-21T10:00:00Z' },
    { tenant: acme, id: newId(), at: '2026-11-21T10:00:00Z' },
  ]);
  const TELL = 'select bailiwick.keys_used($1)::int';
  for (const shown of [ticket('alice'), ticket('ada'), keyTicket(KEYS.alice.digest), undefined]) {
    await stage(async (sql) => {
      if (shown !== undefined) {
        await sql.rows(OPEN, shown);
      }
      expect(await sql.outcome(TELL, [uses])).toBe('28000');
    });
  }
  await stage(async (sql) => {
    await sql.rows(OPEN, serviceTicket());
    expect(await sql.value(TELL, [uses])).toBe(1);
    // an older use that is told of later changes nothing
    expect(await sql.value(TELL, [uses.replaceAll('T10:', 'T09:')])).toBe(1);
    await sql.rows('reset role');
    expect(await sql.rows('select id, last_used_at from credentials where last_used_at is not null')).toEqual(
      [{ id: KEYS.alice.id, last_used_at: new Date('2026-11-21T10:00:00Z') }],
    );
  });
});
