// Guarantees of bailiwick.still (prisma/policies/09-events.sql): whoever listens is told to stop by whatever would refuse them a context, or would
// leave them without any authority in one; each for themselves, in the order in which was asked.
//
// That it refuses by the rules of opening is shown beside opening itself: a ticket that opens nothing is not still good, for the same cause.

import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { ticketKey } from '../../src/db/ticket.ts';
import { TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type KeyId, newId } from '../../src/ids.ts';
import { type Acting, KEY, type Sql, ticket } from '../kit/as.ts';
import {
  arrangeHung,
  digestOf,
  HUNG,
  issuedTicket,
  KEYS,
  keyTicket,
  makeKey,
  serviceTicket,
  signedTicket,
  spend,
} from './credentials.ts';
import { DEAD, suspend } from './given.ts';
import { OPEN, test } from './on-stage.ts';

const SCOUT = DELEGATIONS.scout.id;
const acme = TENANTS.acme.id;
const past = () => new Date(Date.now() - 1);
const asScout: Acting = { delegation: SCOUT };

type Ticket = readonly [text: string | null, mac: string | null];
type Given = (sql: Sql) => Promise<unknown>;
const still = async (sql: Sql, tickets: readonly Ticket[]) =>
  (await sql.value('select bailiwick.still($1, $2)', [
    tickets.map(([text]) => text),
    tickets.map(([, mac]) => mac),
  ])) as boolean[];
const good = (): Ticket => ticket('alice');

/** Tickets that open no context, and what makes them so. */
const REFUSED: Readonly<Record<string, readonly [make: () => Ticket, given?: Given]>> = {
  'a ticket that is over': [() => ticket('alice', {}, KEY, Date.now() - 16_000)],
  'a ticket from the future': [() => ticket('alice', {}, KEY, Date.now() + 10_000)],
  'a MAC of another ticket': [() => [ticket('alice')[0], ticket('bob')[1]]],
  'a MAC under another key': [() => ticket('alice', {}, { ...KEY, key: ticketKey(randomBytes(32)).key })],
  'no MAC': [() => [ticket('alice')[0], null]],
  nothing: [() => [null, null]],
  garbage: [() => ['garbage', 'ff']],
  'the shape of one': [() => ['t1||{}', '']],
  'a subject that nobody is': [() => signedTicket({ tenant: 'acme', issuer: 'x', subject: 'y' })],
  'an incomplete one': [() => signedTicket({ service: 'identity', request_id: undefined })],
  'a service that there is not': [() => signedTicket({ service: 'audit' })],
  'a delegation to somebody else': [() => ticket('scribe', asScout)],
  'a delegation that there is not': [() => ticket('scout', { delegation: newId() })],
  'somebody else to act for': [() => ticket('scout', { ...asScout, onBehalfOf: 'bob' })],
  'a key that was revoked': [
    () => keyTicket(digestOf('gone')),
    (sql) => makeKey(sql, { for: 'alice', digest: digestOf('gone'), revoked: true }),
  ],
  'a key that has expired': [
    () => keyTicket(digestOf('gone')),
    (sql) => makeKey(sql, { for: 'alice', digest: digestOf('gone'), expires: -1 }),
  ],
  'a session that was revoked': [
    () => issuedTicket(HUNG.session.id),
    async (sql) => {
      await arrangeHung(sql);
      await sql.rows('update credentials set revoked_at = now(), revoked_by = owner_id where id = $1', [
        HUNG.session.id,
      ]);
    },
  ],
  'a session that there is not': [() => issuedTicket(newId<KeyId>())],
  'a token that was spent': [
    () => issuedTicket(HUNG.session.id),
    async (sql) => {
      await arrangeHung(sql);
      await spend(sql);
    },
  ],
  'a token from before everything was ended': [
    good,
    (sql) =>
      sql.rows(
        `update entities set credential_epoch = now() + interval '1 minute' where tenant_id = $1 and id = $2`,
        [acme, USERS.alice.id],
      ),
  ],
};
for (const [what, [make, given]] of Object.entries(REFUSED)) {
  test(`nobody goes on listening with ${what}, which opens nothing either`, async ({ stage }) => {
    await stage(async (sql) => {
      expect(await still(sql, [make()])).toEqual([false]);
      expect(await still(sql, [good(), make(), keyTicket(KEYS.bob.digest)])).toEqual([
        make !== good,
        false,
        true,
      ]);
      expect(await sql.outcome(OPEN, make())).toBe('28000');
    }, given);
  });
}

/** Tickets that open a context in which nothing is allowed. */
const POWERLESS: Readonly<Record<string, readonly [make: () => Ticket, given?: Given]>> = {
  'a token that has expired': [() => ticket('alice', { tokenExpiresAt: past() })],
  'a token of ours that has expired': [
    () => issuedTicket(HUNG.session.id, { tokenExpiresAt: past() }),
    arrangeHung,
  ],
  'a delegation that has expired': [() => ticket('late', { delegation: DELEGATIONS.late.id })],
  'a delegation that was revoked': [() => ticket('rogue', { delegation: DELEGATIONS.rogue.id })],
  'a person who is suspended': [() => ticket('alice'), suspend('alice')],
  'an agent that is suspended': [() => ticket('scout'), suspend('scout')],
  'an agent of a person who is suspended': [() => ticket('scout'), suspend('alice')],
  'a key whose holder is suspended': [() => keyTicket(KEYS.alice.digest), suspend('alice')],
  'a world that is archived': [
    () => ticket('scout', { delegation: DELEGATIONS.scoutInGarden.id }),
    suspend('garden'),
  ],
  'the server itself, which is nobody': [() => serviceTicket()],
};
for (const [what, [make, given]] of Object.entries(POWERLESS)) {
  test(`nobody goes on listening with ${what}, which opens and holds nothing`, async ({ stage }) => {
    await stage(async (sql) => {
      expect(await still(sql, [make()])).toEqual([false]);
      expect(await still(sql, [ticket('mallory'), make()])).toEqual([true, false]);
      expect(await sql.outcome(OPEN, make())).toBe('1');
      expect(await sql.value(`select coalesce(bailiwick.describe()->>'live', 'false')`, undefined)).toBe(
        'false',
      );
    }, given);
  });
}
for (const [state, given] of Object.entries(DEAD)) {
  test(`nobody goes on listening through scout, or below it, when ${state}`, async ({ stage }) => {
    await stage(async (sql) => {
      const below = ticket('scribe', { delegation: DELEGATIONS.scribe.id });
      expect(await still(sql, [ticket('scout', asScout), ticket('mallory'), below])).toEqual([
        false,
        true,
        false,
      ]);
    }, given);
  });
}

test('everybody else goes on, and each is answered in the place in which they were asked about', async ({
  stage,
}) => {
  await stage(async (sql) => {
    const many: readonly (readonly [Ticket, boolean])[] = [
      [ticket('alice'), true],
      [['garbage', 'ff'], false],
      [ticket('scout', asScout), true],
      [ticket('late', { delegation: DELEGATIONS.late.id }), false],
      [ticket('scribe', { delegation: DELEGATIONS.scribe.id }), true],
      [ticket('scout', { delegation: DELEGATIONS.scoutInGarden.id }), true],
      [ticket('scout'), true],
      [ticket('alice', { scopes: [] }), true],
      [keyTicket(KEYS.alice.digest), true],
      [keyTicket(KEYS.scout.digest, asScout), true],
      [keyTicket(KEYS.scout.digest, { delegation: DELEGATIONS.scribe.id }), false],
      [issuedTicket(HUNG.client.id), true],
      [issuedTicket(HUNG.boundClient.id), true],
      [issuedTicket(HUNG.session.id, { tenant: 'globex' }), false],
      [ticket('mallory'), true],
    ];
    expect(
      await still(
        sql,
        many.map(([one]) => one),
      ),
    ).toEqual(many.map(([, answer]) => answer));
    expect(await still(sql, [])).toEqual([]);
    // asking has opened nothing
    expect(await sql.value(`select coalesce(current_setting('bailiwick.context', true), '')`)).toBe('');
  }, arrangeHung);
});

test('a ticket without a MAC beside it is refused, whatever stands behind the others', async ({ stage }) => {
  await stage(async (sql) => {
    const [text, mac] = ticket('alice');
    expect(await sql.value('select bailiwick.still($1, $2)', [[text, text], [mac]])).toEqual([true, false]);
    expect(await sql.value('select bailiwick.still($1, $2)', [[text], []])).toEqual([false]);
  });
});
