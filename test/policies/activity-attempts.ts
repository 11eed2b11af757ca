// What every voice tries with the log of what agents did: its block of ACCESS.txt, and entries that are not what they say.
//
// Data, no assertions: what came of it is printed and compared elsewhere (matrix.ts, test/assurance/mutation).

import { AGENTS, type AgentName, id, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { DONE } from './activity.ts';
import { insertion, Said } from './arrangement.ts';
import type { Block, Statement } from './attempts.ts';
import { REQUESTS } from './permissions.ts';
import { agentOf } from './voices.ts';

const acme = TENANTS.acme.id;
const REQUEST = id<string>(7, 'a44a96e');

/** An entry as an agent may add it. Its id says when, so that every attempt has one of its own. */
const entry = (agent: AgentName) => ({
  ...{ id: newId(), service: 'desk', action: 'files.write', outcome: 'succeeded' },
  owner_id: USERS[AGENTS[agent].owner].id,
  agent_id: AGENTS[agent].id,
  chain: new Said('bailiwick.delegation_chain()'),
});

export const ACTIVITY_BLOCKS: readonly Block[] = [
  {
    table: 'activity_entries',
    key: 'id',
    set: "summary = 'Changed'",
    relations: ['own', 'owner', 'foreign', 'other'],
    row: (who, relation, voice) => {
      const agent = agentOf(who, relation, voice);
      return agent && DONE[agent];
    },
    make: (who, relation, voice) => {
      const agent = agentOf(who, relation, voice);
      return agent && entry(agent);
    },
  },
];

type Attempt = (table: string | undefined, name: string, statement: Statement) => void;

/** What the probe asks about entries that are not what they say. */
export function logging(attempt: Attempt): void {
  for (const agent of ['scout', 'late', 'rogue'] as const) {
    const add = (name: string, row: Readonly<Record<string, unknown>>) =>
      attempt(
        'activity_entries',
        `${agent}'s, ${name}`,
        insertion('activity_entries', { tenant_id: acme, ...entry(agent), ...row }),
      );
    add('as it should be', {});
    add('in the twin tenant', { tenant_id: TENANTS.globex.id });
    add('of another owner', { owner_id: USERS.bob.id });
    add('of another agent', { agent_id: AGENTS.scribe.id });
    add('made by somebody else', { created_by: USERS.alice.id });
    add('made in another request', { request_id: REQUEST });
    add('made through another delegation', { delegation_id: DELEGATIONS.scoutInGarden.id });
    add('through another chain', { chain: [DELEGATIONS.scoutInGarden.id] });
    add('of long ago', { id: id<string>(13, '1') });
    add('of the future', { id: 'fff00000-0000-7000-8000-000000000001' });
    for (const outcome of ['started', 'failed', 'allowed', 'asked', 'denied']) {
      add(`that it ${outcome}`, { outcome });
    }
    for (const [state, { id: approval_id, service, action }] of Object.entries(
      REQUESTS as Readonly<Record<string, { id: string; service?: string; action?: string }>>,
    )) {
      add(`with an approval: ${state}`, {
        approval_id,
        ...(service && { service }),
        ...(action && { action }),
      });
    }
    add('with an approval of something else', { approval_id: REQUESTS.redeemed.id, action: 'files.read' });
    add('with an approval of another service', { approval_id: REQUESTS.redeemed.id, service: 'void' });
    add('with an approval that there is not', { approval_id: newId() });
  }
}
