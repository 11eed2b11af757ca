// Attempts on the kernel's functions: each with every hidden id in each place where an id goes, the other arguments the
// attacker's own. A definer function sees all rows, so what it answers must come from the caller's authority alone.

import { approvalDigest } from '../../../src/approvals/digest.ts';
import { entryId } from '../../../src/demo/activity.ts';
import { USERS } from '../../../src/demo/cast.ts';
import { APPROVALS } from '../../../src/demo/permissions.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import type { Attacker } from './attackers.ts';
import type { Callable } from './catalog.ts';
import { BEGUN } from './family.ts';
import type { Attempt } from './statements.ts';

const FRESH = '019a0000-0000-7009-8000-0000000000f5';

/** One that can still be written when the last state is tried. */
const OWN_ENTRY = entryId(new Date(Date.now() + 280_000), '0e');

/** Arguments of the attacker's own by name, so that a call gets as far as it can. */
const OWN: Readonly<Record<string, (attacker: Attacker) => unknown>> = {
  owner_id: ({ ownerId }) => ownerId,
  delegator_id: ({ actorId }) => actorId,
  delegate_id: ({ own }) => own('delegations')[0]?.delegate_id,
  parent_id: ({ own }) => own('delegations')[0]?.parent_id ?? null,
  depth: ({ own }) => own('delegations')[0]?.depth ?? 1,
  redelegate: () => 0,
  capabilities: () => ['memory:read'],
  world_id: () => null,
  kind: () => 'memory',
  verb: () => 'read',
  event: () => 'oracle.asked',
  target_kind: () => 'memory',
  entity: ({ actorId }) => actorId,
  pinned: () => null,
  hint: () => 'bwk_Mine',
  digest: () => 'e'.repeat(64),
  holder: ({ ownerId }) => ownerId,
  tenant_key: ({ own }) => own('data_keys')[0]?.tenant_key_id,
  purpose: () => 'index',
  // with a digest: a key has the one, a client the other
  public_key: () => null,
  service: () => 'mail',
  action: () => 'messages.send',
  decision: () => 'approved',
  agent: ({ own }) => own('agents')[0]?.id,
  delegation: () => null,
  instead: () => '[]',
  means: () => 'owner',
  capability: () => 'memory:read',
  relation: () => 'memories',
  // since before anything happened, of everything
  since: () => '1:1:',
  upto: () => null,
  after: () => null,
  kinds: () => ['approval', 'activity', 'baseline', 'delegation', 'agent', 'memory'],
  most: () => 1000,
  entry: () => OWN_ENTRY,
  outcome: () => 'succeeded',
  network: () => '{"host": "mine.example"}',
  learned: () => '[]',
  read: () => '[]',
};

/** What the cast holds for a service, of whoever the attacker acts for. */
const heldBy = ({ ownerId }: Attacker) =>
  Object.values(SERVICES).find(({ owner }) => USERS[owner].id === ownerId);
/** What one of the cast's agents has asked, of the same. */
const askedOf = ({ ownerId }: Attacker) => APPROVALS.find(({ owner }) => USERS[owner].id === ownerId);
const settled = {
  id: (attacker: Attacker) => askedOf(attacker)?.id ?? FRESH,
  digest: (attacker: Attacker) => {
    const asked = askedOf(attacker);
    return asked === undefined ? 'e'.repeat(64) : approvalDigest(asked);
  },
};
/** The same of one function, where the name alone would say something else. */
const OWN_OF: Readonly<Record<string, typeof OWN>> = {
  'bailiwick.use_service': {
    id: (attacker) => heldBy(attacker)?.id ?? FRESH,
    call: (attacker) => heldBy(attacker)?.calls[0]?.name ?? 'none',
  },
  'bailiwick.finish_call': {
    started: ({ actorId }) => BEGUN.find(({ agent_id }) => agent_id === actorId)?.id ?? FRESH,
  },
  'bailiwick.decide_approval': settled,
  'bailiwick.redeem_approval': settled,
};

/** An argument of each type where the name says nothing. */
const ANY: Readonly<Record<string, unknown>> = {
  uuid: FRESH,
  text: 'memory',
  integer: 1,
  bigint: 1,
  boolean: false,
  jsonb: '{}',
  bytea: Buffer.from('mine'),
  'text[]': [],
  'uuid[]': [],
  interval: '1 hour',
  'timestamp with time zone': new Date(Date.now() + 600_000),
};

/** What counts of an answer that is another each time: whether there is one, where it is the present time; all but the snapshot. */
const COUNTS: Readonly<Record<string, (call: string) => string>> = {
  'bailiwick.end_credentials': (call) => `(${call} is not null)`,
  'bailiwick.unseen': (call) => `(${call} - 'snapshot')`,
};

/** Calls of a function; throws for a parameter of a type that nobody has thought of. */
export function* onFunction({ name, parameters }: Callable, attacker: Attacker): Generator<Attempt> {
  const own = parameters.map((parameter) => {
    if (!(parameter.type in ANY)) {
      throw new TypeError(`no argument is known for ${name}(${parameter.name} ${parameter.type})`);
    }
    const own = { ...OWN, ...OWN_OF[name] };
    return parameter.name in own ? own[parameter.name]?.(attacker) : ANY[parameter.type];
  });
  const places = parameters.map(({ type }, i) => `$${i + 1}::${type}`).join(', ');
  const call = (values: readonly unknown[], how: string): Attempt => ({
    about: name,
    how,
    text: `select ${(COUNTS[name] ?? String)(`${name}(${places})`)}::text`,
    values,
  });
  const seen = new Set(attacker.all.filter((one) => !attacker.hidden.includes(one)).map(({ row }) => row.id));
  const ids = [...new Set(attacker.hidden.map(({ row }) => row.id ?? ''))].filter((id) => !seen.has(id));
  yield { ...call(own, 'own arguments'), ...(seen.size > 0 ? { unseen: ids } : {}) };
  for (const id of ids) {
    for (const [i, parameter] of parameters.entries()) {
      if (parameter.type === 'uuid' || parameter.type === 'uuid[]') {
        yield call(own.with(i, parameter.type === 'uuid' ? id : [id]), `hidden ${parameter.name}`);
      }
    }
  }
  // where a table is named, each row in its own
  const [relation, row] = ['relation', 'id'].map((one) => parameters.findIndex(({ name }) => name === one));
  for (const { table, row: hidden } of attacker.hidden) {
    if (relation !== undefined && row !== undefined && relation >= 0 && row >= 0) {
      yield call(own.with(relation, table).with(row, hidden.id), `hidden row of ${table}`);
    }
  }
}
