// Whom a token names as having acted before (01-delegation.sql, check_actors; rule D6): it proves nothing and allows nothing, but
// what contradicts the chain of the database opens nothing. Tokens of issuers name their subjects, our own name ids.

import { expect } from 'vitest';
import { ACTORS, type ActorName, AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type DelegationId, type KeyId, newId } from '../../src/ids.ts';
import { type Acting, ISSUER, type Sql, ticket } from '../kit/as.ts';
import { through } from '../kit/cast.ts';
import { insert } from './arrangement.ts';
import { issuedTicket, KEYS, keyTicket, makeKey, signedTicket } from './credentials.ts';
import { delegate } from './given.ts';
import { OPEN, test } from './on-stage.ts';

const { scout, scribe, rogue } = AGENTS;
const BELOW = newId<DelegationId>();
const THIS = newId<KeyId>();
const unset = `select coalesce(current_setting('bailiwick.context', true), '')`;
const shown = (actor: ActorName, delegation: DelegationId | undefined, ...priorActors: readonly string[]) =>
  ticket(actor, { delegation, priorActors });

/** A third hop: alice to scout, scout to scribe, scribe to rogue. */
const third = (sql: Sql) =>
  delegate(sql, { id: BELOW, from: 'scribe', to: 'rogue', parent: DELEGATIONS.scribe.id, depth: 3 });

/** What another issuer calls scout. */
const named = async (sql: Sql) => {
  const row = { tenant_id: TENANTS.acme.id, entity_id: scout.id };
  await insert(sql, 'identities', { ...row, id: newId(), issuer: 'https://elsewhere.test/', subject: 'spy' });
};

const SCRIBE = DELEGATIONS.scribe.id;
const refused: Readonly<Record<string, () => [string, string]>> = {
  'somebody who is not in the chain': () => shown('scribe', SCRIBE, 'rogue'),
  'somebody who is not there': () => shown('scribe', SCRIBE, 'nobody'),
  'somebody of another tenant': () => shown('scribe', SCRIBE, 'mimic'),
  'the actor itself': () => shown('scribe', SCRIBE, 'scribe'),
  'the owner': () => shown('scribe', SCRIBE, 'alice'),
  'the right one by our own id': () => shown('scribe', SCRIBE, scout.id),
  'the right one by the name that another issuer gives': () => shown('scribe', SCRIBE, 'spy'),
  'the right one twice': () => shown('scribe', SCRIBE, 'scout', 'scout'),
  'the right one, and the owner above': () => shown('scribe', SCRIBE, 'scout', 'alice'),
  'anybody above the only hop': () => shown('scout', DELEGATIONS.scout.id, 'scout'),
  'anybody without a chain': () => shown('scout', undefined, 'scout'),
  'the right ones in the order from the owner': () => shown('rogue', BELOW, 'scout', 'scribe'),
  'one hop too far up': () => shown('rogue', BELOW, 'scout'),
  'a third above two': () => shown('rogue', BELOW, 'scribe', 'scout', 'scout'),
  nothing: () => signedTicket({ ...claimsOf(ticket('scribe', through.scribe)), prior_actors: [null] }),
};
for (const [whom, make] of Object.entries(refused)) {
  test(`a token that names ${whom} as having acted before opens nothing`, async ({ stage }) => {
    await stage(
      async (sql) => {
        expect(await sql.outcome(OPEN, make())).toBe('28000');
        expect(await sql.value(unset)).toBe('');
      },
      async (sql) => {
        await third(sql);
        await named(sql);
      },
    );
  });
}

/** A session of scribe's, for tokens of our own. */
const session = (sql: Sql) => makeKey(sql, { id: THIS, for: 'scribe', kind: 'session' });
const strangers: Readonly<Record<string, readonly string[]>> = {
  'another agent': [rogue.id],
  'the actor itself': [scribe.id],
  'the owner': [USERS.alice.id],
  'the right one as an issuer calls it': ['scout'],
  'the right one twice': [scout.id, scout.id],
  'no id at all': [''],
};
for (const [whom, priorActors] of Object.entries(strangers)) {
  test(`a token of our own that names ${whom} as having acted before opens nothing`, async ({ stage }) => {
    await stage(async (sql) => {
      const acting = { delegation: SCRIBE, onBehalfOf: USERS.alice.id, priorActors };
      expect(await sql.outcome(OPEN, issuedTicket(THIS, acting))).toBe('28000');
      expect(await sql.value(unset)).toBe('');
    }, session);
  });
}

test('a key or the server itself, with anybody who is said to have acted before, opens nothing', async ({
  stage,
}) => {
  for (const said of [claimsOf(keyTicket(KEYS.scout.digest)), { service: 'identity', issuer: ISSUER }]) {
    await stage(async (sql) => {
      expect(await sql.outcome(OPEN, signedTicket({ ...said, prior_actors: ['scout'] }))).toBe('28000');
    });
  }
});

const good: Readonly<Record<string, readonly [actor: ActorName, acting: Acting]>> = {
  'nobody, in person': ['alice', { priorActors: [] }],
  'nobody, under a chain': ['scribe', { ...through.scribe, priorActors: [] }],
  'who stands above': ['scribe', { ...through.scribe, onBehalfOf: 'alice', priorActors: ['scout'] }],
  'all who stand above': ['rogue', { delegation: BELOW, priorActors: ['scribe', 'scout'] }],
  'only the nearest who stands above': ['rogue', { delegation: BELOW, priorActors: ['scribe'] }],
};
for (const [whom, [actor, acting]] of Object.entries(good)) {
  test(`a token that names ${whom} as having acted before opens what it does without that`, async ({
    stage,
  }) => {
    const told = async (given: Acting) =>
      await stage(async (sql) => {
        const [row] = await sql.rows<{ told: { requestId: string; actorId: string } }>(
          'select bailiwick.open($1, $2) as told',
          ticket(actor, given),
        );
        return { ...row?.told, requestId: undefined };
      }, third);
    const { priorActors: _, ...without } = acting;
    const with_ = await told(acting);
    expect(with_.actorId).toBe(ACTORS[actor].id);
    expect(with_).toEqual(await told(without));
  });
}

test('a token of our own that names who stands above opens its chain', async ({ stage }) => {
  await stage(async (sql) => {
    const acting = { delegation: SCRIBE, onBehalfOf: USERS.alice.id, priorActors: [scout.id] };
    expect(await sql.outcome(OPEN, issuedTicket(THIS, acting))).toBe('1');
    expect(await sql.value('select bailiwick.delegation_chain()')).toEqual([DELEGATIONS.scout.id, SCRIBE]);
  }, session);
});

function claimsOf([text]: readonly [string, string]): Record<string, unknown> {
  return JSON.parse(text.split('|')[2] ?? '') as Record<string, unknown>;
}
