// The two kinds of policies on an adopter's table, and the steps between them: shadow, which lets everything pass and counts what strict
// would hide, and strict, which hides it. Each step is one short transaction, in both directions.
//
// The strict condition is written once and stands in both.

import type { Kept } from './declaration.ts';
import { type Adopting, PHASES, type PhaseName, readTable, type TableState } from './installation.ts';
import { AdoptionError } from './kernel.ts';
import { ADDED, literal, quoted, ROLES, SCHEMAS } from './names.ts';
import { runStep } from './steps.ts';

const VERBS = { select: 'read', insert: 'create', update: 'update', delete: 'delete' } as const;
type Command = keyof typeof VERBS;
const COMMANDS = Object.keys(VERBS) as Command[];
const STATE = SCHEMAS.state;

/** Whoever keeps owners in step sees every row, in both phases. */
const keeps = (table: string) =>
  `create policy bailiwick_keeps on ${table} for all to ${ROLES.adopter} using (true) with check (true)`;

/** What strict lets pass. Its functions are the kernel's, or their stand-ins for roles that may not ask the kernel. */
function condition({ kind, world }: Kept, verb: string, asked: 'kernel' | 'state'): string {
  const [owner, tenant, limit] =
    asked === 'kernel'
      ? [`${SCHEMAS.kernel}.owner`, `${SCHEMAS.kernel}.tenant_id()`, `${SCHEMAS.kernel}.world_limit()`]
      : [`${STATE}.strict_owner`, `${STATE}.strict_tenant()`, `${STATE}.strict_world()`];
  return [
    `${ADDED.tenant} = (select ${tenant})`,
    `${ADDED.owner} = (select ${owner}(${literal(kind)}, ${literal(verb)}))`,
    ...(world === undefined
      ? []
      : [`coalesce(${ADDED.world} = (select ${limit}), (select ${limit}) is null)`]),
  ].join(' and ');
}

/**
 * Counts a row under a name, and lets it pass; of the first five the keys are remembered. An expression of core functions: a call of one of
 * ours for every row would cost several times as much.
 */
function counted(name: string, identity: string): string {
  const setting = literal(`${STATE}.n_${name}`);
  return `case when set_config(${setting}, (current_setting(${setting})::int8 + 1)::text, false)::int8 <= 5
    then ${STATE}.sample(${literal(name)}, ${identity}) else true end`;
}

/** What strict lets a context do, as a condition over a row. */
export const strictCondition = (kept: Kept, verb: string): string => condition(kept, verb, 'kernel');

/** Policies that count and hide nothing: by the part of the strict condition that a row fails, the gravest first. */
export function shadowPolicies(table: string, { number, kept, key }: TableState): string[] {
  const identity = key.map((column) => `${quoted(column)}::text`).join(` || ' ' || `);
  const looking = (verb: string, besides = '') => {
    const as = (clause: string) => counted(`${number}_${verb}_${clause}`, identity);
    const outside =
      kept.world === undefined
        ? ''
        : `when ${ADDED.world} is distinct from (select ${STATE}.strict_world()) and (select ${STATE}.strict_world()) is not null then ${as('world')}`;
    return `(${condition(kept, verb, 'state')}) is true or case
      when not (select ${STATE}.watch(${number}, ${literal(verb)})) then ${besides}${as('context')}
      when ${ADDED.owner} is null then ${as('unowned')}
      when ${ADDED.tenant} is distinct from (select ${STATE}.strict_tenant()) then ${as('tenant')}
      when ${ADDED.owner} is distinct from (select ${STATE}.strict_holder()) then ${as('owner')}
      ${outside}
      else ${as('capability')} end`;
  };
  return [
    ...COMMANDS.map((command) => {
      const verb = VERBS[command];
      const using = command === 'insert' ? '' : ` using (${looking(verb)})`;
      // without a context, what is changed was counted already where it was read
      const check =
        command === 'insert'
          ? ` with check (${looking(verb)})`
          : command === 'update'
            ? ` with check (${looking(verb, 'true or ')})`
            : '';
      return `create policy bailiwick_shadow_${command} on ${table} for ${command} to public${using}${check}`;
    }),
    keeps(table),
  ];
}

/** Policies that hide. Whoever opens sessions has them; everybody else has none, and sees nothing. */
export function strictPolicies(table: string, { kept }: TableState): string[] {
  return [
    `create policy bailiwick_tenant on ${table} as restrictive for all to ${ROLES.runtime}
       using (${ADDED.tenant} = (select ${SCHEMAS.kernel}.tenant_id()))`,
    ...COMMANDS.map((command) => {
      const allowed = condition(kept, VERBS[command], 'kernel');
      return `create policy bailiwick_strict_${command} on ${table} for ${command} to ${ROLES.runtime} ${
        command === 'insert' ? `with check (${allowed})` : `using (${allowed})`
      }`;
    }),
    keeps(table),
  ];
}

const NAMES = [
  ...COMMANDS.flatMap((command) => [`bailiwick_shadow_${command}`, `bailiwick_strict_${command}`]),
  'bailiwick_tenant',
  'bailiwick_keeps',
];
const without = (table: string) => NAMES.map((name) => `drop policy if exists ${name} on ${table}`);

/** What makes a phase of the one beside it: `owned` has no policies, and row security as it was, which is not at all. */
function statements(table: string, state: TableState, phase: 'owned' | 'shadow' | 'strict'): string {
  const on = `alter table ${table} enable row level security; alter table ${table} force row level security`;
  const off = `alter table ${table} disable row level security; alter table ${table} no force row level security`;
  return {
    owned: [...without(table), off],
    shadow: [...without(table), ...shadowPolicies(table, state), on],
    strict: [...without(table), ...strictPolicies(table, state), on],
  }[phase].join(';\n');
}

/**
 * Takes a table to the phase beside its own.
 *
 * @throws {AdoptionError} where it is elsewhere, or has row security of its own.
 */
export async function changePhase(
  adopting: Adopting,
  name: string,
  to: 'owned' | 'shadow' | 'strict',
): Promise<void> {
  const { client, expressions } = adopting;
  const state = await readTable(client, name);
  if (Math.abs(PHASES.indexOf(state.phase) - PHASES.indexOf(to)) !== 1) {
    throw new AdoptionError(`${name} is ${wordsOf(state.phase)}, which is not beside ${wordsOf(to)}`);
  }
  const of = expressions.table(name);
  const own = of.policies.filter((policy) => !NAMES.includes(policy));
  const forward = PHASES.indexOf(to) > PHASES.indexOf(state.phase);
  if (forward && (own.length > 0 || (of.rowSecurity && state.phase === 'owned'))) {
    throw new AdoptionError(
      `${name} has row security of its own${own.length > 0 ? `: ${own.join(', ')}` : ''}. Policies add up, so drop it first`,
    );
  }
  const table = expressions.name(name);
  await runStep(adopting, { table: name, phase: to, step: `from ${state.phase} to ${to}` }, async () => {
    await client.query(statements(table, state, to));
    await client.query(`delete from ${STATE}.looking where number = $1`, [state.number]);
    if (to === 'shadow') {
      await client.query(`insert into ${STATE}.looking (number) values ($1)`, [state.number]);
    }
    await client.query(`update ${STATE}.tables set phase = $2, since = clock_timestamp() where name = $1`, [
      name,
      to,
    ]);
    await client.query(`select ${STATE}.open_to_all()`);
  });
}

export const wordsOf = (phase: PhaseName): string => (phase === 'none' ? 'not adopted' : phase);
