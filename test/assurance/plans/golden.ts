// The plans as they were when somebody last looked at them, as text to read and to compare: golden/<what>.txt. Plans
// that are the same for several askers, and statements that are the same for several operations, stand there once.
//
// The contract decides whether a plan is good; these files say what it was. On the version of PostgreSQL on which they were
// recorded, a plan that reads other indexes, sorts, or asks for the context differently is a change that somebody must have
// seen: `PLANS=write npx vitest run --config vitest.assure.config.ts test/assurance/plans/plans.long.test.ts` records anew.
// Joins and their order are PostgreSQL's own affair, and so is everything on its other versions.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Observed } from './explain.ts';
import { type Indexes, printPlan } from './plan.ts';

const FOLDER = fileURLToPath(new URL('golden/', import.meta.url));

export type Golden = {
  /** Major version of PostgreSQL on which the plans were recorded. */
  readonly version: number;
  /** By `labelOf`. */
  readonly plans: ReadonlyMap<string, string>;
};

const statementOf = ({ asked, place }: Observed) => `${asked.name}, statement ${place}`;
const askerOf = ({ asked, mode }: Observed) => `${asked.who}, ${mode}`;

/** What a plan is the plan of. */
export const labelOf = (observed: Observed): string => `${statementOf(observed)}: ${askerOf(observed)}`;

/** What reading the keys of holders is called, whichever operation needs them; it keeps the contract and is recorded nowhere. */
export const KEY_READS = 'keys of holders';

/** Whether there is anything to see: a call of a kernel function has no plan to speak of. */
export const isWorthIt = ({ asked, plan }: Observed): boolean =>
  asked.name !== KEY_READS && (plan.kind !== 'Result' || plan.children.length > 0);

/** The lines of a plan that somebody must have seen: what is read by which index, what is sorted, what is asked how. */
export function essence(plan: string): string[] {
  return (
    plan
      .split('\n')
      // of tenants every key finds the one row, and which of them is taken is nobody's concern
      .map((line) => line.trim().replace(/^Index (Only )?Scan tenants .*/, 'Index Scan tenants'))
      // what a baseline was found to be depends on the hour at which the log was filled
      .map((line) => line.replaceAll(/\[\{.*?\}\]::jsonb/g, '[]::jsonb'))
      .filter((line) => /^once:|Scan|Sort|SubPlan|Insert|Update|Delete/.test(line))
      .sort()
  );
}

export function writeGolden(observed: readonly Observed[], indexes: Indexes, version: number): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  for (const [file, those] of Map.groupBy(observed.filter(isWorthIt), fileOf)) {
    const statements = [...Map.groupBy(those, statementOf)].map(([name, plans]) => {
      const shapes = Map.groupBy(plans, ({ plan }) => printPlan(plan, indexes).join('\n'));
      return {
        name,
        body: [...shapes].map(([shape, same]) => `-- ${same.map(askerOf).join('; ')}\n${shape}\n`).join(''),
      };
    });
    const text = [...Map.groupBy(statements, ({ body }) => body)].map(
      ([body, same]) => `${same.map(({ name }) => `== ${name}\n`).join('')}${body}`,
    );
    writeFileSync(`${FOLDER}${file}.txt`, `PostgreSQL ${version}\n\n${text.join('\n')}`);
  }
}

export function readGolden(): Golden {
  const plans = new Map<string, string>();
  let version = 0;
  for (const file of readdirSync(FOLDER)) {
    let statements: string[] = [];
    let askers: string[] = [];
    let lines: string[] = [];
    const finish = () => {
      for (const label of statements.flatMap((name) => askers.map((asker) => `${name}: ${asker}`))) {
        plans.set(label, lines.join('\n'));
      }
      askers = [];
      lines = [];
    };
    for (const line of readFileSync(`${FOLDER}${file}`, 'utf8').split('\n')) {
      if (line.startsWith('PostgreSQL ')) {
        version = Number(line.slice('PostgreSQL '.length));
      } else if (line === '' || line.startsWith('== ') || line.startsWith('-- ')) {
        finish();
        if (line === '') {
          statements = [];
        } else if (line.startsWith('== ')) {
          statements.push(line.slice(3));
        }
        askers = line.startsWith('-- ') ? line.slice(3).split('; ') : [];
      } else {
        lines.push(line);
      }
    }
    finish();
  }
  return { version, plans };
}

/** Which file tells of an operation. */
function fileOf({ asked }: Observed): string {
  return asked.text.startsWith('mutation')
    ? 'mutations'
    : /^[A-Z]\w*\./.test(asked.name)
      ? 'nested'
      : (/^(accessReceipts|activity|agents|approvals|compareToBaseline|credentials|delegations|members|memories|permissions|searchMemories|serviceCredentials|sharedMemories|worlds)/.exec(
          asked.name,
        )?.[0] ?? 'rows');
}
