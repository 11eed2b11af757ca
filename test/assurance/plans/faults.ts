// What would spoil plans, each a change that could come with a pull request and that no test of rows would notice: a lost
// index, a policy that asks for every row, one in a form that loses the order. Data for plans.long.test.ts, which puts each into
// the database, within a transaction that is rolled back, and looks for the rule that finds it.

import type { Rule } from './contract.ts';

export type Fault = {
  readonly what: string;
  /** SQL of the migrator. */
  readonly sql: string;
  /** Of the big owner. */
  readonly operation: string;
  readonly rule: Rule;
};

const policy = (name: string, condition: string, table = 'memories') =>
  `alter policy ${name} on public.${table} ${condition}`;

export const FAULTS: readonly Fault[] = [
  {
    what: 'the index of owner and id is gone',
    sql: 'drop index public.memories_tenant_id_owner_id_id_idx',
    operation: 'memories by CREATED DESC',
    rule: 'index',
  },
  {
    what: 'a policy asks for the context by a bare call',
    sql: policy('select_own', "using (owner_id = bailiwick.owner('memory', 'read'))"),
    operation: 'memories by CREATED DESC',
    rule: 'context',
  },
  {
    what: 'a policy for new rows asks by a bare call',
    sql: policy('insert_own', "with check (owner_id = bailiwick.owner('memory', 'create'))"),
    operation: 'CreateMemory',
    rule: 'context',
  },
  {
    what: 'a policy looks something up for every row',
    sql: policy(
      'select_own',
      'using (owner_id = (select e.owner_id from public.entities e where e.tenant_id = memories.tenant_id and e.id = memories.owner_id))',
    ),
    operation: 'memories by CREATED DESC',
    rule: 'row',
  },
  {
    what: 'a kernel function has lost the index by which it finds what an agent holds',
    sql: 'drop index public.delegations_tenant_id_delegate_id_id_idx',
    operation: 'RevokeAgent',
    rule: 'hidden',
  },
  {
    what: 'a policy is thought to let hardly any row pass',
    sql: policy(
      'world_limit',
      'using (world_id is not distinct from coalesce((select bailiwick.world_limit()), world_id))',
    ),
    operation: 'memories by CREATED DESC',
    rule: 'order',
  },
];
