// A scratch place for mutants: one database with the cast, one for random worlds, and the three who may notice a fault in
// them. Several lanes work side by side; each mutant is made in one lane and taken back there.

import pg from 'pg';
import { sampleWorlds } from '../../../src/assurance/generate.ts';
import { loadWorld, prepareForWorlds } from '../../../src/assurance/load.ts';
import type { Move } from '../../../src/assurance/moves.ts';
import { type Observation, observe } from '../../../src/assurance/observe.ts';
import type { World } from '../../../src/assurance/world.ts';
import { seedCast } from '../../../src/demo/seed.ts';
import { ISSUER, KEY, migrate, trustTickets } from '../../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { arrange } from '../../policies/arrangement.ts';
import { type Findings, probe } from '../../policies/probe.ts';
import { SQL_ATTACKS, tryAttacks } from '../attacks/sql.ts';
import type { SqlAttack } from '../attacks/stage.ts';
import { differences } from '../model/expect.ts';
import type { Mutant } from './mutants.ts';

/** Who may notice: the probe that prints ACCESS.txt, the model in random worlds, the attacks in raw SQL. */
export const WITNESSES = ['access', 'model', 'attacks'] as const;
export type Witness = (typeof WITNESSES)[number];

/** Who noticed a mutant first, and by what. */
export type Verdict = { readonly mutant: string; readonly by: Witness | undefined; readonly what: string };

export type Lane = {
  /** Makes a mutant, asks the witnesses in their turn until one notices, and takes it back. */
  judge(mutant: Mutant): Promise<Verdict>;
  /** What the witnesses notice when nothing is wrong: nothing. */
  healthy(): Promise<string[]>;
  end(): Promise<void>;
};

const WORLDS = 12;
const SEED = 20261121;

/** A mutant can make a recursion endless; that ends here, and counts as noticed. */
const patience = (database: TestDatabase): TestDatabase => {
  const url = new URL(database.runtimeUrl);
  url.searchParams.set('options', '-c statement_timeout=3000');
  return { ...database, runtimeUrl: url.href };
};

export async function openLane(): Promise<Lane> {
  const cast = patience(await createTestDatabase());
  const scene = patience(await createTestDatabase());
  await seedCast(cast.migratorUrl, { issuer: ISSUER });
  await migrate(cast, arrange);
  await trustTickets(scene);
  const [castAdmin, sceneAdmin, migrator, runtime] = await Promise.all(
    [cast.adminUrl, scene.adminUrl, scene.migratorUrl, scene.runtimeUrl].map(connect),
  );
  if (!castAdmin || !sceneAdmin || !migrator || !runtime) {
    throw new TypeError('a connection is missing');
  }
  await prepareForWorlds(migrator);
  const answers = await probe(cast);
  const outcomes = await tryAttacks(cast);
  // those that noticed something come first the next time
  const worlds = sampleWorlds(SEED, WORLDS);
  const order = new Map<string, Witness[]>();
  const telling = new Set<string>();

  const witnesses: Record<Witness, (mutant?: Mutant) => Promise<string | undefined>> = {
    async access(mutant) {
      const first = (found: Findings) => firstDifference(found, answers);
      const found = await probe(cast, { only: mutant?.table, enough: (some) => first(some) !== undefined });
      return first(found);
    },
    async model(mutant) {
      for (const world of worlds) {
        const noticed = await differs(world, mutant);
        if (noticed !== undefined) {
          toFront(worlds, world);
          return noticed;
        }
      }
      return undefined;
    },
    async attacks(mutant) {
      const first = (found: ReadonlyMap<string, string>) => firstDifference(found, outcomes);
      const enough = (found: ReadonlyMap<string, string>) => first(found) !== undefined;
      const fits = ({ group }: SqlAttack) => mutant?.table === undefined || group === 'row security';
      // what noticed something before is the likeliest to notice again
      for (const again of [true, false]) {
        const only = (attack: SqlAttack) => fits(attack) && telling.has(attack.name) === again;
        const found = SQL_ATTACKS.some(only) ? await tryAttacks(cast, { only, enough }) : new Map();
        const noticed = firstDifferent(found, outcomes);
        if (noticed !== undefined) {
          telling.add(noticed);
          return first(found);
        }
      }
      return undefined;
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
    async judge(mutant) {
      const turn =
        order.get(mutant.object) ??
        (mutant.table === undefined ? ['attacks', 'access', 'model'] : [...WITNESSES]);
      order.set(mutant.object, turn);
      await Promise.all([castAdmin.query(mutant.apply), sceneAdmin.query(mutant.apply)]);
      try {
        for (const by of [...turn]) {
          const what = await witnesses[by](mutant).catch((error: unknown) => {
            const { code } = error as { code?: string };
            if (code === undefined) {
              throw error;
            }
            return `SQLSTATE ${code}`;
          });
          if (what !== undefined) {
            toFront(turn, by);
            return { mutant: mutant.name, by, what };
          }
        }
        return { mutant: mutant.name, by: undefined, what: '' };
      } finally {
        await Promise.all([castAdmin.query(mutant.undo), sceneAdmin.query(mutant.undo)]);
      }
    },
    async healthy() {
      const noticed: string[] = [];
      for (const by of WITNESSES) {
        const what = await witnesses[by]();
        if (what !== undefined) {
          noticed.push(`${by}: ${what}`);
        }
      }
      return noticed;
    },
    async end() {
      await Promise.all([castAdmin, sceneAdmin, migrator, runtime].map((client) => client.end()));
      await Promise.all([cast.drop(), scene.drop()]);
    },
  };
}

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
