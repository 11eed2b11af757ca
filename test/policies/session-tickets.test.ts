// Tickets (prisma/policies/00-session.sql, rules S2 and S12): only one that the server signed just now, for a subject that
// is known and a chain that is the subject's, opens a context. All others are refused alike.

import { createHmac, randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { installTicketKey } from '../../src/db/policies.ts';
import { ticketKey } from '../../src/db/ticket.ts';
import { ACTORS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { type Acting, KEY, ticket } from '../kit/as.ts';
import { itself, test } from '../kit/cast.ts';

const sign = (text: string): string => createHmac('sha256', KEY.key).update(text).digest('hex');
const now = () => Date.now();
const edit = ([text, signature]: [string, string], from: string, to: string): [string, string] => [
  text.replace(from, to),
  signature,
];
const lasting = (seconds: number): [string, string] => {
  const [text] = ticket('alice');
  const { exp, ...claims } = JSON.parse(text.split('|')[2] ?? '');
  const signed = `t1|${KEY.kid}|${JSON.stringify({ ...claims, exp: claims.iat + seconds })}`;
  return [signed, sign(signed)];
};
const refused: Readonly<Record<string, () => readonly [string | null, string | null]>> = {
  'that has expired': () => ticket('alice', {}, KEY, now() - 16_000),
  'from the future': () => ticket('alice', {}, KEY, now() + 10_000),
  'that lives longer than 30 seconds': () => lasting(31),
  'that expires before it begins': () => lasting(-1),
  'signed with another key': () => ticket('alice', {}, { ...KEY, key: ticketKey(randomBytes(32)).key }),
  'of an unknown key': () => ticket('alice', {}, ticketKey(randomBytes(32))),
  'in which the subject was edited': () => edit(ticket('bob'), '"bob"', '"alice"'),
  'in which the version was edited': () => edit(ticket('alice'), 't1|', 't2|'),
  'without a signature': () => [ticket('alice')[0], ''],
  'with no signature at all': () => [ticket('alice')[0], null],
  'of nothing': () => [null, null],
};
for (const [what, make] of Object.entries(refused)) {
  test(`a ticket ${what} opens nothing`, async ({ raw, as }) => {
    await as('alice', itself, async () => undefined);
    await raw(async (sql) => {
      await sql.rows('begin');
      expect(await sql.outcome('select bailiwick.open($1, $2)', make())).toBe('28000');
      expect(await sql.value(`select coalesce(current_setting('bailiwick.context', true), '')`)).toBe('');
    });
  });
}

const strangers: Readonly<Record<string, Parameters<typeof ticket>>> = {
  'a delegation to somebody else': ['scribe', { delegation: DELEGATIONS.scout.id }],
  'a delegation of another tenant': ['mimic', { delegation: DELEGATIONS.scout.id }],
  'a delegation that is not there': ['scout', { delegation: newId() }],
  'the delegation that one gave oneself away': ['alice', { delegation: DELEGATIONS.scout.id }],
  'the chain of an owner whom the token does not name': [
    'scout',
    { delegation: DELEGATIONS.scout.id, onBehalfOf: 'bob' },
  ],
  'nobody to act for, where the token names somebody': ['scout', { onBehalfOf: 'alice' }],
};
for (const [what, [actor, acting]] of Object.entries(strangers)) {
  test(`${what} opens nothing`, async ({ as }) => {
    await expect(as(actor, acting as Acting, (sql) => sql.list('select 1'))).rejects.toMatchObject({
      code: '28000',
    });
  });
}

test('a subject of another tenant, issuer or name is unknown', async ({ raw, as }) => {
  await as('alice', itself, async () => undefined);
  for (const [from, to] of [
    ['"acme"', '"globex"'],
    ['issuer.test', 'elsewhere.test'],
    ['"alice"', '"nobody"'],
  ] as const) {
    const [text] = edit(ticket('alice'), from, to);
    await raw(async (sql) => {
      await sql.rows('begin');
      expect(await sql.outcome('select bailiwick.open($1, $2)', [text, sign(text)]), to).toBe('28000');
    });
  }
});

test('a key that was retired opens nothing, while the other one still does', async ({
  database,
  migrate,
  raw,
  as,
}) => {
  const secret = randomBytes(32);
  const key = ticketKey(secret);
  await installTicketKey(database.migratorUrl, key.kid, secret);
  const outcome = () =>
    raw(async (sql) => {
      await sql.rows('begin');
      return await sql.outcome('select bailiwick.open($1, $2)', ticket('alice', {}, key));
    });
  expect(await outcome()).toBe('1');
  await migrate((sql) =>
    sql.rows('update bailiwick.context_key set active = false where kid = $1', [key.kid]),
  );
  expect(await outcome()).toBe('28000');
  expect(await as('alice', itself, (sql) => sql.value('select bailiwick.actor_id()'))).toBe(ACTORS.alice.id);
});
