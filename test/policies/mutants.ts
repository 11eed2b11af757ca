// Faults to put into policies, one at a time: a policy that is missing, one that lets everything pass, one that has
// forgotten a single condition. Read from the catalog, so that a new policy is mutated without anybody remembering to.
//
// A mutant knows how to come and how to go. Whether somebody notices is not its business.

import type { Sql } from '../kit/as.ts';

export type Mutant = {
  readonly name: string;
  readonly table: string;
  /** Whether the policy is one of the kernel's, on which every table depends. */
  readonly kernel: boolean;
  readonly apply: string;
  readonly undo: string;
};

type Policy = {
  readonly name: string;
  readonly table: string;
  readonly command: string;
  readonly permissive: boolean;
  readonly role: string;
  readonly using: string | null;
  readonly check: string | null;
};

const POLICIES = `
  select p.polname as name, c.relname as "table", p.polpermissive as permissive,
         case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end as command,
         array_to_string(p.polroles::regrole[], ', ') as role,
         pg_get_expr(p.polqual, p.polrelid) as "using", pg_get_expr(p.polwithcheck, p.polrelid) as "check"
    from pg_policy p join pg_class c on c.oid = p.polrelid
   where c.relnamespace = 'public'::regnamespace
   order by c.relname, p.polname`;

/** Every fault there is to be made in the policies of a database. */
export async function readMutants(sql: Sql): Promise<Mutant[]> {
  return (await sql.rows<Policy>(POLICIES)).flatMap((policy) => [
    dropped(policy),
    // without its condition a restrictive policy is as good as dropped
    ...(policy.permissive ? weakened(policy) : []),
    ...forgetful(policy),
  ]);
}

function dropped(policy: Policy): Mutant {
  return {
    ...common(policy, 'dropped'),
    apply: `drop policy ${policy.name} on public.${policy.table}`,
    undo: `create policy ${policy.name} on public.${policy.table} as ${policy.permissive ? 'permissive' : 'restrictive'}
      for ${policy.command} to ${policy.role} ${conditions(policy)}`,
  };
}

function weakened(policy: Policy): Mutant[] {
  const open = { using: policy.using && 'true', check: policy.check && 'true' };
  const already = [policy.using, policy.check].every(
    (condition) => condition === null || condition === 'true',
  );
  return already ? [] : [altered(policy, 'lets everything pass', { ...policy, ...open })];
}

/** One mutant for each condition of a conjunction that is forgotten. */
function forgetful(policy: Policy): Mutant[] {
  return (['using', 'check'] as const).flatMap((clause) => {
    const conjuncts = split(policy[clause] ?? '');
    const several = conjuncts.length > 1;
    return (several ? conjuncts : []).map((forgotten) =>
      altered(policy, `forgets ${clause} ${plain(forgotten)}`, {
        ...policy,
        [clause]: conjuncts.filter((conjunct) => conjunct !== forgotten).join(' and '),
      }),
    );
  });
}

function altered(policy: Policy, what: string, fault: Policy): Mutant {
  const alter = `alter policy ${policy.name} on public.${policy.table} `;
  return { ...common(policy, what), apply: alter + conditions(fault), undo: alter + conditions(policy) };
}

function common({ name, table, role }: Policy, what: string): Pick<Mutant, 'name' | 'table' | 'kernel'> {
  return { name: `${table}.${name} ${what}`, table, kernel: role === 'bailiwick_kernel' };
}

function conditions({ using, check }: Pick<Policy, 'using' | 'check'>): string {
  return `${using === null ? '' : `using (${using})`} ${check === null ? '' : `with check (${check})`}`;
}

/** A condition without what PostgreSQL adds when it prints one. */
function plain(condition: string): string {
  return condition
    .replaceAll('::text', '')
    .replaceAll(/ AS \w+/g, '')
    .replaceAll(/^\(|\)$/g, '');
}

/** The parts of a conjunction as PostgreSQL prints it, ((a) AND (b)); anything else is one part. */
function split(condition: string): string[] {
  if (!condition.startsWith('((')) {
    return [condition];
  }
  const parts: string[] = [];
  let depth = 0;
  let start = 1;
  for (let at = 1; at < condition.length - 1; at += 1) {
    depth += { '(': 1, ')': -1 }[condition[at] ?? ''] ?? 0;
    if (depth === 0 && condition.startsWith(' OR ', at)) {
      return [condition];
    }
    if (depth === 0 && condition.startsWith(' AND ', at)) {
      parts.push(condition.slice(start, at));
      start = at + ' AND '.length;
    }
  }
  return [...parts, condition.slice(start, -1)];
}
