// The rules, as a program that can be read aloud: who may do which verb on which row, through which chain. No SQL, no clock, no
// database: the policies must give the same answers, and neither is written from the other.
//
// An authority is who asks, for whom, within which limits. Everything else is a sentence about an authority and a row.

import { credentialOf, scopesOf } from '../../../src/assurance/keys.ts';
import type { NewRow } from '../../../src/assurance/moves.ts';
import type { Row, TableName } from '../../../src/assurance/rows.ts';
import type {
  Asker,
  Delegation,
  Key,
  Principal,
  Tenant,
  Token,
  World,
} from '../../../src/assurance/world.ts';

export type Authority = {
  readonly at: number;
  readonly tenant: Tenant;
  readonly actor: Principal;
  /** Whose rows: the actor itself, or the person at the root of the chain. */
  readonly owner: Principal;
  /** The owner's first. */
  readonly chain: readonly Delegation[];
  /** The worlds to which hops of the chain are limited. */
  readonly limits: ReadonlySet<number>;
  /** With which scopes; of a key, those that it names; of a token on a client or session, those that both name. */
  readonly token: Token;
  /** The key, or the client or session on which the token was issued, where it is one. */
  readonly key?: Key | undefined;
};

/**
 * The authority of an asker; none when the delegation is not to them, when the token names another owner than the chain, or
 * when what they show is not good: a credential that has ended, a token from before everything was ended, of a stranger, or
 * revoked.
 */
export function authorityOf(world: World, asker: Asker): Authority | undefined {
  const tenant = world.tenants[asker.tenant];
  const key = tenant && credentialOf(tenant, asker);
  if (tenant === undefined || !(key === undefined ? tokenIsGood(tenant, asker) : keyIsGood(key, asker))) {
    return undefined;
  }
  const token =
    key === undefined
      ? asker.token
      : { scopes: scopesOf(tenant, asker), expired: key.kind !== 'key' && asker.token.expired };
  const chain = chainOf(tenant, key?.pinned ?? asker.delegation);
  const last = chain.at(-1);
  const owner: Principal = last === undefined ? asker.actor : `u${last.owner}`;
  const theirs = last === undefined || `a${last.delegate}` === asker.actor;
  const named = asker.onBehalfOf === null || asker.onBehalfOf === owner;
  const limits = new Set(chain.flatMap(({ place }) => (place === null ? [] : [place])));
  return theirs && named
    ? { at: asker.tenant, tenant, actor: asker.actor, owner, chain, limits, token, key }
    : undefined;
}

/**
 * Neither revoked nor expired; one that is bound to a delegation goes with no other. An API key is shown itself, and of a client
 * or session a token that was issued on it and not revoked.
 */
const keyIsGood = (key: Key, { delegation, by }: Asker) =>
  (key.kind === 'key' ? isKey(by) : by !== undefined && 'issued' in by && !by.spent) &&
  !key.revoked &&
  key.ends > 0 &&
  (key.pinned === null || delegation === null || key.pinned === delegation);
const isKey = (by: Asker['by']) => by !== undefined && 'key' in by;

/** Of the installation's issuer or of the tenant's own, as long as it trusts that; and issued after everything was ended. */
const tokenIsGood = (tenant: Tenant, { tenant: at, actor, by }: Asker) =>
  (by === undefined || ('issuer' in by && by.issuer === at && tenant.issuer === 'active')) &&
  (entity(tenant, actor).epoch ?? 0) <= 0;

export function chainOf(tenant: Tenant, leaf: number | null): Delegation[] {
  const hop = leaf === null ? undefined : tenant.delegations[leaf];
  return hop === undefined ? [] : [...chainOf(tenant, hop.parent), hop];
}

/** A person answers for itself, an agent for itself below its owner. */
function responsible({ tenant, actor }: Authority) {
  const self = entity(tenant, actor);
  return 'owner' in self ? [self, entity(tenant, `u${self.owner}`)] : [self];
}

function entity(tenant: Tenant, principal: Principal) {
  const index = Number(principal.slice(1));
  const found = principal.startsWith('u') ? tenant.users[index] : tenant.agents[index];
  if (found === undefined) {
    throw new TypeError(`no ${principal}`);
  }
  return found;
}

export const inPerson = ({ chain }: Authority) => chain.length === 0;
export const isPerson = (principal: Principal) => principal.startsWith('u');
const within = (ceiling: readonly string[] | null, capability: string) =>
  ceiling?.includes(capability) ?? true;
const delegateOf = ({ tenant }: Authority, { delegate }: Delegation) => entity(tenant, `a${delegate}`);

/** Alive: everything that the authority rests on is in force now. */
export function alive(a: Authority): boolean {
  const everybodyActive = [a.tenant, ...responsible(a)].every(({ status }) => status === 'active');
  const everyHopLive = a.chain.every(
    (hop) => !hop.revoked && hop.starts <= 0 && hop.ends > 0 && delegateOf(a, hop).status === 'active',
  );
  // one limit is a world of which the owner must be a member; two that differ are nowhere
  const somewhere =
    a.limits.size === 0 || (a.limits.size === 1 && [...a.limits].every((place) => takesPart(a, place)));
  return !a.token.expired && everybodyActive && everyHopLive && somewhere;
}

/** Holds: alive, and the token, every ceiling and every hop allow the capability. An intersection; nothing is added up. */
export function holds(a: Authority, capability: string): boolean {
  const ofAWorld = ['world', 'member', 'memory'].includes(capability.split(':')[0] ?? '');
  return (
    alive(a) &&
    a.token.scopes.includes(capability) &&
    (a.limits.size === 0 || ofAWorld) &&
    allowedInPerson(a, capability) &&
    a.chain.every(
      (hop) => hop.capabilities.includes(capability) && within(delegateOf(a, hop).ceiling, capability),
    )
  );
}

/** What an agent may do without a delegation: see itself and what it holds, keep notes of its own, renounce. */
export const BY_ITSELF: readonly string[] = [
  ...['agent:read', 'delegation:read', 'delegation:update'],
  ...['memory:read', 'memory:create', 'memory:update', 'memory:delete'],
];

/** Whether the ceilings of whoever is responsible allow it, and, for an agent without a chain, its nature. */
function allowedInPerson(a: Authority, capability: string): boolean {
  return (
    responsible(a).every(({ ceiling }) => within(ceiling, capability)) &&
    (isPerson(a.actor) || !inPerson(a) || BY_ITSELF.includes(capability))
  );
}

/** The owner is a member of an active world; as more than a guest, where that is asked. */
function takesPart({ tenant, owner }: Authority, place: number, fully = false): boolean {
  const member = tenant.members.find((one) => one.place === place && `u${one.user}` === owner);
  return member !== undefined && !(fully && member.guest) && tenant.places[place]?.status === 'active';
}

const reaches = (a: Authority, place: number | null | undefined) =>
  a.limits.size === 0 || (place !== null && place !== undefined && a.limits.has(place));

/** An administrator: a person with that role, in person, with a token for it. */
export function administers(a: Authority): boolean {
  const self = entity(a.tenant, a.actor);
  return inPerson(a) && 'admin' in self && self.admin && holds(a, 'tenant:administer');
}

/** A party to delegations sees what it granted and holds, under any of its chains. */
const isParty = (a: Authority) =>
  alive(a) && a.token.scopes.includes('delegation:read') && allowedInPerson(a, 'delegation:read');

export type Rule = (a: Authority, row: Row) => boolean;
const never: Rule = () => false;
const own = (a: Authority, row: { owner: Principal | null }, capability: string) =>
  row.owner === a.owner && holds(a, capability);
const itself = (a: Authority, row: Row) =>
  inPerson(a) && row.name === a.actor && !isPerson(a.actor) && holds(a, 'agent:read');
const joined = (a: Authority, row: Row, capability: string) =>
  typeof row.place === 'number' && takesPart(a, row.place) && reaches(a, row.place) && holds(a, capability);

/**
 * Others share with the owner where it is a member, and the owner with them where it is more than a guest; by an agent, only in the world
 * that its chain names.
 */
export const shares = (a: Authority, place: number | null | undefined, verb: 'read' | 'create' | 'update') =>
  typeof place === 'number' &&
  takesPart(a, place, verb !== 'read') &&
  (inPerson(a) || a.limits.has(place)) &&
  holds(a, `memory:${verb}`);

/** Of rows of the authority's own tenant: nothing below ever sees another. */
const MAY_SEE: Readonly<Record<TableName, Rule>> = {
  tenants: () => true,
  entities: (a, row) =>
    administers(a) ||
    (row.kind === 'user' && own(a, row, 'user:read')) ||
    (row.kind === 'agent' && (own(a, row, 'agent:read') || itself(a, row))) ||
    (row.kind === 'world' &&
      ((own(a, row, 'world:read') && reaches(a, row.place)) || joined(a, row, 'world:read'))),
  users: (a, row) => own(a, row, 'user:read') || administers(a),
  agents: (a, row) => own(a, row, 'agent:read') || itself(a, row),
  agent_instructions: (a, row) => (inPerson(a) && own(a, row, 'agent:read')) || itself(a, row),
  worlds: (a, row) => (own(a, row, 'world:read') && reaches(a, row.place)) || joined(a, row, 'world:read'),
  world_members: (a, row) =>
    (own(a, row, 'member:read') && reaches(a, row.place)) || joined(a, row, 'member:read'),
  delegations: (a, row) =>
    own(a, row, 'delegation:read') ||
    administers(a) ||
    (isParty(a) && [row.delegation?.delegator, `a${row.delegation?.delegate}`].includes(a.actor)),
  memories: (a, row) =>
    (own(a, row, 'memory:read') && reaches(a, row.place)) ||
    (row.shared === true && shares(a, row.place, 'read')),
  // the server's alone, which is nobody
  issuers: never,
  credentials: (a, row) => (inPerson(a) && own(a, row, 'key:read')) || administers(a),
  // wrapped, and of no use to whoever has nothing else: whatever the authority may do
  tenant_keys: (a) => alive(a),
  data_keys: (a, row) =>
    (row.dataKey?.holder === a.owner && alive(a)) || (inPerson(a) && own(a, row, 'agent:read')),
  service_credentials: (a, row) => seesService(a, row),
  service_secrets: (a, row) => readsSecret(a, row),
  // an agent sees what binds it, and what it has asked for itself
  permissions: (a, row) =>
    own(a, row, 'permission:read') &&
    (a.actor === row.owner ||
      row.permission?.agent === null ||
      a.chain.some(({ delegate }) => delegate === row.permission?.agent)),
  approvals: (a, row) =>
    own(a, row, 'approval:read') &&
    (a.actor === row.owner || a.actor === `a${delegateThrough(a, row.approval?.delegation)}`),
  activity_entries: (a, row) =>
    own(a, row, 'activity:read') &&
    (a.actor === row.owner || a.actor === `a${delegateThrough(a, row.approval?.delegation)}`),
  // an agent sees what is usual for itself, and nothing of what is written down about its reading
  baselines: (a, row) =>
    own(a, row, 'baseline:read') && (a.actor === row.owner || a.actor === `a${row.baseline?.agent}`),
  access_receipts: (a, row) => inPerson(a) && own(a, row, 'receipt:read'),
};
const delegateThrough = ({ tenant }: Authority, hop: number | undefined) =>
  tenant.delegations[hop ?? -1]?.delegate;

/** One for a single agent concerns its owner and that agent alone. */
const concerns = (a: Authority, { owner, service }: Row) =>
  a.actor === owner || service?.agent === null || `a${service?.agent}` === a.actor;
/** To see that there is one, to have it used and to read the secret are three rights; the owner's alone is read by no agent. */
export const seesService: Rule = (a, row) => own(a, row, 'credential:read') && concerns(a, row);
export const readsSecret: Rule = (a, row) =>
  own(a, row, 'secret:read') && concerns(a, row) && (isPerson(a.actor) || row.service?.ownerOnly === false);

/** Making, changing and deleting a credential for a service, its secret, or a rule: the owner in person, and no secret unread. */
const personally = (capability: string) => (a: Authority, row: { owner: Principal | null }) =>
  inPerson(a) && own(a, row, capability);
const services = (verb: 'update' | 'delete') => ({
  service_credentials: personally(`credential:${verb}`),
  service_secrets: ((a, row) =>
    personally(`credential:${verb}`)(a, row) && readsSecret(a, row)) satisfies Rule,
  permissions: personally(`permission:${verb}`),
  // what was asked for stays as it was, and so does what was done
  ...{ approvals: never, activity_entries: never },
});

/** What is the operator's to write, and the kernel's. */
const nobody = () => false;
const KEPT = {
  ...{ issuers: nobody, credentials: nobody, tenant_keys: nobody, data_keys: nobody },
  access_receipts: nobody,
};

const MAY_UPDATE: Readonly<Record<TableName, Rule>> = {
  tenants: never,
  // status and ceiling: in person only, and an archived one stays as it is
  entities: (a, row) =>
    row.status !== 'archived' &&
    (administers(a) || (row.kind !== 'user' && inPerson(a) && own(a, row, `${row.kind}:update`))),
  users: (a, row) => own(a, row, 'user:update'),
  agents: (a, row) => own(a, row, 'agent:update'),
  agent_instructions: (a, row) => inPerson(a) && own(a, row, 'agent:update'),
  worlds: (a, row) => own(a, row, 'world:update') && reaches(a, row.place),
  world_members: (a, row) => !isOwners(row) && own(a, row, 'member:update') && reaches(a, row.place),
  delegations: never,
  memories: (a, row) => own(a, row, 'memory:update') && reaches(a, row.place),
  baselines: personally('baseline:update'),
  ...services('update'),
  ...KEPT,
};

const MAY_DELETE: Readonly<Record<TableName, Rule>> = {
  ...{ tenants: never, entities: never, users: never, agents: never, agent_instructions: never },
  ...{ worlds: never, delegations: never, baselines: never, ...KEPT },
  world_members: (a, row) =>
    !isOwners(row) &&
    ((own(a, row, 'member:delete') && reaches(a, row.place)) ||
      (inPerson(a) && `u${row.user}` === a.actor && holds(a, 'member:delete'))),
  memories: (a, row) => own(a, row, 'memory:delete') && reaches(a, row.place),
  ...services('delete'),
};

const isOwners = (row: Row) => `u${row.user}` === row.owner;

const MAY_INSERT: Readonly<Record<TableName, (a: Authority, row: NewRow) => boolean>> = {
  ...{ tenants: () => false, users: () => false, delegations: () => false },
  ...KEPT,
  ...{
    service_credentials: personally('credential:create'),
    service_secrets: personally('credential:create'),
  },
  permissions: personally('permission:create'),
  baselines: personally('baseline:create'),
  // of the owner it acts for, whether it may ask being another question (permissions.ts)
  approvals: (a, row) => !inPerson(a) && own(a, row, 'approval:create'),
  // in its own name, through this very chain
  activity_entries: (a, row) =>
    !inPerson(a) && own(a, row, 'activity:create') && row.by === a.actor && isThrough(a, row),
  entities: (a, row) =>
    row.kind !== 'user' &&
    (row.status ?? 'active') === 'active' &&
    own(a, row, `${row.kind}:create`) &&
    a.limits.size === 0,
  agents: (a, row) => own(a, row, 'agent:create'),
  agent_instructions: (a, row) => inPerson(a) && own(a, row, 'agent:update'),
  // a new world is never the one to which a chain is limited
  worlds: (a, row) => own(a, row, 'world:create') && a.limits.size === 0,
  world_members: (a, row) => own(a, row, 'member:create') && reaches(a, row.place),
  memories: (a, row) =>
    own(a, row, 'memory:create') &&
    reaches(a, row.place) &&
    (row.place === null || row.place === undefined || takesPart(a, row.place)) &&
    (row.shared !== true || shares(a, row.place, 'create')),
};

/** Whether a new row names the chain of the authority. */
export function isThrough({ tenant, chain }: Authority, { chain: named = [] }: NewRow): boolean {
  const line = named.map((n) => tenant.delegations[n]);
  return line.length === chain.length && line.every((hop, n) => hop === chain[n]);
}

const sameTenant = (a: Authority, row: { tenant: number }) => row.tenant === a.at;

export const maySee = (a: Authority, row: Row) => sameTenant(a, row) && MAY_SEE[row.table](a, row);
export const mayUpdate = (a: Authority, row: Row) => sameTenant(a, row) && MAY_UPDATE[row.table](a, row);
export const mayDelete = (a: Authority, row: Row) => sameTenant(a, row) && MAY_DELETE[row.table](a, row);
export const mayInsert = (a: Authority, table: TableName, row: NewRow) =>
  sameTenant(a, row) && row.lie === undefined && MAY_INSERT[table](a, row);

export const DAY = 86_400;

/** Every scope of the token that the authority holds now. */
export function capabilitiesOf(a: Authority): string[] {
  return a.token.scopes
    .filter((scope) => (scope === 'tenant:administer' ? administers(a) : holds(a, scope)))
    .sort();
}

/** Who acts for whom, as the kernel tells the caller: kind, states, and how many hops lie between them. */
export function describedAs({ tenant, actor, owner, chain }: Authority): string {
  const kind = isPerson(actor) ? 'user' : 'agent';
  return [kind, entity(tenant, actor).status, entity(tenant, owner).status, chain.length].join('/');
}
