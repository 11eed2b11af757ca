// The rule about having a credential for a service used, to be read aloud like the others (rules.ts): whoever may see it and may execute,
// before its end, for one of its calls, while it has a secret, when the owner's rules allow the call, or they ask and the owner has
// approved of it. Nobody needs to read the secret for that.

import { ACTIONS, CALL } from '../../../src/assurance/actions.ts';
import { firstKeyOf } from '../../../src/assurance/world.ts';
import { judged, redemptionRefusal } from './permissions.ts';
import { type Authority, holds, inPerson, seesService } from './rules.ts';

/** That action of which the call of every credential is one. */
export const CALLED = ACTIONS.findIndex(({ action }) => action === CALL);

/** The entries that this leaves in the log of what agents do, where it is an agent that uses it. */
export function notedOf(a: Authority, used: string): string[] {
  const [word = '', ...rest] = used.split(' ');
  const outcome = { used: 'started', denied: 'denied', ask: 'asked' }[word];
  const redeemed = rest.includes('redeemed') ? rest.at(-1)?.split('/').slice(1) : [];
  return inPerson(a) || outcome === undefined
    ? []
    : [
        ['noted', outcome, a.actor, ...(redeemed ?? [])].join('/'),
        ...(word === 'used' ? ['ended/t/f', ...broken(a)] : []),
      ];
}

/** The baseline of the agent from which the call is too far: nothing is usual yet, and the owner lets not everything pass. */
function broken({ tenant, at, actor }: Authority): string[] {
  return tenant.baselines.flatMap(({ agent, frozen, lenient }, n) =>
    `a${agent}` === actor && frozen && !lenient ? [`broken t${at}/b${n}`] : [],
  );
}

/** What comes of using one, perhaps with an approval: why not, or which was used, by whom, and under which key its secret is. */
export function usedAs(
  a: Authority,
  n: number,
  call: string,
  approval: number | null,
  digest = CALLED,
): string {
  const service = a.tenant.services[n];
  const owner = service && (`u${service.owner}` as const);
  const row = { table: 'service_credentials', tenant: a.at, name: `s${n}`, owner: owner ?? null } as const;
  if (service === undefined || owner === undefined || !seesService(a, { ...row, service })) {
    return 'credential';
  }
  if (!holds(a, 'credential:execute')) {
    return 'authority';
  }
  if (service.ends !== null && service.ends <= 0) {
    return 'expired';
  }
  if (call !== CALL) {
    return 'call';
  }
  const key = firstKeyOf(a.tenant, owner);
  if (key === null || a.tenant.dataKeys[key]?.state === 'destroyed') {
    return 'gone';
  }
  const { effect, rule } = judged(a, CALLED);
  const by = rule === undefined ? [] : [rule];
  const used = ['used', `t${a.at}/s${n}/${a.actor}`, `e${key}`];
  if (effect === 'deny') {
    return ['denied', ...by].join(' ');
  }
  if (effect === 'allow') {
    return used.join(' ');
  }
  if (approval === null) {
    return ['ask', ...by, 'new'].join(' ');
  }
  const problem = redemptionRefusal(a, approval, CALLED, digest);
  return problem === undefined
    ? [...used, 'redeemed', `t${a.at}/q${approval}`].join(' ')
    : `redeem ${problem}`;
}
