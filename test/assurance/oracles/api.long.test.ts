// Through the API: wherever it takes an id, the answer for a row out of sight is, to the last byte, the answer for an id
// that was never given to anything. Every place is read from the schema; one that nobody has thought of fails.
//
// And no place lets a client choose the id of something new, which is what makes the answers of keys (verdict.ts) worth
// nothing: afterwards no row in any table has one of the ids that were made up.

import { expect } from 'vitest';
import { type NodeName, toGlobalId } from '../../../src/api/global-id.ts';
import { type ActorName, AGENTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { seedCast } from '../../../src/demo/seed.ts';
import { newId } from '../../../src/ids.ts';
import type { Ids } from '../../api/attempts.ts';
import { ISSUER, migrate } from '../../kit/as.ts';
import { testKeys } from '../../kit/keys.ts';
import { report } from '../../kit/report.ts';
import { test as base, type RunningServer } from '../../kit/server.ts';
import { EXTRA, MEMBERS, memoryOf, SPARES } from '../../policies/arrangement.ts';
import { KEYS } from '../../policies/credentials.ts';
import { GENERAL, WAITING } from '../../policies/permissions.ts';
import { KEPT } from '../../policies/services.ts';
import { VOICES } from '../../policies/voices.ts';
import { attacker } from './attackers.ts';
import { look, prepare } from './experiment.ts';
import { appear, type Hidden } from './hidden.ts';
import { ANY_TYPE, PLACES, placesBelow, placesOfSchema, question, TABLE, typesIn } from './places.ts';

/** What answers all the same. */
const ORACLES: Readonly<Record<string, string>> = {
  'addWorldMember.userId by bob':
    'whoever adds somebody to a world by id learns whether that id is a user of the tenant: docs/isolation.md',
};

/** Each place, with each type of which it takes ids. */
const places = [
  ...Object.keys(PLACES).flatMap((place) => typesIn(place).map((type) => ({ place, type }))),
  ...ANY_TYPE.flatMap((place) => (Object.keys(TABLE) as NodeName[]).map((type) => ({ place, type }))),
];

type Person = 'alice' | 'bob' | 'mallory';
const own = (person: Person, agent: keyof typeof AGENTS, world: keyof typeof MEMBERS): Ids => ({
  agent: toGlobalId('Agent', AGENTS[agent].id),
  subagent: toGlobalId('Agent', SPARES[person].agent),
  memory: toGlobalId('Memory', memoryOf(person, person === 'alice' ? 'garden' : undefined) ?? ''),
  world: toGlobalId('World', MEMBERS[world].world),
  member: toGlobalId('WorldMember', MEMBERS[world].id),
  user: toGlobalId('User', person === 'bob' ? USERS.ada.id : EXTRA),
  delegation: toGlobalId('Delegation', DELEGATIONS[agent].id),
  key: toGlobalId('Credential', KEYS[person].id),
  service: toGlobalId('ServiceCredential', KEPT[person].shared),
  permission: toGlobalId('Permission', GENERAL[person]),
  approval: toGlobalId('Approval', WAITING[agent]),
});
/** Who sees none of the hidden rows, and what each has of its own for the places that are not in question. */
const OWN: Readonly<Record<string, Ids>> = {
  bob: own('bob', 'bobot', 'workshop'),
  mallory: own('mallory', 'mimic', 'vault'),
  scout: own('alice', 'scout', 'garden'),
  'alice via scout in garden': own('alice', 'scout', 'garden'),
};

const test = base.extend('hidden', { scope: 'file' }, async ({ server: { database } }) => {
  await prepare(database);
  const { catalog, hidden } = await look(database);
  // the same people under the issuer of tickets made here
  await seedCast(database.migratorUrl, { issuer: ISSUER, keys: testKeys() });
  const unseen = new Map<string, readonly Hidden[]>();
  for (const name of Object.keys(OWN)) {
    unseen.set(name, (await attacker(database, catalog, hidden, name, true)).hidden);
  }
  await migrate(database, appear);
  return { unseen, tables: new Set(hidden.map(({ table }) => table)) };
});

test('the lists name every place that takes an id', () => {
  expect(placesOfSchema().sort()).toEqual([...Object.keys(PLACES), ...ANY_TYPE].sort());
  expect(placesBelow()).toEqual([]);
});

const NOT_UNDERSTOOD =
  /Cannot query field|Unknown argument|is required|got invalid value|must have a selection/;

/** All of an answer but the ids that were asked for, which the asker knows. */
async function ask(server: RunningServer, name: string, place: string, id: string): Promise<string> {
  const voice = VOICES.find((one) => one.name === name);
  const { document, variables } = question(place, OWN[name] as Ids, id);
  const asking = voice?.delegation === undefined ? {} : { delegation: voice.delegation };
  const answer = await server.query(voice?.actor as ActorName, document, variables, asking);
  const headers = [...answer.headers].filter(([header]) => header !== 'x-request-id' && header !== 'date');
  // what the server does not understand it answers always alike, and that would say nothing
  expect([place, answer.text]).toEqual([place, expect.not.stringMatching(NOT_UNDERSTOOD)]);
  return JSON.stringify([answer.status, headers, answer.text]).replaceAll(id, '<id>');
}

test('an id out of sight is answered like an id of nothing, wherever the API takes one', {
  timeout: 120_000,
}, async ({ server, hidden: { unseen, tables } }) => {
  const telling: string[] = [];
  const made: string[] = [];
  const asked = new Set<string>();
  let pairs = 0;
  for (const [name, rows] of unseen) {
    for (const { place, type } of places) {
      const row = rows.find(({ table }) => table === TABLE[type])?.row;
      if (row !== undefined) {
        const absent: string = newId();
        made.push(absent);
        const [there, nowhere] = [
          await ask(server, name, place, toGlobalId(type, row.id ?? '')),
          await ask(server, name, place, toGlobalId(type, absent)),
        ];
        pairs += 1;
        asked.add(`${place} ${type}`);
        telling.push(...(there === nowhere ? [] : [`${place} by ${name}`]));
      }
    }
  }
  // a type of which nothing is hidden would be asked about by nobody
  expect(places.map(({ place, type }) => `${place} ${type}`).filter((one) => !asked.has(one))).toEqual([]);
  expect(telling).toEqual(Object.keys(ORACLES));
  for (const table of tables) {
    const taken = await server.migrate((sql) =>
      sql.list(`select id from ${table} where id = any ($1)`, [made]),
    );
    expect([table, taken]).toEqual([table, []]);
  }
  report({
    instrument: 'oracles',
    what: 'ids through the API',
    figures: { places: placesOfSchema().length, pairs, oracles: telling.length },
    details: Object.entries(ORACLES).map(([where, why]) => `${where}: ${why}`),
  });
});
