// What every voice tries with rules about actions and with requests for approval: the blocks of ACCESS.txt about their two tables, and
// what the probe asks of rows besides. What it asks of the kernel's functions stands in judging-attempts.ts.
//
// Data, no assertions: what came of it is printed and compared elsewhere (matrix.ts, test/assurance/mutation).

import { ACTORS, AGENTS, id, TENANTS, USERS, type UserName } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { insertion, Said, SOON } from './arrangement.ts';
import type { Block, Statement } from './attempts.ts';
import { ASKED, GENERAL, PARTICULAR, WAITING } from './permissions.ts';
import { agentOf, personOf } from './voices.ts';
import { DATA_KEYS, under } from './wrapped.ts';

const NEW = id<string>(9, '1');
const acme = TENANTS.acme.id;
const { alice, bob } = USERS;
const { scout, scribe, bobot } = AGENTS;

const isOwner = (who: string): who is keyof typeof GENERAL => who in GENERAL;
const RULE = { id: NEW, service: 'probe', action: 'made', effect: 'allow' };

/** What a request says that is asked as it should be: through the present chain, of the rules that are in force. */
const asking = (person: UserName) => ({
  ...{ id: NEW, service: 'void', action: 'a.b', digest: ASKED.digest },
  owner_id: USERS[person].id,
  arguments: JSON.stringify(under(DATA_KEYS[person])),
  version: new Said(`bailiwick.asked('void', 'a.b')`),
  chain: new Said('bailiwick.delegation_chain()'),
  expires_at: SOON,
});

export const PERMISSION_BLOCKS: readonly Block[] = [
  {
    table: 'permissions',
    kind: 'general one',
    key: 'id',
    set: "note = 'Changed'",
    relations: ['own', 'owner', 'foreign', 'other'],
    row: (who) => (isOwner(who) ? GENERAL[who] : undefined),
    make: (who) => (isOwner(who) || who === 'scout' ? { ...RULE, owner_id: ACTORS[who].id } : undefined),
  },
  {
    table: 'permissions',
    kind: 'particular one',
    key: 'id',
    set: "note = 'Changed'",
    relations: ['own', 'owner', 'foreign', 'other'],
    row: (who, relation, voice) => {
      const agent = agentOf(who, relation, voice);
      return agent && PARTICULAR[agent];
    },
    make: (who, relation, voice) => {
      const agent = agentOf(who, relation, voice);
      return agent && { ...RULE, owner_id: USERS[personOf(who)].id, agent_id: AGENTS[agent].id };
    },
  },
  {
    table: 'approvals',
    key: 'id',
    set: "note = 'Changed'",
    relations: ['own', 'owner', 'foreign', 'other'],
    row: (who, relation, voice) => {
      const agent = agentOf(who, relation, voice);
      return agent && WAITING[agent];
    },
    make: (who, relation, voice) => {
      const agent = agentOf(who, relation, voice);
      return agent && { ...asking(personOf(who)), agent_id: AGENTS[agent].id };
    },
  },
];

/** A complete row of alice's that she herself may insert, without its tenant. */
export const PERMISSION_ROW = { ...RULE, owner_id: alice.id };
/** One that scout may insert through its delegation. */
export const APPROVAL_ROW = { ...asking('alice'), agent_id: scout.id };

type Attempt = (table: string | undefined, name: string, statement: Statement) => void;

/** What the probe asks about requests that are not what they say. */
export function requests(attempt: Attempt, values: Readonly<Record<string, string | null>>): void {
  const ask = (name: string, row: Readonly<Record<string, unknown>>) =>
    attempt('approvals', name, insertion('approvals', { tenant_id: acme, ...APPROVAL_ROW, ...row }));
  ask('as it should be', {});
  ask('in the twin tenant', { tenant_id: TENANTS.globex.id });
  ask('of another owner', { owner_id: bob.id, arguments: JSON.stringify(under(DATA_KEYS.bob)) });
  ask("in a sub-agent's name", { agent_id: scribe.id, delegation_id: DELEGATIONS.scribe.id });
  ask("in the name of a colleague's agent", { agent_id: bobot.id });
  ask("in rogue's name", { agent_id: AGENTS.rogue.id });
  ask("in late's name", { agent_id: AGENTS.late.id });
  ask('made by somebody else', { created_by: alice.id });
  ask('made in another request', { request_id: id<string>(7, 'f046ed') });
  ask('made through another delegation', { delegation_id: DELEGATIONS.scoutInGarden.id });
  ask('through another chain', { chain: [DELEGATIONS.scoutInGarden.id] });
  ask('through no chain', { chain: [] });
  ask('through a chain that is none', { chain: null });
  const versions = {
    made: "'x'",
    none: 'null',
    'that of another action': `bailiwick.asked('desk', 'files.write')`,
  };
  for (const [which, version] of Object.entries(versions)) {
    ask(`under a version: ${which}`, { version: new Said(version) });
  }
  const about = (service: string, action: string) => ({
    ...{ service, action },
    version: new Said(
      `coalesce(bailiwick.asked('${service}', '${action}'), bailiwick.authorize('${service}', '${action}') ->> 'version')`,
    ),
  });
  ask('for what is allowed', about('spare', 'second'));
  ask('for what is denied', about('probe', 'particular'));
  for (const [value, text] of Object.entries(values)) {
    ask(`with arguments ${value}`, { arguments: JSON.stringify(text) });
  }
}
