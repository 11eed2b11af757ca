// The rules about what agents do outside, to be read aloud like the others (rules.ts): what an owner's rules say of an action, who may
// ask for it, who decides on what was asked for, and when an approval may be redeemed.
//
// Of the rules that fit, those count that no other is more exact than without being less exact in something. Where these differ, or the
// agents of a chain do, the strictest holds; where none fits, the owner is asked. Whoever is there in person is bound by none.

import { ACTIONS, lineOf, type Supposed } from '../../../src/assurance/actions.ts';
import type { NewRow } from '../../../src/assurance/moves.ts';
import type { OutsideMove } from '../../../src/assurance/outside.ts';
import type { Approval, Effect, Permission, Principal, Tenant } from '../../../src/assurance/world.ts';
import { type Authority, holds, inPerson, isThrough } from './rules.ts';

/** What is said of an action, by which rule and about which agent. */
export type Verdict = { readonly effect: Effect; readonly rule?: string; readonly agent?: number };

type Ruling = Omit<Permission, 'owner'> & { readonly name?: string };

const STRICTEST_FIRST: readonly Effect[] = ['deny', 'ask', 'allow'];

/** What the rules say of an action of agents in one chain, the owner's delegate first. */
function verdictOf(rulings: readonly Ruling[], agents: readonly number[], about: number): Verdict {
  const said = agents.flatMap((agent, place) => {
    const fitting = rulings.filter((one) => fits(one, agent, about));
    const exact = fitting.filter((one) => !fitting.some((other) => outdoes(other, one)));
    const silent: readonly (Verdict & { place: number })[] = [{ effect: 'ask', agent, place }];
    return exact.length === 0
      ? silent
      : exact.map(({ effect, name }) => ({
          effect,
          agent,
          place,
          ...(name === undefined ? {} : { rule: name }),
        }));
  });
  const strictest = STRICTEST_FIRST.find((effect) => said.some((one) => one.effect === effect)) ?? 'ask';
  // of several that say so, a rule rather than the lack of one, that of the agent furthest down, and the oldest
  const [first] = said
    .filter(({ effect }) => effect === strictest)
    .sort(
      (one, other) =>
        Number(one.rule === undefined) - Number(other.rule === undefined) ||
        other.place - one.place ||
        (one.rule ?? '').localeCompare(other.rule ?? ''),
    );
  const { rule, agent } = first ?? {};
  return {
    effect: strictest,
    ...(rule === undefined ? {} : { rule }),
    ...(agent === undefined ? {} : { agent }),
  };
}

/** All that begin like it stand for it; a whole name for itself alone. */
function names(pattern: string, word: string): boolean {
  return (
    pattern === '*' || pattern === word || (pattern.endsWith('.*') && word.startsWith(pattern.slice(0, -1)))
  );
}

function fits({ agent, service, action }: Ruling, who: number, about: number): boolean {
  const wanted = ACTIONS[about];
  return (
    wanted !== undefined &&
    (agent === null || agent === who) &&
    (service === '*' || service === wanted.service) &&
    names(action, wanted.action)
  );
}

/** How exact a rule is: about whom, where, and about what; a whole name is more than any beginning. */
const exactness = ({ agent, service, action }: Ruling): readonly number[] => [
  agent === null ? 0 : 1,
  service === '*' ? 0 : 1,
  action === '*' ? 0 : action.endsWith('.*') ? action.length : Number.POSITIVE_INFINITY,
];

function outdoes(one: Ruling, other: Ruling): boolean {
  const [mine, its] = [exactness(one), exactness(other)];
  return mine.every((n, at) => n >= (its[at] ?? 0)) && mine.some((n, at) => n > (its[at] ?? 0));
}

/** The rules of an owner, by name. */
const rulesOf = ({ permissions }: Tenant, owner: Principal): Ruling[] =>
  permissions.flatMap((one, n) => (`u${one.owner}` === owner ? [{ ...one, name: `l${n}` }] : []));

const agentsOf = ({ chain }: Authority) => chain.map(({ delegate }) => delegate);

/** What is said of an action of an authority. */
export function judged(a: Authority, about: number): Verdict {
  return inPerson(a) ? { effect: 'allow' } : verdictOf(rulesOf(a.tenant, a.owner), agentsOf(a), about);
}

const inWords = ({ effect, rule, agent }: Verdict) =>
  [effect, ...(rule === undefined ? [] : [rule]), ...(agent === undefined ? [] : [`a${agent}`])].join(' ');

/** Whether somebody may ask for an action: through a chain that lets it, where the rules say so. */
const asks = (a: Authority, about: number) =>
  !inPerson(a) && holds(a, 'approval:create') && judged(a, about).effect === 'ask';

/** Whether a new request says truly who asks, through what, and that the rules say so; other rows say nothing of it. */
export function isAsked(a: Authority, row: NewRow): boolean {
  const { about, by } = row;
  return about === undefined || (asks(a, about) && by === a.actor && isThrough(a, row));
}

/** Whether the approval that an entry of the log names was redeemed, for that action and by this agent for this owner. */
export function isEarned(a: Authority, { about, approval: n }: NewRow): boolean {
  const approval = a.tenant.approvals[n ?? -1];
  const asked = a.tenant.delegations[approval?.delegation ?? -1];
  const theirs = `u${asked?.owner}` === a.owner && `a${asked?.delegate}` === a.actor;
  return n === undefined || (approval?.redeemed === true && approval.about === about && theirs);
}

/** Why an approval may not be redeemed for an action; undefined when it may. The first reason that applies. */
export function redemptionRefusal(
  a: Authority,
  n: number,
  about: number,
  digest: number,
): string | undefined {
  const approval = a.tenant.approvals[n];
  const asked = approval && a.tenant.delegations[approval.delegation];
  const theirs = `u${asked?.owner}` === a.owner && `a${asked?.delegate}` === a.actor;
  if (approval === undefined || inPerson(a) || !theirs || !holds(a, 'approval:create')) {
    return 'approval';
  }
  if (approval.about !== about || approval.about !== digest) {
    return 'digest';
  }
  if (a.chain.at(-1) !== asked) {
    return 'chain';
  }
  return standing(approval);
}

/** What is over is over, however it was decided; what waits can still come. */
function standing({ redeemed, decision, ends, current }: Approval): string | undefined {
  if (redeemed) {
    return 'redeemed';
  }
  if (decision === 'rejected') {
    return 'rejected';
  }
  if (ends <= 0) {
    return 'expired';
  }
  if (decision === null) {
    return 'waiting';
  }
  return current ? undefined : 'changed';
}

/** Why a request may not be decided on; the owner decides in person, on what was shown, and approves nothing under other rules. */
function decisionRefusal(a: Authority, { approval: n, digest, decision }: OutsideMove & { verb: 'decide' }) {
  const approval = a.tenant.approvals[n];
  const asked = approval && a.tenant.delegations[approval.delegation];
  if (
    approval === undefined ||
    !inPerson(a) ||
    `u${asked?.owner}` !== a.owner ||
    !holds(a, 'approval:update')
  ) {
    return 'approval';
  }
  if (approval.decision !== null) {
    return 'decided';
  }
  if (approval.ends <= 0) {
    return 'expired';
  }
  if (approval.about !== digest) {
    return 'digest';
  }
  return decision === 'approved' && !approval.current ? 'changed' : undefined;
}

/** What would be said of one of the owner's agents, and of those above it in a delegation that it holds, with rules that are not there yet. */
function previewed(
  a: Authority,
  { agent, delegation, about, instead }: OutsideMove & { verb: 'preview' },
): string {
  const [owner, line] = [
    Number(a.owner.slice(1)),
    lineOf(a.tenant, delegation).map((n) => a.tenant.delegations[n]),
  ];
  const its = a.tenant.agents[agent]?.owner === owner && `u${owner}` === a.owner;
  const held = line.length === 0 || (line.at(-1)?.delegate === agent && line.at(-1)?.owner === owner);
  if (!inPerson(a) || !holds(a, 'permission:read') || !its || !held) {
    return 'nothing';
  }
  const same = (one: Ruling, other: Supposed) =>
    one.agent === other.agent && one.service === other.service && one.action === other.action;
  const supposed = instead.flatMap(({ effect, ...one }): Ruling[] =>
    effect === null ? [] : [{ ...one, effect }],
  );
  const rulings = [
    ...rulesOf(a.tenant, a.owner).filter((one) => !instead.some((other) => same(one, other))),
    ...supposed,
  ];
  const agents =
    line.length === 0 ? [agent] : line.flatMap((hop) => (hop === undefined ? [] : [hop.delegate]));
  return inWords(verdictOf(rulings, agents, about));
}

/** A verdict in the activity log, where it is about an agent, and for the audit. */
function noted(a: Authority, { effect, rule }: Verdict): string {
  const outcome = { allow: 'allowed', ask: 'asked', deny: 'denied' }[effect];
  return [
    ...(inPerson(a) ? [] : [`noted/${outcome}/${a.actor}`]),
    ['audited', effect, ...(rule === undefined ? [] : [rule])].join('/'),
  ].join(' ');
}

/** What the kernel answers, and what it leaves behind. */
export function expectedOutside(
  a: Authority | undefined,
  move: Exclude<OutsideMove, { verb: 'use service' | 'redirect' | 'revealed' | 'leave receipts' }>,
): string {
  switch (move.verb) {
    case 'acting':
      return a === undefined
        ? ''
        : agentsOf(a)
            .map((agent) => `a${agent}`)
            .sort()
            .join(' ');
    case 'authorize':
      return a === undefined || !holds(a, 'permission:read')
        ? 'nothing'
        : `${inWords(judged(a, move.about))}${inPerson(a) ? '' : ' of now'}`;
    case 'note verdict':
      return a === undefined || !holds(a, 'permission:read') ? '' : noted(a, judged(a, move.about));
    case 'asked':
      return a !== undefined && asks(a, move.about) ? 'asks' : 'nothing';
    case 'preview':
      return a === undefined ? 'nothing' : previewed(a, move);
    case 'decide':
      return a === undefined
        ? 'approval'
        : (decisionRefusal(a, move) ?? `done ${move.decision}/t${a.at}/q${move.approval}/${a.actor}`);
    case 'redeem':
      return a === undefined
        ? 'approval'
        : (redemptionRefusal(a, move.approval, move.about, move.digest) ??
            `done redeemed t${a.at}/q${move.approval}`);
    default:
      return move satisfies never;
  }
}
