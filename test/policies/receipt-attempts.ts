// What every voice tries with receipts of what agents have read: its block of ACCESS.txt, and leaving some.
//
// Data, no assertions: what came of it is printed and compared elsewhere (matrix.ts, test/assurance/mutation).

import { ACTORS, AGENTS, id, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { memoryOf } from './arrangement.ts';
import type { Block, Statement } from './attempts.ts';
import { RECEIPTS } from './receipts.ts';
import { agentOf } from './voices.ts';

const NEW = id<string>(9, '1');
const said = {
  ...{ operation: 'memories', kind: 'Memory' },
  delegation_id: DELEGATIONS.scout.id,
  request_id: id<string>(7, 'a44a96e'),
};

export const RECEIPT_BLOCKS: readonly Block[] = [
  {
    table: 'access_receipts',
    key: 'id',
    set: 'times = 1',
    relations: ['own', 'owner', 'foreign', 'other'],
    row: (who, relation, voice) => {
      const agent = agentOf(who, relation, voice);
      return agent && RECEIPTS[agent];
    },
    make: (who, relation, voice) => {
      const agent = agentOf(who, relation, voice);
      const at = new Date();
      return (
        agent && {
          ...{ ...said, id: NEW, owner_id: ACTORS[who].id, agent_id: AGENTS[agent].id, row_id: NEW },
          ...{ day: at, times: 1, first_at: at, last_at: at },
        }
      );
    },
  },
];

type Attempt = (table: string | undefined, name: string, statement: Statement) => void;

/** What comes of leaving receipts, and of throwing some away: the kernel does it under the policies of the table. */
export function leaving(attempt: Attempt): void {
  const read = { ...said, tenant_id: TENANTS.acme.id, owner_id: USERS.alice.id, agent_id: AGENTS.scout.id };
  const memory = { ...read, row_id: memoryOf('alice') };
  for (const [what, list] of Object.entries({
    'of nothing': [],
    'of a memory': [memory],
    'of a memory that was read twice': [memory, memory],
    'of an agent that there is not': [{ ...memory, agent_id: NEW }],
    'of nobody': [{ ...memory, kind: 'Thing', owner_id: null }],
  })) {
    attempt('access_receipts', `leaving receipts ${what}`, {
      text: 'select bailiwick.leave_receipts($1) is not null',
      values: [JSON.stringify(list)],
    });
  }
  attempt('access_receipts', 'what of receipts expires', {
    text: 'select bailiwick.expire_activity(100)',
    values: [],
  });
}
