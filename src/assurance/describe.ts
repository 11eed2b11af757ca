// Worlds and those who ask in them as text: what a counter-example looks like.

import { DELEGABLE, SCOPES } from '../capabilities.ts';
import { ACTIONS } from './actions.ts';
import { type Asker, firstKeyOf, issuerOf, type Status, slugOf, type World } from './world.ts';

/** Words as they are, or that it is all there are. */
const listed = (words: readonly string[], all: readonly string[]) =>
  words.length === all.length && words.every((word) => all.includes(word)) ? 'everything' : words.join(' ');

/** A world as text, a line for each thing: what a counter-example looks like. */
export function describeWorld({ tenants }: World): string {
  const limit = (ceiling: readonly string[] | null) =>
    ceiling === null ? '' : ` ceiling [${ceiling.join(' ')}]`;
  const ended = ({ epoch }: { epoch: number | null }) =>
    epoch === null ? '' : ` tokens count from ${epoch} s`;
  const state = (status: Status) => (status === 'active' ? '' : ` ${status}`);
  return tenants
    .flatMap((tenant, t) => [
      `${slugOf(t)}${state(tenant.status)}, hops live ${tenant.subdelegationSeconds} s${
        tenant.issuer === null ? '' : `, ${tenant.issuer} issuer of its own`
      }`,
      ...tenant.users.map(
        (u, n) =>
          `  u${n} user${u.admin ? ' admin' : ''}${u.service ? ' service' : ''}${state(u.status)}${limit(u.ceiling)}${ended(u)}`,
      ),
      ...tenant.agents.map(
        (a, n) =>
          `  a${n} agent of u${a.owner}${a.parent === null ? '' : ` below a${a.parent}`}${state(a.status)}${limit(a.ceiling)}${ended(a)}${a.instructed ? ' instructed' : ''}`,
      ),
      ...tenant.places.map(
        (p, n) =>
          `  w${n} world of u${p.owner}${state(p.status)}, members ${
            tenant.members
              .filter(({ place }) => place === n)
              .map(({ user, guest }) => `u${user}${guest ? ' (guest)' : ''}`)
              .join(' ') || 'none'
          }`,
      ),
      ...tenant.delegations.map(
        (d, n) =>
          `  d${n} ${d.delegator} -> a${d.delegate} for u${d.owner}${d.parent === null ? '' : ` below d${d.parent}`}${
            d.place === null ? '' : ` only w${d.place}`
          } [${listed(d.capabilities, DELEGABLE)}] passes on ${d.redelegate}, from ${d.starts} s to ${d.ends} s${d.revoked ? ', revoked' : ''}`,
      ),
      ...tenant.keys.map(
        (k, n) =>
          `  k${n} ${k.kind} of ${k.entity}${k.pinned === null ? '' : ` bound to d${k.pinned}`} [${listed(k.capabilities, SCOPES)}] to ${k.ends} s${
            k.revoked ? ', revoked' : ''
          }`,
      ),
      ...tenant.dataKeys.map(
        (k, n) => `  e${n} data key of ${k.holder}${k.state === 'live' ? '' : `, ${k.state}`}`,
      ),
      ...tenant.services.map((s, n) => {
        const key = firstKeyOf(tenant, `u${s.owner}`);
        const meant = s.agent === null ? '' : ` for a${s.agent}`;
        const secret = key === null ? ', without a secret' : `, its secret under e${key}`;
        return `  s${n} service of u${s.owner}${meant}${s.ownerOnly ? " the owner's alone" : ''}${
          s.ends === null ? '' : ` to ${s.ends} s`
        }${secret}`;
      }),
      ...tenant.permissions.map(
        (l, n) =>
          `  l${n} rule of u${l.owner}: ${l.effect} ${l.agent === null ? 'everybody' : `a${l.agent}`} to ${l.action} at ${l.service}`,
      ),
      ...tenant.approvals.map(
        (q, n) =>
          `  q${n} asked under d${q.delegation} to ${ACTIONS[q.about]?.action}, ${q.redeemed ? 'redeemed' : (q.decision ?? 'waiting')}, to ${q.ends} s${
            q.current ? '' : ', under other rules'
          }`,
      ),
      ...tenant.baselines.map(
        (b, n) =>
          `  b${n} baseline of a${b.agent}${b.frozen ? ', frozen' : ''}${b.lenient ? ', lenient' : ''}`,
      ),
      ...tenant.receipts.map((c, n) => `  c${n} receipt that a${c.agent} has read something of ${c.owner}`),
      ...tenant.memories.map(
        (m, n) =>
          `  m${n} memory of ${m.owner}${m.agent === null ? '' : ` by a${m.agent}`}${m.place === null ? '' : ` in w${m.place}`}${
            m.shared ? ', shared' : ''
          }${m.sensitive ? `, sensitive under e${firstKeyOf(tenant, m.owner)}` : ''}`,
      ),
    ])
    .join('\n');
}

/** An asker as text: `a1 under d0, for u0, in tenant-0`. */
export function describeAsker({ tenant, actor, delegation, onBehalfOf, token, by }: Asker): string {
  if (by !== undefined && 'service' in by) {
    return `the server, for ${by.service}`;
  }
  const scopes = `scopes [${listed(token.scopes, SCOPES)}]`;
  return [
    actor,
    ...(delegation === null ? [] : [`under d${delegation}`]),
    ...(onBehalfOf === null ? [] : [`for ${onBehalfOf}`]),
    `of ${slugOf(tenant)}`,
    ...(by === undefined || !('issuer' in by) ? [] : [`vouched for by ${issuerOf(by.issuer)}`]),
    ...(by !== undefined && 'issued' in by
      ? [`with a token on k${by.issued}${by.spent ? ', revoked' : ''}`]
      : []),
    ...(by !== undefined && 'key' in by
      ? [`with k${by.key}`]
      : [...(token.expired ? ['with an expired token'] : []), scopes]),
  ].join(', ');
}
