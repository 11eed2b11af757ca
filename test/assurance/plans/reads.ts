// Every way of reading that the schema offers, made from the schema: each connection in each order, from both ends and past
// a cursor, with each filter; each connection inside a row and inside a list; each type by id; search; who is asking.
//
// A field, order or filter that is added to the schema is asked for without anybody remembering to; a filter for which no
// value is known here is an error.

import {
  type GraphQLField,
  type GraphQLInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isObjectType,
} from 'graphql';
import { fromGlobalId, toGlobalId } from '../../../src/api/global-id.ts';
import { AGENTS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import { schema } from '../../../src/schema.ts';
import { type Asked, GARDEN, globalIds, type Owners, SCOUT, WHO, type WhoName } from './asking.ts';
import { documentOf, OPERATIONS, rootFields } from './documents.ts';

type Field = GraphQLField<unknown, unknown>;

const PAGE = 20;
const EVERYBODY: readonly WhoName[] = ['big', 'small'];
const OTHERS: readonly WhoName[] = [
  'agent for big',
  'agent for big in one world',
  'agent as itself',
  'administrator',
];

/** A person holds no delegation, so that field is asked by those who do. */
const ASKERS: Readonly<Record<string, readonly WhoName[]>> = {
  // of its tenant an administrator sees all of them
  credentials: [...EVERYBODY, 'administrator'],
  delegationsHeld: ['agent as itself', 'small agent as itself'],
};

/** Values for each filter, of an owner's things. */
const FILTERS: Readonly<Record<string, (ids: Readonly<Record<string, string>>) => readonly unknown[]>> = {
  'ActivityFilter.action': () => ['things.find'],
  'ActivityFilter.agentId': ({ Agent }) => [Agent],
  'ActivityFilter.outcome': () => ['FAILED', 'ALLOWED'],
  'ActivityFilter.service': () => ['service-3'],
  'ActivityFilter.since': () => [new Date(Date.now() - 7_200_000).toISOString()],
  'ActivityFilter.until': () => [new Date(Date.now() - 7_200_000).toISOString()],
  'AgentFilter.name': () => ['gent c'],
  'AgentFilter.parentId': ({ Parent }) => [Parent],
  'AgentFilter.status': () => ['ARCHIVED'],
  'ApprovalFilter.agentId': ({ Agent }) => [Agent],
  'ApprovalFilter.service': () => ['service-3'],
  'ApprovalFilter.state': () => ['WAITING', 'EXPIRED', 'REDEEMED'],
  'CredentialFilter.ended': () => [true, false],
  'CredentialFilter.holderId': ({ Agent, User }) => [Agent, User],
  'CredentialFilter.kinds': () => [['CLIENT']],
  'DelegationFilter.delegateId': ({ Agent }) => [Agent],
  'DelegationFilter.ended': () => [true, false],
  'DelegationFilter.worldId': ({ World }) => [World],
  'MemberFilter.role': () => ['MEMBER'],
  'MemoryFilter.agentId': ({ Agent }) => [Agent],
  'MemoryFilter.createdAfter': () => [new Date(Date.now() - 7_200_000).toISOString()],
  'MemoryFilter.createdBefore': () => [new Date(Date.now() - 7_200_000).toISOString()],
  'MemoryFilter.kind': () => ['fact'],
  'MemoryFilter.sensitive': () => [true, false],
  'MemoryFilter.tags': () => [['rare']],
  'MemoryFilter.worldId': ({ World }) => [World],
  'PermissionFilter.agentId': ({ Agent }) => [Agent],
  'PermissionFilter.effect': () => ['DENY'],
  'PermissionFilter.service': () => ['service-3'],
  'ReceiptFilter.agentId': ({ Agent }) => [Agent],
  'ReceiptFilter.from': () => [new Date(Date.now() - 5 * 86_400_000).toISOString().slice(0, 10)],
  'ReceiptFilter.kind': () => ['World'],
  'ReceiptFilter.operation': () => ['node'],
  'ReceiptFilter.rowId': ({ Memory }) => [Memory],
  'ReceiptFilter.to': () => [new Date(Date.now() - 5 * 86_400_000).toISOString().slice(0, 10)],
  'ServiceCredentialFilter.agentId': ({ Agent }) => [Agent],
  'ServiceCredentialFilter.expiresBefore': () => [new Date(Date.now() + 7_200_000).toISOString()],
  'ServiceCredentialFilter.holding': () => [SERVICES.tracker.secret],
  'ServiceCredentialFilter.service': () => ['service-3'],
  'WorldFilter.mine': () => [true, false],
  'WorldFilter.name': () => ['orld c'],
  'WorldFilter.status': () => ['ACTIVE'],
};

/** What a page cannot do without. */
const NEEDED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  searchMemories: { query: 'zeppelin' },
  sharedMemories: { worldId: GARDEN },
};

const QUERY = schema.getQueryType()?.getFields() ?? {};
const isPaged = (field: Field) => field.args.some(({ name }) => name === 'first');

/** Every read but those that need a cursor. */
export function reads(owners: Owners): Asked[] {
  const pages = Object.values(QUERY).filter(isPaged);
  return [
    ...pages.flatMap((field) => askersOf(field).flatMap((who) => pagesOf(field, who, owners))),
    ...pages.flatMap((field) =>
      OTHERS.map((who) => ({ ...page(field, who, `${field.name}`, {}), mayBeEmpty: true })),
    ),
    ...EVERYBODY.flatMap((who) => [...nested(who, owners), ...byId(who, owners)]),
    ...EVERYBODY.map(preview),
    ...EVERYBODY.flatMap((who) => usual(who, owners)),
    ...EVERYBODY.flatMap((who) => explained(who, owners)),
    ...[...EVERYBODY, ...OTHERS].map((who) => ({ name: 'viewer', who, text: documentOf('Viewer') })),
  ];
}

/** The same page past a cursor, from either end; there may be nothing. */
export function further({ name, variables, ...asked }: Asked, cursor: string): Asked[] {
  const { first: _, ...rest } = variables ?? {};
  const past = (what: string, where: object): Asked => ({
    ...asked,
    name: `${name}, ${what}`,
    variables: { ...rest, ...where },
    mayBeEmpty: true,
  });
  return [
    past('after', { first: PAGE, after: cursor }),
    // best first, and from the other end nobody reads
    ...(name.startsWith('searchMemories') ? [] : [past('before', { last: PAGE, before: cursor })]),
  ];
}

/** Whether a page is the start of one to be read on from. */
export const isStart = ({ name }: Asked) =>
  /^\w+ by [A-Z]+ (ASC|DESC)$|^searchMemories (rare|common)$/.test(name);

function askersOf({ name }: Field): readonly WhoName[] {
  return ASKERS[name] ?? EVERYBODY;
}

function page(field: Field, who: WhoName, name: string, variables: Record<string, unknown>): Asked {
  const operation = [...OPERATIONS.keys()].find((key) => {
    const asks = rootFields(documentOf(key));
    return asks.length === 1 && asks[0] === field.name;
  });
  const text = documentOf(operation ?? field.name);
  return { name, who, text, variables: { first: PAGE, ...NEEDED[field.name], ...variables } };
}

function pagesOf(field: Field, who: WhoName, owners: Owners): Asked[] {
  if (field.name === 'searchMemories') {
    return [
      page(field, who, 'searchMemories rare', {}),
      page(field, who, 'searchMemories common', { query: 'harvest' }),
    ];
  }
  return [
    ...ordersOf(field).flatMap(({ name, order }) => [
      page(field, who, `${field.name} by ${name}`, order),
      page(field, who, `${field.name} by ${name}, last`, { ...order, first: null, last: PAGE }),
    ]),
    ...filtersOf(field, who, owners).map(({ name, filter }) =>
      // what a filter finds depends on the owner, and may be nothing
      ({ ...page(field, who, `${field.name} ${name}`, { filter }), mayBeEmpty: true }),
    ),
  ];
}

function inputFields(field: Field, argument: string): Readonly<Record<string, { type: GraphQLInputType }>> {
  const type = field.args.find(({ name }) => name === argument)?.type;
  const named = type && getNamedType(type);
  return isInputObjectType(named) ? named.getFields() : {};
}

const valuesOf = (type: GraphQLInputType | undefined): readonly string[] => {
  const named = type && getNamedType(type);
  return isEnumType(named) ? named.getValues().map(({ name }) => name) : [];
};

/** By an argument `orderBy`, or, where there is one order only, by its `direction`; without either, the newest first. */
function ordersOf(field: Field): { readonly name: string; readonly order: Record<string, unknown> }[] {
  const alone = field.args.find(({ name }) => name === 'direction');
  if (alone !== undefined) {
    return valuesOf(alone.type).map((direction) => ({ name: `CREATED ${direction}`, order: { direction } }));
  }
  if (field.args.every(({ name }) => name !== 'orderBy')) {
    return [{ name: 'CREATED DESC', order: {} }];
  }
  const input = inputFields(field, 'orderBy');
  const by = input.field === undefined ? [undefined] : valuesOf(input.field.type);
  return by.flatMap((one) =>
    valuesOf(input.direction?.type).map((direction) => ({
      name: `${one ?? 'JOINED'} ${direction}`,
      order: { orderBy: { ...(one === undefined ? {} : { field: one }), direction } },
    })),
  );
}

function filtersOf(field: Field, who: WhoName, owners: Owners) {
  const type = field.args.find(({ name }) => name === 'filter')?.type;
  const things = owners[WHO[who].owner];
  const ids = { ...globalIds(things), Parent: toGlobalId('Agent', things.parent) };
  return Object.keys(inputFields(field, 'filter')).flatMap((name) => {
    const values = FILTERS[`${type && getNamedType(type).name}.${name}`];
    if (values === undefined) {
      throw new TypeError(`no value is known for the filter ${name} of ${field.name}: add one to FILTERS`);
    }
    const some = values(ids);
    const several = some.length > 1;
    return some.map((value) => ({
      name: `of ${name}${typeof value === 'boolean' || several ? ` ${labelOf(value)}` : ''}`,
      filter: { [name]: value },
    }));
  });
}

/** A word of the schema or a truth as it is, an id by its type. */
const labelOf = (value: unknown): string =>
  typeof value === 'string' && !/^[A-Z]+$/.test(value) ? fromGlobalId(value).type : String(value);

/** Connections inside a row by id, and inside a page: each in each order, and under two aliases. */
function nested(who: WhoName, owners: Owners): Asked[] {
  const ids: Readonly<Record<string, string>> = { ...globalIds(owners[WHO[who].owner]), Agent: SCOUT };
  const lists: Readonly<Record<string, string>> = { Agent: 'agents', World: 'worlds' };
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter(({ name }) => name !== 'Query')
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter(isPaged)
        .map((field) => ({ type, field })),
    )
    .flatMap(({ type, field }) => [
      ...ordersOf(field).map(({ name, order }) => ({
        name: `${type.name}.${field.name} by ${name}`,
        who,
        text: `query ($id: ID!, $orderBy: ${argumentType(field, 'orderBy')}) { node(id: $id) { ... on ${type.name} {
          ${field.name}(orderBy: $orderBy) { edges { cursor node { id } } } } } }`,
        variables: { id: ids[type.name], ...order },
        mayBeEmpty: true,
      })),
      {
        name: `${lists[type.name]} with ${field.name}`,
        who,
        text: `{ ${lists[type.name]} { edges { node { id ${field.name}(first: 3) { edges { node { id } } } } } } }`,
      },
      {
        name: `${lists[type.name]} with ${field.name} twice`,
        who,
        text: `{ ${lists[type.name]} { edges { node { id ${field.name}(first: 3) { edges { node { id } } }
          again: ${field.name}(last: 2) { edges { node { id } } } } } } }`,
      },
    ]);
}

function argumentType(field: Field, argument: string): string {
  const found = field.args.find(({ name }) => name === argument);
  if (found === undefined) {
    throw new TypeError(`${field.name} has no ${argument}`);
  }
  return String(found.type);
}

/** What would be said of an action of an agent of the cast under its delegation, with a rule that is not there. */
function preview(who: WhoName): Asked {
  const agent = WHO[who].owner === 'bob' ? 'bobot' : 'scout';
  const agentId = toGlobalId('Agent', AGENTS[agent].id);
  const delegationId = toGlobalId('Delegation', DELEGATIONS[agent].id);
  const action = { service: 'service-3', action: 'things.change' };
  const instead = [{ agentId, ...action, effect: 'ALLOW' }];
  return {
    ...{ name: 'permissionPreview', who, text: documentOf('PreviewPermission'), mayBeEmpty: true },
    variables: { input: { agentId, delegationId, ...action, instead } },
  };
}

/** What is usual for agents: as it is kept, and compared with the log and with what it is about to do, frozen or learned as it is asked. */
function usual(who: WhoName, owners: Owners): Asked[] {
  const { Agent } = globalIds(owners[WHO[who].owner]);
  const cast = toGlobalId('Agent', AGENTS[WHO[who].owner === 'bob' ? 'bobot' : 'scout'].id);
  const text = documentOf('CompareToBaseline');
  const calls = [{ host: 'host-2.invalid', port: 443 }, { host: 'new.invalid' }];
  return [
    { name: 'AgentBaseline', who, text: documentOf('AgentBaseline'), variables: { id: Agent } },
    ...[Agent, cast].flatMap((agentId) => {
      const which = agentId === cast ? 'learned' : 'kept';
      return [
        { name: `compareToBaseline ${which}, the log`, who, text, variables: { agentId } },
        { name: `compareToBaseline ${which}, calls`, who, text, variables: { agentId, calls } },
      ];
    }),
  ];
}

/** Why the owner may do something with a row of each type, and what one of its agents can do, with what has ended and without. */
function explained(who: WhoName, owners: Owners): Asked[] {
  const ids = globalIds(owners[WHO[who].owner]);
  return [
    ...Object.entries(ids).map(([type, id]) => ({
      ...{ name: `explainAccess ${type}`, who, text: documentOf('ExplainAccess'), mayBeEmpty: true },
      variables: { id, verb: 'READ' },
    })),
    ...[true, false].map((includeEnded) => ({
      ...{ name: `effectivePermissions ${includeEnded}`, who, text: documentOf('EffectivePermissions') },
      ...{ mayBeEmpty: true, variables: { agentId: ids.Agent, includeEnded } },
    })),
  ];
}

function byId(who: WhoName, owners: Owners): Asked[] {
  const ids = globalIds(owners[WHO[who].owner]);
  const agent = { id: ids.Agent, first: PAGE };
  return [
    ...Object.entries(ids).map(([type, id]) => ({
      name: `node ${type}`,
      who,
      text: documentOf('Node'),
      variables: { id },
    })),
    { name: 'nodes', who, text: documentOf('Nodes'), variables: { ids: Object.values(ids) } },
    { name: 'AgentWithMemories', who, text: documentOf('AgentWithMemories'), variables: agent },
    { name: 'WorldWithMembers', who, text: documentOf('WorldWithMembers'), variables: { id: ids.World } },
  ];
}
