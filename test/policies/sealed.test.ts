// Guarantees of what may stand in an encrypted column: bailiwick.seals (prisma/policies/05-keys.sql), the policies insert_sealed and
// update_sealed of memories and agent_instructions, and the constraints behind them. A value in plain text would be in every
// backup, and one under somebody else's key would be read by him and not by its owner.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, insertion, memoryOf, SPARES } from './arrangement.ts';
import { serviceTicket } from './credentials.ts';
import {
  arrangeWrapped,
  DATA_KEYS,
  DESTROYED,
  keyOf,
  RETIRED_LONG_AGO,
  TWINS_ONLY,
  under,
} from './wrapped.ts';

const acme = TENANTS.acme.id;
const { alice, bob } = USERS;
const { scout, rogue } = AGENTS;
const ASK = 'select bailiwick.seals($1, $2)';
const OWN = under(DATA_KEYS.alice);

/** What may not stand where only envelopes under alice's keys may. */
const REFUSED: Readonly<Record<string, string>> = {
  'plain text': 'Dr. Iyer prefers the telephone.',
  'nothing at all in quotes': '',
  'the prefix alone': 'bwe1.',
  'another format': OWN.replace('bwe1', 'bwe2'),
  'a prefix in capitals': OWN.replace('bwe1', 'BWE1'),
  'something before the prefix': ` ${OWN}`,
  'a key in capitals': under(DATA_KEYS.alice.toUpperCase()),
  'a key with its hyphens': `bwe1.${DATA_KEYS.alice}.x`,
  'a key that is too short': OWN.replace('0.x', '.x').replace(/.\.x$/, '.x'),
  'a key without an end': OWN.slice(0, 37),
  'another end': OWN.replace('.x', ':x'),
  'a key that does not exist': under(newId()),
  "a colleague's key": under(DATA_KEYS.bob),
  'a key of an agent of hers': under(DATA_KEYS.scout),
  'a key of her twin in another tenant': under(TWINS_ONLY),
  'a key of somebody in another tenant': under(DATA_KEYS.mallory),
  'a key that was destroyed': under(DESTROYED),
};

for (const [value, text] of Object.entries(REFUSED)) {
  test(`where only what is sealed may stand, ${value} is refused`, async ({ as }) => {
    await as('alice', { given: arrange }, async (sql) => {
      expect(await sql.value(ASK, [text, alice.id]), 'seals').toBe(false);
      const metadata = JSON.stringify(OWN);
      const row = { tenant_id: acme, id: newId(), owner_id: alice.id, sensitive: true, tags: [] };
      const rows = [
        { ...row, content: text, metadata },
        { ...row, content: OWN, metadata: JSON.stringify(text) },
      ];
      for (const one of rows) {
        const made = insertion('memories', one);
        expect(await sql.outcome(made.text, made.values), 'insert').toBe('42501');
        const set = `update memories set sensitive = true, content = $1, metadata = $2 where id = $3`;
        for (const place of [undefined, 'garden'] as const) {
          expect(await sql.outcome(set, [one.content, one.metadata, memoryOf('alice', place)])).toBe('42501');
        }
      }
      const good = under(keyOf(SPARES.alice.agent));
      const told = { tenant_id: acme, id: SPARES.alice.agent, owner_id: alice.id };
      for (const columns of [
        { system_prompt: text, private_instructions: good },
        { system_prompt: good, private_instructions: text },
        { system_prompt: null, private_instructions: text },
      ]) {
        const made = insertion('agent_instructions', { ...told, ...columns });
        expect(await sql.outcome(made.text, made.values), 'insert instructions').toBe('42501');
      }
      for (const column of ['system_prompt', 'private_instructions']) {
        const set = `update agent_instructions set ${column} = $1 where id = $2`;
        expect(await sql.outcome(set, [text, rogue.id]), `update ${column}`).toBe('42501');
      }
    });
  });
}

test("an agent's instructions are sealed with its own key, not with its owner's or another agent's", async ({
  as,
}) => {
  await as('alice', { given: arrange }, async (sql) => {
    const set = 'update agent_instructions set system_prompt = $1 where id = $2';
    for (const key of [DATA_KEYS.alice, DATA_KEYS.scout, DATA_KEYS.bobot]) {
      expect(await sql.outcome(set, [under(key), rogue.id])).toBe('42501');
    }
    expect(await sql.outcome(set, [under(DATA_KEYS.rogue), rogue.id])).toBe('1');
  });
});

test("an agent's own secret is sealed with its own key, one that it keeps for its owner with the owner's", async ({
  as,
}) => {
  const secret = (owner: string, key: string) =>
    insertion('memories', {
      ...{ tenant_id: acme, id: newId(), owner_id: owner, sensitive: true, tags: [] },
      ...{ content: under(key), metadata: JSON.stringify(under(key)) },
    });
  for (const [acting, owner, right, wrong] of [
    [itself, scout.id, DATA_KEYS.scout, DATA_KEYS.alice],
    [through.scout, alice.id, DATA_KEYS.alice, DATA_KEYS.scout],
  ] as const) {
    await as('scout', { ...acting, given: arrangeWrapped }, async (sql) => {
      const refused = secret(owner, wrong);
      expect(await sql.outcome(refused.text, refused.values)).toBe('42501');
      const made = secret(owner, right);
      expect(await sql.outcome(made.text, made.values)).toBe('1');
    });
  }
});

test('nothing is sealed for anybody without a context, or for the server itself', async ({
  as,
  raw,
  migrate,
}) => {
  await as('alice', itself, async () => undefined);
  await migrate(arrangeWrapped);
  for (const shown of [serviceTicket(), undefined]) {
    await raw(async (sql) => {
      await sql.rows('begin');
      if (shown !== undefined) {
        await sql.rows('select bailiwick.open($1, $2)', shown);
      }
      expect(await sql.value(ASK, [OWN, alice.id])).toBe(false);
    });
  }
  await migrate((sql) =>
    sql.rows('delete from data_keys where version > 1; delete from tenant_keys where version > 1'),
  );
});

// A rotation takes its time, and rows that it has not come to are changed meanwhile.
test('a key that was retired counts, however long ago', async ({ as }) => {
  await as('alice', { given: arrange }, async (sql) => {
    expect(await sql.value(ASK, [under(RETIRED_LONG_AGO), alice.id])).toBe(true);
  });
});

test('not even who writes past the policies puts plain text into an encrypted column', async ({
  migrate,
}) => {
  await migrate(async (sql) => {
    await sql.rows('begin');
    await arrange(sql);
    const sealed = insertion('memories', {
      ...{ tenant_id: acme, id: newId(), owner_id: bob.id, sensitive: true, tags: [] },
      ...{ content: OWN, metadata: JSON.stringify(OWN), created_by: bob.id, request_id: newId() },
    });
    expect(await sql.outcome(sealed.text, sealed.values)).toBe('1');
    for (const text of [
      `update memories set sensitive = true where id = '${memoryOf('alice')}'`,
      `update memories set content = 'Plain.' where sensitive`,
      `update memories set metadata = '"plain"' where sensitive`,
      `update memories set metadata = '{}' where sensitive`,
      `update memories set sensitive = false where sensitive`,
      `update agent_instructions set system_prompt = 'Plain.'`,
      `update agent_instructions set private_instructions = 'Plain.'`,
      `update agent_instructions set private_instructions = ''`,
    ]) {
      expect(await sql.outcome(text), text).toBe('23514');
    }
    await sql.rows('rollback');
  });
});

test('what is not sensitive stays in plain text, nothing is nothing, and what is under a live key is written', async ({
  as,
}) => {
  await as('alice', { given: arrange }, async (sql) => {
    expect(await sql.value(ASK, [null, alice.id])).toBe(true);
    expect(await sql.value(ASK, [OWN, alice.id])).toBe(true);
    expect(await sql.value(ASK, [under(DATA_KEYS.scout, 'any rest'), scout.id])).toBe(true);
    const plain = insertion('memories', {
      tenant_id: acme,
      id: newId(),
      owner_id: alice.id,
      content: 'Plain.',
      tags: [],
    });
    expect(await sql.outcome(plain.text, plain.values)).toBe('1');
    const set = `update memories set sensitive = $1, content = $2, metadata = $3 where id = $4`;
    const id = memoryOf('alice');
    expect(await sql.outcome(set, [true, OWN, JSON.stringify(OWN), id])).toBe('1');
    expect(await sql.outcome(`update memories set kind = 'changed' where id = $1`, [id])).toBe('1');
    expect(await sql.outcome(set, [false, 'Plain again.', '{}', id])).toBe('1');
    expect(
      await sql.outcome('update agent_instructions set system_prompt = null where id = $1', [rogue.id]),
    ).toBe('1');
  });
});
