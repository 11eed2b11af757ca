// What the model says of every mutation about what agents do outside: rules, requests for approval, and the activity log.
//
// An agent that asks twice is told of the request that it made before, as long as that is good and its rules are those in force.

import { ACTIONS, ARGUMENTS, lineOf } from '../../../../src/assurance/actions.ts';
import { expectedOutside, isEarned, judged } from '../permissions.ts';
import { type Authority, holds, mayInsert } from '../rules.ts';
import {
  changed,
  DESTROYED,
  FORBIDDEN,
  found,
  globalId,
  namesOf,
  opens,
  removing,
  rowOf,
  type Scene,
  sealingFor,
  seesNew,
  type Tried,
  UNREADABLE,
  updated,
} from './scene.ts';

const LOGGED = '+activity_entries';
/** What stands there and the caller does not see. */
const CONFLICT = 'error CONFLICT';

type About = { readonly agent: number | null; readonly service: string; readonly action: string };

function createPermission(scene: Scene): Tried[] {
  const { a, world } = scene;
  const fresh = [null, ...namesOf(world, 'Agent').map((name) => Number(name.slice(1)))].map(
    (agent): About => ({ agent, service: 'fresh', action: '*' }),
  );
  return [...fresh, ...a.tenant.permissions].map(({ agent, service, action }, n) => ({
    what: `${n} about ${agent === null ? 'everybody' : `a${agent}`}: ${action} at ${service}`,
    input: {
      ...(agent === null ? {} : { agentId: globalId('Agent', `a${agent}`) }),
      ...{ service, action, effect: 'ALLOW' },
    },
    outcome: outcomeOfRuling(scene, { agent, service, action }),
    changes: ['+permissions'],
  }));
}

function outcomeOfRuling(scene: Scene, { agent, service, action }: About): string {
  const { a } = scene;
  const there = a.tenant.permissions.findIndex(
    (one) =>
      `u${one.owner}` === a.owner && one.agent === agent && one.service === service && one.action === action,
  );
  if (agent !== null && !found(scene, 'Agent', `a${agent}`)) {
    return 'NotFound';
  }
  if (there >= 0 && found(scene, 'Permission', `l${there}`)) {
    return 'AlreadyThere';
  }
  if (!mayInsert(a, 'permissions', { tenant: a.at, owner: a.owner })) {
    return FORBIDDEN;
  }
  const permission = { owner: Number(a.owner.slice(1)), agent, service, action, effect: 'allow' } as const;
  return there >= 0 ? CONFLICT : seesNew(scene, 'permissions', { permission }) ? 'Permission' : UNREADABLE;
}

function updatePermission(scene: Scene): Tried[] {
  return namesOf(scene.world, 'Permission').flatMap((name) =>
    [{ effect: 'DENY' }, { note: 'marked' }].map((change) => ({
      what: `${name}: ${Object.keys(change).join()}`,
      input: { id: globalId('Permission', name), ...change },
      outcome: updated(scene, 'Permission', name),
      changes: [changed(scene, 'permissions', name)],
    })),
  );
}

const deletePermission = (scene: Scene): Tried[] => removing(scene, 'Permission', 'DeletedPermission');

/** What comes of asking the owner: a request that was there, a new one, or an error. */
export type Asked = {
  readonly there?: string | undefined;
  readonly error?: string | undefined;
  readonly changes: readonly string[];
};

/** Asks for an action, with the arguments of every request in a world or with others. */
export function askedFor(scene: Scene, about: number, usual: boolean): Asked {
  const { a } = scene;
  const { approvals, delegations } = a.tenant;
  const there = approvals.findLastIndex(
    (one, n) =>
      usual &&
      one.about === about &&
      delegations[one.delegation] === a.chain.at(-1) &&
      !one.redeemed &&
      one.ends > 0 &&
      found(scene, 'Approval', `q${n}`),
  );
  const asks = expectedOutside(a, { verb: 'asked', about }) === 'asks';
  if (there >= 0 && (!asks || approvals[there]?.current === true)) {
    return { there: `q${there}`, changes: [] };
  }
  if (!asks) {
    return { error: FORBIDDEN, changes: [] };
  }
  const sealing = sealingFor(scene, a.owner);
  return sealing === undefined
    ? { error: DESTROYED, changes: [] }
    : { changes: ['+approvals', ...sealing.made] };
}

/** Whether whoever asks may also read what it has asked. */
export function readsRequest(scene: Scene): boolean {
  const { a } = scene;
  const last = a.chain.at(-1);
  const delegation = last === undefined ? -1 : a.tenant.delegations.indexOf(last);
  const made = { about: 0, current: true, ends: 1, decision: null, redeemed: false } as const;
  return seesNew(scene, 'approvals', { approval: { ...made, delegation } });
}

function authorizeAction(scene: Scene): Tried[] {
  return ACTIONS.flatMap((action, about) =>
    [true, false].map((usual) => ({
      what: `${action.action}${usual ? '' : ' with something else'}`,
      input: { ...action, arguments: usual ? ARGUMENTS : {} },
      ...authorizing(scene, about, usual),
    })),
  );
}

function authorizing(scene: Scene, about: number, usual: boolean): Pick<Tried, 'outcome' | 'changes'> {
  const { a } = scene;
  if (!holds(a, 'permission:read')) {
    return { outcome: FORBIDDEN, changes: [] };
  }
  const { effect, rule } = judged(a, about);
  const { error, there, changes }: Asked = effect === 'ask' ? askedFor(scene, about, usual) : { changes: [] };
  const named = [rule !== undefined && found(scene, 'Permission', rule) ? rule : [], there ?? []].flat();
  return {
    outcome: error ?? ['ActionVerdict', ...named, effect.toUpperCase()].join(' '),
    changes: [...(a.chain.length > 0 ? [LOGGED] : []), ...changes],
  };
}

/** The word of the kernel about a request, as an outcome; that names who has asked, too. */
function settled(scene: Scene, n: number, word: string): string {
  if (word === 'approval') {
    return 'NotFound';
  }
  if (!word.startsWith('done ')) {
    return `ApprovalRefused ${word.toUpperCase()}`;
  }
  const { approvals, delegations } = scene.a.tenant;
  const delegate = delegations[approvals[n]?.delegation ?? -1]?.delegate;
  return found(scene, 'Approval', `q${n}`) ? `Approval q${n} a${delegate}` : UNREADABLE;
}

function decideApproval(scene: Scene): Tried[] {
  return namesOf(scene.world, 'Approval').flatMap((name) =>
    (['approved', 'rejected'] as const).map((decision) => {
      const n = Number(name.slice(1));
      const row = rowOf(scene, 'approvals', name);
      // nobody approves what cannot be shown
      const shown = row !== undefined && (decision === 'rejected' || opens(scene, row));
      const digest = shown ? (row.approval?.about ?? -1) : -1;
      const word = expectedOutside(scene.a, { verb: 'decide', approval: n, digest, decision });
      return {
        what: `${name}: ${decision}`,
        input: { id: globalId('Approval', name), decision: decision === 'approved' ? 'APPROVE' : 'REJECT' },
        outcome: found(scene, 'Approval', name) ? settled(scene, n, word) : 'NotFound',
        changes: [changed(scene, 'approvals', name)],
      };
    }),
  );
}

function redeemApproval(scene: Scene): Tried[] {
  return namesOf(scene.world, 'Approval').flatMap((name) => {
    const n = Number(name.slice(1));
    return ACTIONS.flatMap((action, about) =>
      [about, -1].map((digest) => ({
        what: `${name} for ${action.action}${digest < 0 ? ' with something else' : ''}`,
        input: { id: globalId('Approval', name), ...action, arguments: digest < 0 ? {} : ARGUMENTS },
        outcome: settled(scene, n, expectedOutside(scene.a, { verb: 'redeem', approval: n, about, digest })),
        changes: [changed(scene, 'approvals', name)],
      })),
    );
  });
}

function recordActivity(scene: Scene): Tried[] {
  const { a, world } = scene;
  const entry = (about: number, name: string | undefined) => ({
    ...ACTIONS[about],
    ...{ outcome: 'SUCCEEDED', durationMs: 1 },
    ...(name === undefined ? {} : { approvalId: globalId('Approval', name) }),
  });
  // one alone, two, and with what was approved
  const reports = [
    [undefined],
    [undefined, undefined],
    ...namesOf(world, 'Approval').flatMap((name) => [[name], [undefined, name]]),
  ];
  return reports.flatMap((names) =>
    ACTIONS.map(({ action }, about) => ({
      what: `${names.map((name) => name ?? 'one').join(' and ')}: ${action}`,
      input: { entries: names.map((name) => entry(about, name)) },
      outcome: names.every((name) => mayReport(a, scene.asker.delegation, about, name))
        ? 'RecordedActivity'
        : FORBIDDEN,
      changes: names.map(() => LOGGED),
    })),
  );
}

/** In its own name, and with no approval but one that it has redeemed for this. */
function mayReport(a: Authority, leaf: number | null, about: number, name: string | undefined): boolean {
  const row = { tenant: a.at, owner: a.owner, by: a.actor, chain: lineOf(a.tenant, leaf), about };
  const earned = name === undefined || isEarned(a, { ...row, approval: Number(name.slice(1)) });
  return mayInsert(a, 'activity_entries', row) && earned;
}

export const OF_OUTSIDE = {
  createPermission,
  updatePermission,
  deletePermission,
  authorizeAction,
  decideApproval,
  redeemApproval,
  recordActivity,
};
