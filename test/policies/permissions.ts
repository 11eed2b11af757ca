// Rules about actions and requests for approval, for the tests of policies and for the probe: a rule of every sort, a request in every
// state, one request short of the limit for scout and the limit itself for late, and twins of alice's in the other tenant.
//
// No argument is encrypted here: the database looks at the beginning of a value (wrapped.ts). Those of the demo stand in
// src/demo/permissions.ts.

import { AGENTS, type AgentName, id, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import type { DelegationId, EntityId, TenantId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { keyOf, under } from './wrapped.ts';

const acme = TENANTS.acme.id;
const globex = TENANTS.globex.id;
const alice = USERS.alice.id;
const REQUEST = id<string>(7, 'a44a96e');
const OWNERS = ['alice', 'bob', 'mallory'] as const;
type Owner = (typeof OWNERS)[number];

/** A rule about every agent, of everybody who makes some. */
export const GENERAL: Readonly<Record<Owner, string>> = {
  alice: id(11, '6e4ea11ce'),
  bob: id(11, '6e4eb0b'),
  mallory: id(11, '6e4ebad'),
};

const everyAgent = <Value>(of: (name: AgentName) => Value) =>
  Object.fromEntries(Object.keys(AGENTS).map((name) => [name, of(name as AgentName)])) as Readonly<
    Record<AgentName, Value>
  >;
const last = (name: AgentName) => AGENTS[name].id.slice(-7);

/** A rule about each agent of the cast alone. */
export const PARTICULAR = everyAgent((name) => id<string>(11, `9a47${last(name)}`));
/** A request of each agent of the cast. */
export const WAITING = everyAgent((name) => id<string>(12, `3a17${last(name)}`));

/** A rule of alice's twin in the other tenant; no rule in hers has this id. */
export const TWIN_RULE = id<string>(11, '731');
/** An agent of alice's twin in the other tenant; no agent in hers has this id. */
export const TWIN_AGENT = id<EntityId>(2, '731');

/** Two hops of alice's, to rogue and on to late; in the other tenant the twin of the upper one is scout's. */
export const HOPS = { upper: id<DelegationId>(5, '0994'), lower: id<DelegationId>(5, '1034') } as const;

/** What the requests below are for, and the digest of it. */
export const ASKED = { service: 'desk', action: 'files.write', digest: 'ab'.repeat(32) } as const;

/** By how much something of this sort expires, in seconds from when it is laid out. */
const DAY = 86_400;

type Request = {
  readonly id: string;
  readonly agent: AgentName;
  readonly chain: readonly DelegationId[];
  readonly decision?: 'approved' | 'rejected';
  readonly redeemed?: true;
  readonly expires?: number;
  /** Of the rules; those in force, if left out. */
  readonly version?: string;
  readonly service?: string;
  readonly action?: string;
};

const THROUGH = [DELEGATIONS.scout.id];
const scouts = (state: string, rest: Omit<Request, 'id' | 'agent' | 'chain'>): Request => ({
  id: id(12, state),
  agent: 'scout',
  chain: THROUGH,
  ...rest,
});
const approved = 'approved';

/** Requests of alice's agents, one in every state. */
export const REQUESTS = {
  approved: scouts('a4404ed', { decision: approved }),
  rejected: scouts('4e1ec7', { decision: 'rejected' }),
  redeemed: scouts('4edee3ed', { decision: approved, redeemed: true }),
  expired: scouts('e84143d', { decision: approved, expires: -3600 }),
  lapsed: scouts('1a95ed', { expires: -3600 }),
  changed: scouts('c4a46ed', { decision: approved, version: 'of other rules' }),
  'changed and waiting': scouts('c4a46ed3a17', { version: 'of other rules' }),
  'approved for the tracker': scouts('7ac4e4', {
    decision: approved,
    service: 'tracker',
    action: 'issues.create',
  }),
  'through another chain': {
    ...scouts('07e4c4a1', { decision: approved }),
    chain: [DELEGATIONS.scoutInGarden.id],
  },
  'of a sub-agent': {
    id: id(12, '5b'),
    agent: 'scribe',
    chain: [DELEGATIONS.scout.id, DELEGATIONS.scribe.id],
    decision: approved,
  },
  'of two hops': { id: id(12, '2409'), agent: 'late', chain: [HOPS.upper, HOPS.lower] },
} as const satisfies Readonly<Record<string, Request>>;

/** A request of alice's twin in the other tenant, approved and waiting; no request in hers has these ids. */
export const TWIN_REQUESTS = { approved: id<string>(12, '731a'), waiting: id<string>(12, '731b') } as const;

type Rule = {
  readonly id: string;
  readonly tenant?: TenantId;
  readonly owner: EntityId;
  readonly agent?: EntityId;
  readonly service: string;
  readonly action: string;
  readonly effect: 'allow' | 'ask' | 'deny';
};

/** Rules of alice's, each of which fits actions that one beside it does not. */
const RULES: readonly Rule[] = [
  // what the probe has services used for, for every agent
  { id: id(11, '59a4e'), owner: alice, service: 'spare', action: '*', effect: 'allow' },
  { id: id(11, 'f04eca57'), owner: alice, service: 'weather', action: 'forecast', effect: 'deny' },
  ...(['scout', 'scribe'] as const).map((name): Rule => {
    const agent = AGENTS[name].id;
    return {
      id: id(11, `f11e5${last(name)}`),
      owner: alice,
      agent,
      service: 'desk',
      action: 'files.*',
      effect: 'ask',
    };
  }),
  { id: id(11, '4003500'), owner: alice, service: 'desk', action: 'rooms.*', effect: 'allow' },
  { id: id(11, '40035'), owner: alice, service: 'desk', action: 'rooms', effect: 'deny' },
  { id: id(11, '54e1f'), owner: alice, service: 'shelf', action: 'files.*', effect: 'deny' },
];

/** Makes a rule, whatever the policies would say to it. */
export async function keepRule(sql: Sql, { tenant = acme, agent, ...rule }: Rule): Promise<void> {
  await sql.rows(
    `insert into permissions (tenant_id, id, owner_id, agent_id, service, action, effect, created_by, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $3, $8)`,
    [tenant, rule.id, rule.owner, agent ?? null, rule.service, rule.action, rule.effect, REQUEST],
  );
}

type Kept = Request & { readonly tenant?: TenantId; readonly owner?: EntityId };

/** Keeps a request, whatever the policies would say to it. Its rules must be there: it is under the version of those in force. */
export async function keepRequest(sql: Sql, kept: Kept): Promise<void> {
  const { tenant = acme, owner = alice, agent, chain, decision, expires = DAY } = kept;
  const { service, action } = { ...ASKED, ...kept };
  await sql.rows(
    `insert into approvals (tenant_id, id, owner_id, agent_id, service, action, arguments, digest, version, chain, created_at,
       expires_at, decision, decided_at, decided_by, redeemed_at, redemption_id, created_by, delegation_id, request_id)
     select $1, $2, $3, $4, $5, $6, to_jsonb($7::text), $8, coalesce($9, (bailiwick.judge($1, $3,
              array(select d.delegate_id from delegations d where d.tenant_id = $1 and d.id = any ($10) order by d.depth),
              $5, $6, null)).version),
            $10, now() - interval '1 day', now() + make_interval(secs => $11), $12::text, t.decided,
            case when $12 is not null then $3::uuid end, t.redeemed, case when t.redeemed is not null then $13::uuid end, $4, $14, $13
       from (select case when $12::text is not null then now() end as decided, case when $15 then now() end as redeemed) t`,
    [
      ...[tenant, kept.id, owner, AGENTS[agent].id, service, action, under(keyOf(owner)), ASKED.digest],
      ...[
        kept.version ?? null,
        chain,
        expires,
        decision ?? null,
        REQUEST,
        chain.at(-1),
        kept.redeemed ?? false,
      ],
    ],
  );
}

/** Makes those above. The cast, spares of agents, delegations and wrapped keys must be there. */
export async function arrangePermissions(sql: Sql): Promise<void> {
  for (const who of OWNERS) {
    const { id: owner, tenant } = USERS[who];
    const said = { tenant: TENANTS[tenant].id, owner, service: 'probe', effect: 'ask' } as const;
    await keepRule(sql, { ...said, id: GENERAL[who], action: 'general' });
  }
  const everybody = Object.entries(AGENTS) as [AgentName, (typeof AGENTS)[AgentName]][];
  for (const [name, { id: agent, owner, tenant }] of everybody) {
    const of = { tenant: TENANTS[tenant].id, owner: USERS[owner].id };
    await keepRule(sql, {
      ...of,
      id: PARTICULAR[name],
      agent,
      service: 'probe',
      action: 'particular',
      effect: 'deny',
    });
  }
  for (const rule of RULES) {
    await keepRule(sql, rule);
  }
  for (const [name, { owner, tenant }] of everybody) {
    const of = { tenant: TENANTS[tenant].id, owner: USERS[owner].id };
    const chain = name === 'scribe' ? [...THROUGH, DELEGATIONS.scribe.id] : [DELEGATIONS[name].id];
    await keepRequest(sql, { ...of, id: WAITING[name], agent: name, chain });
  }
  for (const request of Object.values(REQUESTS)) {
    await keepRequest(sql, request);
  }
  await fill(sql, 'scout', DELEGATIONS.scout.id, 49);
}

/** Has requests wait, until there are so many of an agent's. */
export async function fill(
  sql: Sql,
  agent: AgentName,
  delegation: DelegationId,
  most: number,
): Promise<void> {
  await sql.rows(
    `insert into approvals (tenant_id, id, owner_id, agent_id, service, action, arguments, digest, version, chain, expires_at,
       created_by, delegation_id, request_id)
     select $1, ('019a0000-0000-7012-8000-f111' || right($3::text, 5) || lpad(to_hex(n), 3, '0'))::uuid, $2, $3, 'desk', 'files.write',
            to_jsonb($4::text), $5, 'x', array[$6::uuid], now() + interval '1 day', $3, $6, $7
       from generate_series(1, $8 - (select count(*) from approvals where tenant_id = $1 and agent_id = $3 and decision is null
         and expires_at > now())) n`,
    [acme, alice, AGENTS[agent].id, under(keyOf(alice)), ASKED.digest, delegation, REQUEST, most],
  );
}

/** Those of alice's twin. The twin and its keys must be there. */
export async function arrangePermissionTwins(sql: Sql): Promise<void> {
  const twin = { tenant: globex, owner: alice };
  await keepRule(sql, { ...twin, id: TWIN_RULE, ...ASKED, effect: 'deny' });
  await keepRule(sql, { ...twin, id: GENERAL.alice, service: 'probe', action: 'general', effect: 'ask' });
  const asked = { ...twin, agent: 'scout', chain: THROUGH } as const;
  for (const request of [
    REQUESTS.approved,
    { ...asked, id: TWIN_REQUESTS.approved, decision: approved } as const,
  ]) {
    await keepRequest(sql, { ...twin, ...request });
  }
  for (const key of [WAITING.scout, TWIN_REQUESTS.waiting]) {
    await keepRequest(sql, { ...asked, id: key });
  }
}
