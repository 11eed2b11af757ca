// Rules and requests that cases start from, and what they try with them: to ask, to decide, to redeem, and to hear what is said of an
// action. The preparations are made as no policy would refuse them; a request that counts is under the rules that are there. No cases here.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { type ActorName, AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { newId } from '../../../src/ids.ts';
import type { Acting } from '../../kit/as.ts';
import { type Given, pair, SCOUT, together } from './hops.ts';
import { open, type SqlAttack, type Step, step } from './stage.ts';
import { timelyId } from './timely.ts';
import { unchecked } from './worlds.ts';

export const [APPROVED, WAITING] = [newId(), newId()];
/** Others, that are over. */
export const OVER = [timelyId(), timelyId(), timelyId(), timelyId(), timelyId()] as const;
/** What the requests are about, and the digest of it; nothing is said of it but that everything is asked for. */
export const LETTER = { service: 'mail', action: 'messages.send', digest: 'a'.repeat(64) } as const;
export const OTHER_DIGEST = 'b'.repeat(64);

type Rule = {
  readonly owner?: string;
  readonly agent?: string | null;
  readonly service?: string;
  readonly action?: string;
  readonly effect: 'allow' | 'ask' | 'deny';
};

/** A rule of alice's, unless it is said whose. */
export const rule =
  ({ owner = USERS.alice.id, agent = null, service = '*', action = '*', effect }: Rule): Given =>
  (sql) =>
    sql.rows(
      `insert into permissions (tenant_id, id, owner_id, agent_id, service, action, effect, created_by, request_id)
       values ($1, $2, $3, $4, $5, $6, $7, $3, $2)
       on conflict (tenant_id, owner_id, agent_id, service, action) do update set effect = excluded.effect`,
      [TENANTS.acme.id, newId(), owner, agent, service, action, effect],
    );

export type Request = {
  readonly agent: string;
  readonly chain: readonly string[];
  readonly decision: 'approved' | 'rejected' | null;
  readonly redeemed: boolean;
  /** Seconds from now. */
  readonly ends: number;
  /** Of the rules; those in force unless given. */
  readonly version: string | null;
};

/** A request to alice: scout's through its delegation of the cast, approved, unless something else is said. */
export const request =
  (id: string, more: Partial<Request> = {}): Given =>
  (sql) => {
    const made: Request = {
      ...{ agent: AGENTS.scout.id, chain: [SCOUT], decision: 'approved' },
      ...{ redeemed: false, ends: 3600, version: null },
      ...more,
    };
    const { service, action, digest } = LETTER;
    // without looking at what it refers to: that would lock it
    return unchecked(
      `insert into approvals (tenant_id, id, owner_id, agent_id, service, action, arguments, digest, version, chain, expires_at,
         created_at, decision, decided_at, decided_by, redeemed_at, redemption_id, created_by, delegation_id, request_id)
       select v.tenant, v.id, v.owner, v.agent, v.service, v.action, to_jsonb('bwe1.' || repeat('0', 32) || '.x'), v.digest,
              coalesce(v.version, (bailiwick.judge(v.tenant, v.owner, array(
                select d.delegate_id from delegations d where d.tenant_id = v.tenant and d.id = any (v.chain) order by d.depth),
                v.service, v.action, null)).version),
              v.chain, now() + make_interval(secs => v.ends), now() - interval '1 day', v.decision,
              case when v.decision is not null then now() end, case when v.decision is not null then v.owner end,
              case when v.redeemed then now() end, case when v.redeemed then v.id end, v.agent,
              v.chain[cardinality(v.chain)], v.id
         from (select $1::uuid as tenant, $2::uuid as id, $3::uuid as owner, $4::uuid as agent, $5::text as service,
                      $6::text as action, $7::text as digest, $8::text as version, $9::uuid[] as chain, $10::int as ends,
                      $11::text as decision, $12::boolean as redeemed) v`,
      ...[TENANTS.acme.id, id, USERS.alice.id, made.agent, service, action, digest, made.version, made.chain],
      ...[made.ends, made.decision, made.redeemed],
    )(sql);
  };

type Action = { readonly service: string; readonly action: string };

/** Asks as scout does through its delegation of the cast, or with something changed; where it may not know the version, with none. */
export function asks(expect: string | number, row: Readonly<Record<string, unknown>> = {}): Step {
  const given = {
    ...{ tenant_id: TENANTS.acme.id, id: newId(), owner_id: USERS.alice.id, agent_id: AGENTS.scout.id },
    ...{ ...LETTER, chain: [SCOUT], expires_at: SOON },
    ...row,
  };
  const { service, action } = given;
  const names = Object.keys(given).filter((name) => name !== 'version' && name !== 'arguments');
  const values = names.map((name) => (given as Readonly<Record<string, unknown>>)[name]);
  const or = (name: string, text: string) => (name in row ? `$${values.push(row[name])}` : text);
  const version = or('version', `bailiwick.authorize('${service}', '${action}')->>'version'`);
  const envelope = or(
    'arguments',
    `(select to_jsonb('bwe1.' || replace(k.id::text, '-', '') || '.x') from data_keys k where k.holder_id = '${given.owner_id}' limit 1)`,
  );
  return step(
    `insert into approvals (${names.join(', ')}, version, arguments)
     values (${names.map((_, n) => `$${n + 1}`).join(', ')}, ${version}, ${envelope})`,
    expect,
    () => values.map((value) => (value === SOON ? new Date(Date.now() + 600_000) : value)),
  );
}
const SOON = Symbol('ten minutes from when it is sent');

/** The word of the kernel, or null where it is done. */
export const redeem = (
  expect: string,
  id: string | null,
  { service, action, digest }: Action & { readonly digest: string | null } = LETTER,
): Step => step('select bailiwick.redeem_approval($1, $2, $3, $4)', expect, [id, service, action, digest]);
export const decide = (
  expect: string,
  id: string | null,
  decision: string | null = 'approved',
  digest: string | null = LETTER.digest,
): Step => step(`select bailiwick.decide_approval($1, $2, $3, 'A note.')`, expect, [id, digest, decision]);

/** What is said of an action: the effect, or null. */
export const said = (expect: string, { service, action }: Action = LETTER): Step =>
  step(`select bailiwick.authorize($1, $2)->>'effect'`, expect, [service, action]);
/** Whether one may ask for it. */
export const askable = (expect: boolean, { service, action }: Action = LETTER): Step =>
  step('select bailiwick.asked($1, $2) is not null', String(expect), [service, action]);

export const rulesSeen = (count: number): Step => step('select from permissions', count);
export const requestsSeen = (count: number): Step => step('select from approvals', count);

/** All that can be delegated, to scout and on to scribe; with whatever else there is. */
export const ALL = { capabilities: DELEGABLE, redelegate: 2 };
export const both = (...more: Given[]): Given => together(pair(ALL, { capabilities: DELEGABLE }), ...more);
/** One of scout's that is approved, and one that waits. */
export const waiting: Given = request(WAITING, { decision: null });
export const there: Given = together(both(), request(APPROVED), waiting);

/** A case in one line: the rule, what would be gained, by whom, from where, and the steps. */
export type Case = readonly [
  rule: string,
  gain: string,
  actor: ActorName,
  acting: Acting,
  given: Given | undefined,
  steps: readonly Step[],
];

/** Cases that are alike, by what they try. */
export const cases = (
  what: string,
  group: Pick<SqlAttack, 'group'>,
  all: Readonly<Record<string, Case>>,
): SqlAttack[] =>
  Object.entries(all).map(
    ([name, [number, gain, actor, acting, given, steps]]): SqlAttack => ({
      group: group.group,
      name: `${what}${name}`,
      gain,
      rule: number,
      ...(given && { given }),
      ...(steps.some(({ aside: looks }) => looks) && { changes: true }),
      steps: [open(actor, acting), ...steps],
    }),
  );
