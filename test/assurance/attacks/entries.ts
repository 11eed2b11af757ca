// Entries of the log of what agents did, for cases to start from and to try: one made as no policy would refuse it, one that an agent
// writes, and what is asked of them. No cases here.

import { AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { newId } from '../../../src/ids.ts';
import { type Given, UPPER } from './hops.ts';
import { LETTER } from './requested.ts';
import { type Step, step } from './stage.ts';
import { timelyId } from './timely.ts';
import { unchecked } from './worlds.ts';

export const ENTRY = timelyId();

type Done = {
  readonly agent: string;
  readonly chain: readonly string[];
  readonly outcome: string;
};

/** An entry of alice's log: of scout's through the upper hop, begun just now, unless something else is said. */
export const done =
  (id: string, more: Partial<Done> = {}): Given =>
  (sql) => {
    const { agent, chain, outcome } = { agent: AGENTS.scout.id, chain: [UPPER], outcome: 'started', ...more };
    return unchecked(
      `insert into activity_entries (tenant_id, id, owner_id, agent_id, service, action, outcome, chain, created_by, delegation_id, request_id)
       values ($1, $2, $3, $4, 'shop', 'orders.place', $5, $6, $4, $7, $2)`,
      ...[TENANTS.acme.id, id, USERS.alice.id, agent, outcome, chain, chain.at(-1)],
    )(sql);
  };

/** Writes an entry as scout does through the upper hop, or with something changed; `id`: as an expression, where it is none given. */
export function noted(
  expect: string | number,
  row: Readonly<Record<string, unknown>> = {},
  id?: string,
  rest = '',
): Step {
  const given = {
    ...{ tenant_id: TENANTS.acme.id, owner_id: USERS.alice.id, agent_id: AGENTS.scout.id, chain: [UPPER] },
    ...{ service: 'shop', action: 'orders.place', outcome: 'succeeded' },
    ...(id === undefined && { id: FRESH }),
    ...row,
  };
  const names = Object.keys(given);
  const cells = names.map((_, n) => `$${n + 1}`);
  return step(
    `insert into activity_entries (${[...names, ...(id === undefined ? [] : ['id'])].join(', ')})
     values (${[...cells, ...(id === undefined ? [] : [id])].join(', ')}) ${rest}`,
    expect,
    // an id is of now when it is sent, however long ago this was written down
    () => Object.values(given).map((value) => (value === FRESH ? newId() : value)),
  );
}
const FRESH = Symbol('an id of now');

/** How many entries are seen. */
export const entriesOf = (count: number): Step => step('select from activity_entries', count);

/** Whether an approval may be named in an entry about what it was for. */
export const redeemedOf = (is: boolean, approval: string): Step =>
  step('select bailiwick.redeemed($1, $2, $3)', String(is), [approval, LETTER.service, LETTER.action]);
