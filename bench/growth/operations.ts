// What the growth suite asks: pages, each by whoever has few or many of something. Where a page is in the middle of many, the server is asked for
// its cursor first.

import { toGlobalId } from '../../src/api/global-id.ts';
import type { Caller } from '../comparison/stage.ts';
import {
  delegationIn,
  holder,
  hop,
  link,
  MIDDLE,
  member,
  rowsOwner,
  TENANT,
  tenantDelegation,
  tenantSlug,
  worldOf,
} from './filling.ts';
import { DEPTHS, type Sizes } from './sizes.ts';

export type Asked = { readonly query: string; readonly variables: Readonly<Record<string, unknown>> };

/** One question to one who has so many of something. */
export type Question = {
  readonly size: number;
  /** More than one ask in turns. */
  readonly callers: readonly Caller[];
  readonly asked: Asked;
  /** Asked first: its cursor becomes the variable `after`. */
  readonly place?: Asked;
};

/** The same question, to all sizes of something that grows. */
export type Comparison = {
  readonly dimension: string;
  readonly operation: string;
  readonly questions: readonly Question[];
};

export const PAGE = `query Page($after: String) { memories(first: 20, after: $after) {
  edges { cursor node { id kind content createdAt agent { id name } } } pageInfo { hasNextPage endCursor } } }`;
const PLACE = `query Place($kind: String!) { memories(first: 1, filter: { kind: $kind }) { edges { cursor } } }`;
const FILTERED = `query Filtered { memories(first: 20, filter: { kind: "fact" }, orderBy: { field: CREATED, direction: ASC }) {
  edges { cursor node { id content createdAt } } pageInfo { hasNextPage endCursor } } }`;
const HELD = `query Held { delegationsHeld(first: 20) { edges { cursor node { id purpose capabilities expiresAt } } pageInfo { hasNextPage } } }`;
const SHARED = `query Shared($world: ID!) { sharedMemories(worldId: $world, first: 20) {
  edges { cursor node { id kind content createdAt } } pageInfo { hasNextPage endCursor } } }`;
const FELLOWS = `query Fellows($world: ID!) { node(id: $world) { ... on World { name members(first: 20) {
  edges { cursor node { id userId role } } pageInfo { hasNextPage } } } } }`;
const MEMBERS = `query Members { members(first: 20) { edges { cursor node { id userId role } } pageInfo { hasNextPage } } }`;

/** Asked of a server that has just started, and before, for a key to ask with. */
export const FIRST_QUERY = '{ memories(first: 20) { edges { node { id content agent { name } } } } }';
export const CREATE_KEY =
  'mutation { createApiKey(input: { label: "start", capabilities: ["memory:read", "agent:read"] }) { ... on IssuedApiKey { key } } }';

const plain = (query: string): Asked => ({ query, variables: {} });

/** What is asked of the first database. */
export function comparisons(sizes: Sizes): readonly Comparison[] {
  const rows = (operation: string, asked: Asked, place?: Asked): Comparison => ({
    dimension: 'memories of one owner',
    operation,
    questions: sizes.rows.map((size) => ({
      size,
      callers: [{ subject: rowsOwner(size) }],
      asked,
      ...(place === undefined ? {} : { place }),
    })),
  });
  const delegations = (operation: string, asked: Asked): Comparison => ({
    dimension: 'delegations of one agent',
    operation,
    questions: sizes.delegations.map((size, place) => ({
      size,
      callers: [{ subject: holder(size), delegationId: delegationIn(place, Math.ceil(size / 2)) }],
      asked,
    })),
  });
  const members = (operation: string, query: string): Comparison => ({
    dimension: 'members of one world',
    operation,
    questions: sizes.members.map((size) => ({
      size,
      callers: [{ subject: member(size) }],
      asked: { query, variables: query === MEMBERS ? {} : { world: toGlobalId('World', worldOf(size)) } },
    })),
  });
  return [
    rows('first page', plain(PAGE)),
    rows('page in the middle', plain(PAGE), { query: PLACE, variables: { kind: MIDDLE } }),
    rows('first page of a kind, oldest first', plain(FILTERED)),
    delegations('page of memories, through one of them', plain(PAGE)),
    delegations('page of delegations', plain(HELD)),
    {
      dimension: 'depth of the chain',
      operation: 'page of memories',
      questions: DEPTHS.map((depth) => ({
        size: depth,
        callers: [{ subject: link(depth), delegationId: hop(depth) }],
        asked: plain(PAGE),
      })),
    },
    members('page of what is shared', SHARED),
    members('page of its members', FELLOWS),
    members('page of all fellows', MEMBERS),
  ];
}

/** Of how many tenants somebody asks in turns; and where the server is to be asked by as many as it has, of how many at most. */
const TURNS = 10;
export const STRANGERS = 500;

/** So many tenants of all, far from each other. */
const some = (tenants: number, most: number): readonly number[] =>
  Array.from({ length: Math.min(most, tenants) }, (_, n) =>
    Math.floor(((n + 0.5) * tenants) / Math.min(most, tenants) + 1),
  );

/** What is asked of each of the others. */
export function ofTenants(tenants: readonly number[]): readonly Comparison[] {
  const dimension = 'tenants';
  const asking = (operation: string, most: number, caller: (n: number) => Caller): Comparison => ({
    dimension,
    operation,
    questions: tenants.map((size) => ({ size, callers: some(size, most).map(caller), asked: plain(PAGE) })),
  });
  const user = (n: number) => ({ tenant: tenantSlug(n), subject: TENANT.user });
  return [
    asking('page of memories, by 10 owners in turns', TURNS, user),
    asking('page of memories, by 10 agents in turns', TURNS, (n) => ({
      tenant: tenantSlug(n),
      subject: TENANT.agent,
      delegationId: tenantDelegation(n),
    })),
    asking(`page of memories, by owners of up to ${STRANGERS} tenants in turns`, STRANGERS, user),
  ];
}

/** What is asked over few and over many connections, of the server that has the fewest tenants. */
export const ofClients = (sizes: Sizes): Comparison => ({
  dimension: 'connections of clients',
  operation: 'page of memories',
  questions: sizes.clients.map((size) => ({
    size,
    callers: [{ tenant: tenantSlug(1), subject: TENANT.user }],
    asked: plain(PAGE),
  })),
});
