// A scratch place for mutants: databases for those who may notice a fault in it. Several lanes work side by side; each mutant is made in one lane and taken back there.

import pg from 'pg';
import { sampleWorlds } from '../../../src/assurance/generate.ts';
import { loadWorld, prepareForWorlds } from '../../../src/assurance/load.ts';
import type { Move } from '../../../src/assurance/moves.ts';
import { type Observation, observe } from '../../../src/assurance/observe.ts';
import type { World } from '../../../src/assurance/world.ts';
import { seedCast } from '../../../src/demo/seed.ts';
import { EXPLAINING, explainedOn } from '../../access/explained.ts';
import { ISSUER, KEY, migrate, trustTickets } from '../../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { testKeys } from '../../kit/keys.ts';
import { arrange } from '../../policies/arrangement.ts';
import { probeOn, probing, voiceOf } from '../../policies/probe.ts';
import { wanted } from '../attacks/attack.ts';
import { SQL_ATTACKS, tryOn } from '../attacks/sql.ts';
import { enter, type SqlAttack } from '../attacks/stage.ts';
import { differences } from '../model/expect.ts';
import { type Clue, WITNESSES, type Witness } from './clues.ts';
import type { Mutant } from './mutants.ts';

/** Who noticed a mutant first, and by what. */
export type Verdict = {
  readonly mutant: string;
  readonly by: Witness | undefined;
  readonly what: string;
  readonly clue?: Clue;
};

export type Lane = {
  /**
   * Makes a mutant, asks the witnesses in their turn until one notices, and takes it back.
   *
   * @param options.turn whom to ask; left out: all.
   * @param options.clue who is likely to notice, and is asked first.
   */
  judge(
    mutant: Mutant,
    options: { readonly turn?: readonly Witness[] | undefined; readonly clue?: Clue | undefined },
  ): Promise<Verdict>;
  /** What the witnesses notice when nothing is wrong: nothing. */
  healthy(): Promise<string[]>;
  end(): Promise<void>;
};

/** What was noticed, and with what: the name of an attack, the number of a world. */
type Noticed = { readonly what: string; readonly with: string };

const NONE: ReadonlyMap<string, string> = new Map();
const WORLDS = 60;
/** Of them, those that are played to see that nothing is noticed when nothing is wrong. */
const HEALTHY_WORLDS = 6;
const SEED = 20261121;

/** A mutant can make a recursion endless; that ends here, and counts as noticed. */
const patience = (database: TestDatabase): TestDatabase => {
  const url = new URL(database.runtimeUrl);
  url.searchParams.set('options', '-c statement_timeout=3000');
  return { ...database, runtimeUrl: url.href };
};

/** Who has noticed faults of an object, and with what. */
export type Hints = Map<string, Partial<Record<Witness, Set<string>>>>;

/** A name to ask for, or, where none was noted, all that the witness has. */
const namesOf = ({ with: name }: Clue) => (name === '' ? undefined : new Set([name]));

export function addHint(hints: Hints, object: string, { by, with: name }: Clue): void {
  if (name !== '') {
    const known = hints.get(object) ?? {};
    known[by] = (known[by] ?? new Set()).add(name);
    hints.set(object, known);
  }
}

/** @param hints Whom to ask first, by object; what is found is added. */
export async function openLane(hints: Hints): Promise<Lane> {
  const [cast, target, scene] = [
    patience(await createTestDatabase()),
    // the attacks set a limit of their own, and look at it
    await createTestDatabase(),
    patience(await createTestDatabase()),
  ];
  await seedCast(cast.migratorUrl, { issuer: ISSUER, keys: testKeys() });
  await migrate(cast, arrange);
  await seedCast(target.migratorUrl, { issuer: ISSUER, keys: testKeys() });
  await trustTickets(scene);
  const [migrator, runtime, ...admins] = await Promise.all(
    [scene.migratorUrl, scene.runtimeUrl, cast.adminUrl, scene.adminUrl, target.adminUrl].map(connect),
  );
  const [castAdmin, sceneAdmin, targetAdmin] = admins;
  if (!migrator || !runtime || !castAdmin || !sceneAdmin || !targetAdmin) {
    throw new TypeError('a connection is missing');
  }
  const places: Record<Witness, pg.Client> = {
    access: castAdmin,
    model: sceneAdmin,
    attacks: targetAdmin,
    explained: targetAdmin,
  };
  await prepareForWorlds(migrator);
  // the same connections for all mutants: what costs is a new one that knows no plan and no function yet
  const [voices, stage] = [await probing(cast), await enter(target)];
  const answers = await probeOn(voices);
  const explanations = await explainedOn(target);
  const outcomes = new Map(SQL_ATTACKS.map((attack) => [attack.name, wanted(attack)]));
  const worlds = sampleWorlds(SEED, WORLDS).map((world, number) => ({ world, number: String(number) }));
  const order = new Map<string, Witness[]>();

  /** Asks a witness about all that it has, or about some of it: voices, worlds or attacks. */
  const witnesses: Record<
    Witness,
    (mutant?: Mutant, some?: ReadonlySet<string>) => Promise<Noticed | undefined>
  > = {
    async access(mutant, some) {
      const found = await probeOn(voices, {
        only: mutant?.table,
        voices: some,
        enough: (so) => firstDifferent(so, answers) !== undefined,
      });
      const key = firstDifferent(found, answers);
      return key === undefined ? undefined : noticed(firstDifference(found, answers), voiceOf(key));
    },
    async model(mutant, some) {
      const asked = worlds.filter(({ number }) => some?.has(number) ?? true);
      for (const { world, number } of asked.slice(0, mutant === undefined ? HEALTHY_WORLDS : WORLDS)) {
        const what = await differs(world, mutant);
        if (what !== undefined) {
          return noticed(what, number);
        }
      }
      return undefined;
    },
    async attacks(mutant, some) {
      const first = (found: ReadonlyMap<string, string>) => firstDifference(found, outcomes);
      const enough = (found: ReadonlyMap<string, string>) => first(found) !== undefined;
      const fits = ({ group, name }: SqlAttack) =>
        (mutant?.table === undefined || group === 'row security') && (some?.has(name) ?? true);
      // what speaks of the object comes first
      const named = new RegExp(`\\b${mutant?.object.split('.')[0]}\\b`);
      for (const speaks of [true, false]) {
        const only = (attack: SqlAttack) =>
          fits(attack) && attack.steps.some(({ text }) => named.test(text)) === speaks;
        const found = SQL_ATTACKS.some(only) ? await tryOn(stage, { only, enough }) : NONE;
        const name = firstDifferent(found, outcomes);
        if (name !== undefined) {
          return noticed(first(found), name);
        }
      }
      return undefined;
    },
    async explained(mutant, some) {
      const found = await explainedOn(target, {
        about: EXPLAINING.find((one) => one === mutant?.object),
        only: some,
        enough: (name, answer) => answer !== explanations.get(name),
      });
      const name = firstDifferent(found, explanations);
      return name === undefined ? undefined : noticed(`${name}: another answer`, name);
    },
  };

  async function differs(world: World, mutant: Mutant | undefined): Promise<string | undefined> {
    await loadWorld(migrator as pg.Client, world);
    const found: string[] = [];
    const table = mutant?.table;
    const only = table === undefined ? undefined : (move: Move) => concerns(move, table);
    const judgeSome = (some: readonly Observation[]) => {
      found.push(
        ...differences(world, some).map(({ name, model, database }) => `${name}: ${database}, not ${model}`),
      );
      return found.length > 0;
    };
    await observe(runtime as pg.Client, KEY, world, { only, enough: judgeSome });
    return found[0];
  }

  return {
    async judge(mutant, { turn, clue }) {
      const usual = order.get(mutant.object) ?? [...usualOrder(mutant)];
      order.set(mutant.object, usual);
      const ask = async (by: Witness, some?: ReadonlySet<string>): Promise<Verdict | undefined> => {
        await places[by].query(mutant.apply);
        try {
          const found = await witnesses[by](mutant, some).catch(refusal);
          if (found === undefined) {
            return undefined;
          }
          toFront(usual, by);
          const told = { by, with: found.with };
          addHint(hints, mutant.object, told);
          return { mutant: mutant.name, by, what: found.what, clue: told };
        } finally {
          await places[by].query(mutant.undo);
        }
      };
      if (turn === undefined) {
        // who noticed this one the last time; then whoever noticed another fault of the same object; then all
        const known = hints.get(mutant.object) ?? {};
        const likely = [
          ...(clue === undefined ? [] : [[clue.by, namesOf(clue)] as const]),
          ...WITNESSES.flatMap((by) => (known[by] === undefined ? [] : [[by, known[by]] as const])),
        ];
        for (const [by, some] of likely) {
          const verdict = await ask(by, some);
          if (verdict !== undefined) {
            return verdict;
          }
        }
      }
      for (const by of turn ?? [...usual]) {
        const verdict = await ask(by);
        if (verdict !== undefined) {
          return verdict;
        }
      }
      return { mutant: mutant.name, by: undefined, what: '' };
    },
    async healthy() {
      const wrong: string[] = [];
      for (const by of WITNESSES) {
        const found = await witnesses[by]();
        if (found !== undefined) {
          wrong.push(`${by}: ${found.what}`);
        }
      }
      return wrong;
    },
    async end() {
      await stage.leave();
      await Promise.all([...admins, migrator, runtime, voices].map((client) => client.end()));
      await Promise.all([cast, target, scene].map((database) => database.drop()));
    },
  };
}

/** For a policy the probe of its table is quickest; a function concerns everything, and first of all the attacks. */
const usualOrder = ({ table, object }: Mutant): readonly Witness[] =>
  EXPLAINING.some((one) => one === object)
    ? ['explained', 'attacks']
    : table === undefined
      ? ['attacks', 'access', 'model']
      : ['access', 'model', 'attacks'];

/** An answer of the database where none was expected is a difference too; anything else is a fault of the instrument. */
function refusal(error: unknown): Noticed {
  const { code } = error as { code?: string };
  if (code === undefined) {
    throw error;
  }
  return { what: `SQLSTATE ${code}`, with: '' };
}

const noticed = (what: string | undefined, by = ''): Noticed | undefined =>
  what === undefined ? undefined : { what, with: by };

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

/** Whether a policy of that table can have a say in a move. */
function concerns(move: Move, table: string): boolean {
  return 'table' in move ? move.table === table : move.verb === 'grant' && table === 'delegations';
}

function firstDifference(
  found: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): string | undefined {
  const key = firstDifferent(found, expected);
  return key === undefined ? undefined : `${key}: ${found.get(key)}, not ${expected.get(key)}`;
}

function firstDifferent(
  found: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): string | undefined {
  return [...found.keys()].find((key) => found.get(key) !== expected.get(key));
}

function toFront<Item>(list: Item[], item: Item): void {
  list.splice(list.indexOf(item), 1);
  list.unshift(item);
}
