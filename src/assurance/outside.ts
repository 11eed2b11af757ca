// What somebody might want to do outside, and about the rules for it: write and change rules in whoever's name, ask for approval with each
// lie about who asks through what and under which rules, ask the kernel what it would say, decide on requests and redeem them, one's own
// and those of others.
//
// Which of it may be is not said here. A few of each for every asker, others for the next; most for whoever acts through a chain, because
// nobody else asks.

import { ACTIONS, CALL, leafOf, lineOf, type Supposed } from './actions.ts';
import type { Move, NewRow } from './moves.ts';
import type { TableName } from './rows.ts';
import { some, turnOf, valuesOf } from './sealing.ts';
import { type Asker, type Principal, principals, type Tenant, type World } from './world.ts';

export type OutsideMove =
  /** To have a credential for a service used for a call, perhaps with an approval of that or of something else. */
  | {
      readonly verb: 'use service';
      readonly service: number;
      readonly call: string;
      readonly approval: number | null;
    }
  /** To change a column that no grant lets anybody change. */
  | { readonly verb: 'redirect'; readonly table: TableName; readonly column: string }
  /** Whose secrets may be read, and through which agents the context acts, as the kernel tells. */
  | { readonly verb: 'revealed' }
  | { readonly verb: 'acting' }
  /** To write down that an agent has read a memory, by its index, which is said to be somebody's. */
  | {
      readonly verb: 'leave receipts';
      readonly agent: number;
      readonly owner: Principal;
      readonly memory: number;
    }
  /** What is said of an action, under which rules somebody may ask for it, and to have it noted; by its index. */
  | { readonly verb: 'authorize' | 'asked' | 'note verdict'; readonly about: number }
  | {
      readonly verb: 'preview';
      readonly agent: number;
      readonly delegation: number | null;
      readonly about: number;
      readonly instead: readonly Supposed[];
    }
  /** To decide, and to redeem, saying what it is about by index. */
  | {
      readonly verb: 'decide';
      readonly approval: number;
      readonly digest: number;
      readonly decision: 'approved' | 'rejected';
    }
  | {
      readonly verb: 'redeem';
      readonly approval: number;
      readonly about: number;
      readonly digest: number;
    };

/** Columns in which nobody changes anything: what a rule is about, and all of a request. */
const FIXED: readonly (readonly [table: TableName, column: string])[] = [
  ...['agent_id', 'service', 'action', 'owner_id', 'created_by', 'created_at', 'request_id'].map(
    (column) => ['permissions', column] as const,
  ),
  ...[
    'decision',
    'version',
    'digest',
    'chain',
    'agent_id',
    'expires_at',
    'redeemed_at',
    'arguments',
    'note',
  ].map((column) => ['approvals', column] as const),
];

/** What an asker tries. */
export function outsideMoves(world: World, tenant: Tenant, asker: Asker): Move[] {
  const turn = turnOf(asker);
  const leaf = leafOf(tenant, asker);
  const acts = leaf !== null;
  const owner: Principal = acts ? `u${tenant.delegations[leaf]?.owner ?? 0}` : asker.actor;
  const any = <Item>(items: readonly Item[], count = 1): Item[] => some(items, turn, count);
  const about = turn % ACTIONS.length;
  return [
    ...aboutRules(world, tenant, asker, owner),
    ...asking(world, tenant, asker, owner),
    ...logging(world, tenant, asker, owner),
    ...any(FIXED).map(([table, column]): Move => ({ verb: 'redirect', table, column })),
    { verb: 'acting' },
    { verb: 'asked', about },
    { verb: 'note verdict', about },
    ...ACTIONS.flatMap((_, n): Move[] => (acts || n === about ? [{ verb: 'authorize', about: n }] : [])),
    ...previews(tenant, turn, acts ? 1 : 2),
    ...settling(tenant, asker, owner, acts),
  ];
}

function aboutRules(world: World, tenant: Tenant, asker: Asker, owner: Principal): Move[] {
  const turn = turnOf(asker);
  const own: NewRow = { tenant: asker.tenant, owner };
  const kept: NewRow[] = [
    ...tenant.agents.map((_, agent) => ({ ...own, agent })),
    ...principals(tenant)
      .filter((one) => one !== owner)
      .map((other) => ({ ...own, owner: other })),
    ...(['maker', 'request'] as const).map((lie) => ({ ...own, lie })),
    ...(world.tenants.length > 1 ? [{ ...own, tenant: 1 - asker.tenant }] : []),
  ];
  return [
    // with and without looking first, in turn
    { verb: turn % 2 === 0 ? 'update' : 'update seen', table: 'permissions' },
    { verb: turn % 2 === 0 ? 'delete seen' : 'delete', table: 'permissions' },
    ...[own, ...some(kept, turn, 1)].map((row): Move => ({ verb: 'insert', table: 'permissions', row })),
  ];
}

/** Requests as they should be, one about each action; and with one thing wrong, others for the next asker. */
function asking(world: World, tenant: Tenant, asker: Asker, owner: Principal): Move[] {
  const turn = turnOf(asker);
  const leaf = leafOf(tenant, asker);
  const chain = lineOf(tenant, leaf);
  const [value = 'plain', ...others] = valuesOf(world, asker, owner);
  const good: NewRow = { tenant: asker.tenant, owner, by: asker.actor, chain, about: 0, value };
  const elsewhere = tenant.delegations
    .map((_, n) => lineOf(tenant, n))
    .filter((line) => line.at(-1) !== leaf);
  const wrong: Partial<NewRow>[] = [
    ...(['version', 'maker', 'delegation', 'request'] as const).map((lie) => ({ lie })),
    ...(chain.length > 1 ? [chain.slice(0, -1), chain.slice(1)] : [[]]).map((line) => ({ chain: line })),
    ...some(elsewhere, turn, 1).map((line) => ({ chain: line })),
    ...some(
      principals(tenant).filter((one) => one !== asker.actor),
      turn,
      2,
    ).map((by) => ({ by })),
    ...some(
      principals(tenant).filter((one) => one !== owner),
      turn,
      1,
    ).map((other) => ({ owner: other })),
    ...others.map((other) => ({ value: other })),
    ...(world.tenants.length > 1 ? [{ tenant: 1 - asker.tenant }] : []),
  ];
  const wanted = leaf === null ? [{}] : [{}, { about: 1 }, ...some(wrong, turn, 2)];
  return wanted.map((part): Move => ({ verb: 'insert', table: 'approvals', row: { ...good, ...part } }));
}

/** An entry of the log as it should be, and with one thing wrong, another for the next asker. */
function logging(world: World, tenant: Tenant, asker: Asker, owner: Principal): Move[] {
  const chain = lineOf(tenant, leafOf(tenant, asker));
  const good: NewRow = { tenant: asker.tenant, owner, by: asker.actor, chain };
  const people = principals(tenant);
  const wrong: Partial<NewRow>[] = [
    ...(['maker', 'delegation', 'request', 'moment', 'outcome'] as const).map((lie) => ({ lie })),
    ...(chain.length > 1 ? [{ chain: chain.slice(1) }] : [{ chain: [] }]),
    ...people.filter((one) => one !== asker.actor).map((by) => ({ by })),
    ...people.filter((one) => one !== owner).map((other) => ({ owner: other })),
    ...(world.tenants.length > 1 ? [{ tenant: 1 - asker.tenant }] : []),
  ];
  // with approvals that it has redeemed for this, and with such as it has not
  const named =
    chain.length === 0 ? [] : tenant.approvals.map(({ about }, approval) => ({ about, approval }));
  const lies = some(wrong, turnOf(asker), 1);
  return [{}, ...lies, ...some(named, turnOf(asker), 2)].map(
    (part): Move => ({ verb: 'insert', table: 'activity_entries', row: { ...good, ...part } }),
  );
}

/** What would be said of an agent, by itself or under a delegation that is perhaps not its own, with rules that are not there yet. */
function previews(tenant: Tenant, turn: number, count: number): Move[] {
  const agents = some(
    tenant.agents.map((_, n) => n),
    turn,
    1,
  );
  const supposed: readonly (readonly Supposed[])[] = [
    [],
    [{ agent: agents[0] ?? null, service: 'new', action: CALL, effect: 'deny' }],
    [{ agent: null, service: '*', action: 'beds.*', effect: 'ask' }],
    [
      { agent: null, service: '*', action: '*', effect: null },
      { agent: null, service: 'new', action: '*', effect: 'allow' },
    ],
  ];
  const under = [
    null,
    ...tenant.delegations.flatMap((one, n) => (agents.includes(one.delegate) ? [n] : [])),
    0,
  ];
  return some([turn, turn + 1, turn + 2], 0, count).flatMap((n): Move[] =>
    agents.map((agent) => {
      const delegation = under[n % under.length] ?? null;
      const instead = supposed[n % supposed.length] ?? [];
      return { verb: 'preview', agent, delegation, about: n % 3 === 0 ? 1 : 0, instead };
    }),
  );
}

/** Decides on and redeems what there is, its own first; with an approval it also has a credential used. */
function settling(tenant: Tenant, asker: Asker, owner: Principal, acts: boolean): Move[] {
  const turn = turnOf(asker);
  const any = <Item>(items: readonly Item[], count = 1): Item[] => some(items, turn, count);
  const { approvals, delegations } = tenant;
  const all = approvals.map((_, n) => n);
  const concern = (n: number) => {
    const asked = delegations[approvals[n]?.delegation ?? -1];
    return acts ? `a${asked?.delegate}` === asker.actor : `u${asked?.owner}` === owner;
  };
  const [mine, others] = [all.filter(concern), all.filter((n) => !concern(n))];
  const about = (n: number) => approvals[n]?.about ?? 0;
  const decide = (approval: number, digest: number): Move => ({
    ...{ verb: 'decide', approval, digest },
    decision: (turn + approval) % 3 === 0 ? 'rejected' : 'approved',
  });
  const redeem = (approval: number, n = about(approval), digest = n): Move => ({
    ...{ verb: 'redeem', approval, about: n, digest },
  });
  const services = tenant.services.flatMap(({ owner: of }, n) => (`u${of}` === owner ? [n] : []));
  return [
    ...any(mine, acts ? 1 : 2).map((n) => decide(n, about(n))),
    ...any(acts ? mine : [...mine, ...others]).map((n) => decide(n, acts ? about(n) : 1 - about(n))),
    ...any(mine, acts ? 2 : 1).map((n) => redeem(n)),
    ...any(acts ? others : []).map((n) => redeem(n)),
    ...any(acts ? mine : []).map((n) =>
      turn % 2 === 0 ? redeem(n, about(n), 1 - about(n)) : redeem(n, 1 - about(n), about(n)),
    ),
    ...(acts ? any(services) : []).flatMap((service) =>
      any([...mine, 9], 2).map((approval): Move => ({ verb: 'use service', service, call: CALL, approval })),
    ),
  ];
}

/** A short name, the same for the same move. */
export function nameOfOutside(move: OutsideMove): string {
  switch (move.verb) {
    case 'use service':
      return `use s${move.service} to ${move.call}${move.approval === null ? '' : ` with q${move.approval}`}`;
    case 'redirect':
      return `update ${move.column} of ${move.table}`;
    case 'leave receipts':
      return `leave receipts that a${move.agent} has read m${move.memory} of ${move.owner}`;
    case 'authorize':
    case 'asked':
    case 'note verdict':
      return `${move.verb} ${nameOfAction(move.about)}`;
    case 'preview': {
      const under = move.delegation === null ? '' : ` under d${move.delegation}`;
      const others = move.instead.map(
        ({ agent, service, action, effect }) =>
          `${effect ?? 'nothing about'} ${agent === null ? 'everybody' : `a${agent}`} ${service} ${action}`,
      );
      return [`preview ${nameOfAction(move.about)} by a${move.agent}${under}`, ...others].join(', with ');
    }
    case 'decide':
      return `decide q${move.approval} about ${nameOfAction(move.digest)}: ${move.decision}`;
    case 'redeem':
      return `redeem q${move.approval} for ${nameOfAction(move.about)}${move.about === move.digest ? '' : ' with another digest'}`;
    default:
      return move.verb;
  }
}

const nameOfAction = (about: number) => ACTIONS[about]?.action ?? `action ${about}`;
