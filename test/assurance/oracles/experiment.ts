// The experiment: the same battery in every state of the hidden rows. The same words must get the same answer; where they
// do not, the answer is about rows out of sight.

import { type Database, migrate } from '../../kit/as.ts';
import { arrange } from '../../policies/arrangement.ts';
import { ask } from './ask.ts';
import { type Attacker, attacker } from './attackers.ts';
import { battery, type Extent } from './battery.ts';
import { type Catalog, readCatalog } from './catalog.ts';
import { arrangeShed, type Hidden, readHidden, STATES, type State } from './hidden.ts';
import type { Attempt } from './statements.ts';
import { type Breaking, breakingChecks } from './values.ts';

/** One attempt of one attacker, answered in each state. */
export type Tried = Attempt & {
  readonly attacker: string;
  readonly answers: Readonly<Partial<Record<State, string>>>;
};

export type Stage = {
  readonly database: Database;
  readonly catalog: Catalog;
  readonly hidden: readonly Hidden[];
  readonly breaking: Breaking;
};

/** Lays out what attackers have of their own; once for a database. */
export async function prepare(database: Database): Promise<void> {
  await migrate(database, async (sql) => {
    await arrange(sql);
    await arrangeShed(sql);
  });
}

/** Reads what there is to be tried. Again after a change to the tables. */
export function look(database: Database): Promise<Stage> {
  return migrate(database, async (sql) => {
    const catalog = await readCatalog(sql);
    const hidden = await readHidden(sql, catalog);
    return { database, catalog, hidden, breaking: await breakingChecks(sql, catalog, hidden) };
  });
}

export type Plan = Extent & {
  readonly attackers: readonly string[];
  readonly states: readonly State[];
  /** Every hidden row and every kind of condition; else one of each. */
  readonly thorough?: boolean;
};

/** Tries everything that the plan says, in the state in which nothing is hidden first. */
export async function experiment(stage: Stage, plan: Plan): Promise<Tried[]> {
  const { database, catalog, hidden, breaking } = stage;
  const sides: { attacker: Attacker; attempts: Attempt[]; answers: Map<State, string[]> }[] = [];
  for (const name of plan.attackers) {
    const one = await attacker(database, catalog, hidden, name, plan.thorough ?? false);
    sides.push({
      attacker: one,
      attempts: distinct(battery(catalog, breaking, one, plan)),
      answers: new Map(),
    });
  }
  for (const state of ['absent', ...plan.states] as const) {
    await STATES[state](database, async () => {
      for (const { attacker: one, attempts, answers } of sides) {
        answers.set(state, await ask(database, one, attempts));
      }
    });
  }
  return sides.flatMap(({ attacker: { voice }, attempts, answers }) =>
    [...attempts, NOTICES].map((attempt, i) => ({
      ...attempt,
      attacker: voice.name,
      answers: Object.fromEntries([...answers].map(([state, list]) => [state, list[i]])),
    })),
  );
}

const NOTICES: Attempt = { about: 'notices', how: 'all of them', text: '', values: [] };

/** The same words about the same thing once. */
function distinct(attempts: Iterable<Attempt>): Attempt[] {
  return [
    ...new Map([...attempts].map((one) => [JSON.stringify([one.about, one.text, one.values]), one])).values(),
  ];
}

/** The states in which an attempt is answered differently from when the rows do not exist. */
export function telling({ answers, unseen }: Tried): State[] {
  const different = (Object.keys(answers) as State[]).filter((state) => answers[state] !== answers.absent);
  return unseen === undefined
    ? different
    : different.filter((state) => unseen.some((id) => answers[state]?.includes(id)));
}
