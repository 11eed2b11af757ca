// Attempts on the kernel's functions: each with every hidden id in each place where an id goes, the other arguments the
// attacker's own. A definer function sees all rows, so what it answers must come from the caller's authority alone.

import { USERS } from '../../../src/demo/cast.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import type { Attacker } from './attackers.ts';
import type { Callable } from './catalog.ts';
import type { Attempt } from './statements.ts';

const FRESH = '019a0000-0000-7009-8000-0000000000f5';

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
};

/** What the cast holds for a service, of whoever the attacker acts for. */
const heldBy = ({ ownerId }: Attacker) =>
  Object.values(SERVICES).find(({ owner }) => USERS[owner].id === ownerId);
/** The same of one function, where the name alone would say something else. */
const OWN_OF: Readonly<Record<string, typeof OWN>> = {
  'bailiwick.use_service': {
    id: (attacker) => heldBy(attacker)?.id ?? FRESH,
    call: (attacker) => heldBy(attacker)?.calls[0]?.name ?? 'none',
  },
};

/** An argument of each type where the name says nothing. */
const ANY: Readonly<Record<string, unknown>> = {
  uuid: FRESH,
  text: 'memory',
  integer: 1,
  boolean: false,
  jsonb: '{}',
  bytea: Buffer.from('mine'),
  'text[]': [],
  interval: '1 hour',
  'timestamp with time zone': new Date(Date.now() + 600_000),
};

/** Answers with the present time, which is another each time: what counts is whether it answers. */
const TIMED: readonly string[] = ['bailiwick.end_credentials'];

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
    text: `select ${TIMED.includes(name) ? `(${name}(${places}) is not null)` : `${name}(${places})`}::text`,
    values,
  });
  const seen = new Set(attacker.all.filter((one) => !attacker.hidden.includes(one)).map(({ row }) => row.id));
  const ids = [...new Set(attacker.hidden.map(({ row }) => row.id ?? ''))].filter((id) => !seen.has(id));
  yield { ...call(own, 'own arguments'), ...(seen.size > 0 ? { unseen: ids } : {}) };
  for (const id of ids) {
    for (const [i, parameter] of parameters.entries()) {
      if (parameter.type === 'uuid') {
        yield call(own.with(i, id), `hidden ${parameter.name}`);
      }
    }
  }
}
