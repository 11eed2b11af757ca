// The fixed cast of the demo and of the tests, as data: two tenants, their people, agents and worlds.
// Their delegations stand in delegations.ts, what they remember in memories.ts.
//
// Everybody who reads a test, ACCESS.txt or the playground meets the same names, so ids are fixed and speak: the third
// group says what a thing is (7001 user, 7002 agent, 7003 world ...), the last one which (a11ce, b0b, 5c007 for scout).
// They have the form of version 7, with a made-up time. Nothing here is inserted by itself (seed.ts), and nothing here
// decides anything: what these people may do follows from the policies alone.

import type { EntityId, TenantId } from '../ids.ts';

/** An id of the cast: of what kind, and which. */
export const id = <Id extends string>(kind: number, last: string): Id =>
  `019a0000-0000-7${String(kind).padStart(3, '0')}-8000-${last.padStart(12, '0')}` as Id;
const user = (last: string): EntityId => id(1, last);
const agent = (last: string): EntityId => id(2, last);
const world = (last: string): EntityId => id(3, last);
const member = (last: string): string => id(4, last);

/** The request in which everything was seeded. */
export const SEED_REQUEST: string = id(7, '5eed');

export type TenantSlug = 'acme' | 'globex';
export const TENANTS: Readonly<Record<TenantSlug, { readonly id: TenantId; readonly name: string }>> = {
  acme: { id: id(0, 'acce'), name: 'Acme Research' },
  globex: { id: id(0, '610be'), name: 'Globex Trading' },
};

export type UserName = 'alice' | 'bob' | 'ada' | 'mallory';
export type AgentName = 'scout' | 'scribe' | 'late' | 'rogue' | 'bobot' | 'mimic';
/** Everybody who can log in; the name is the `sub` of their tokens. */
export type ActorName = UserName | AgentName;
export type WorldName = 'garden' | 'workshop' | 'vault';

type Person = {
  readonly id: EntityId;
  readonly tenant: TenantSlug;
  readonly role: 'member' | 'admin';
  readonly displayName: string;
  readonly email: string;
  readonly locale: string;
  readonly timeZone: string;
};
export const USERS: Readonly<Record<UserName, Person>> = {
  alice: {
    id: user('a11ce'),
    tenant: 'acme',
    role: 'member',
    displayName: 'Alice Marchetti',
    email: 'alice@acme.example',
    locale: 'en-GB',
    timeZone: 'Europe/London',
  },
  bob: {
    id: user('b0b'),
    tenant: 'acme',
    role: 'member',
    displayName: 'Bob Okafor',
    email: 'bob@acme.example',
    locale: 'en-US',
    timeZone: 'America/Chicago',
  },
  ada: {
    id: user('ada'),
    tenant: 'acme',
    role: 'admin',
    displayName: 'Ada Lindqvist',
    email: 'ada@acme.example',
    locale: 'sv-SE',
    timeZone: 'Europe/Stockholm',
  },
  mallory: {
    id: user('bad'),
    tenant: 'globex',
    role: 'member',
    displayName: 'Mallory Finch',
    email: 'mallory@globex.example',
    locale: 'en-US',
    timeZone: 'America/New_York',
  },
};

type Helper = {
  readonly id: EntityId;
  readonly tenant: TenantSlug;
  readonly owner: UserName;
  readonly parent?: AgentName;
  readonly name: string;
  readonly icon: string;
  readonly description: string;
  readonly model: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly systemPrompt?: string;
  readonly privateInstructions?: string;
};
export const AGENTS: Readonly<Record<AgentName, Helper>> = {
  scout: {
    id: agent('5c007'),
    tenant: 'acme',
    owner: 'alice',
    name: 'Scout, the research assistant',
    icon: '🔭',
    description: 'Reads widely, keeps notes and says where they come from.',
    model: 'large-2026-06',
    settings: { temperature: 0.3, tone: 'plain', sources: 'always' },
    systemPrompt: 'You are Scout. Find, check and note. Never state what you could not trace to a source.',
    privateInstructions: 'Do not mention the move to Lisbon to anybody before March.',
  },
  scribe: {
    id: agent('5c1be'),
    tenant: 'acme',
    owner: 'alice',
    parent: 'scout',
    name: 'Scribe, who writes things up',
    icon: '✒️',
    description: "Turns Scout's notes into prose. Reads only.",
    model: 'small-2026-03',
    settings: { temperature: 0.7, words: 300 },
    systemPrompt: 'You are Scribe. Write what the notes say and nothing else.',
  },
  late: {
    id: agent('1a7e'),
    tenant: 'acme',
    owner: 'alice',
    name: 'Late, the holiday planner',
    icon: '🧳',
    description: 'Planned one journey; its delegation has expired.',
    model: 'small-2026-03',
    settings: {},
  },
  rogue: {
    id: agent('f0e'),
    tenant: 'acme',
    owner: 'alice',
    name: 'Rogue, the inbox sorter',
    icon: '📥',
    description: 'Filed things where nobody found them; its delegation was revoked.',
    model: 'small-2025-11',
    settings: {},
  },
  bobot: {
    id: agent('b0b07'),
    tenant: 'acme',
    owner: 'bob',
    name: 'Bobot, the bench hand',
    icon: '🔧',
    description: "Tracks parts, prices and what is lent to whom in Bob's workshop.",
    model: 'medium-2026-01',
    settings: { units: 'metric' },
    systemPrompt: 'You are Bobot. Be brief. Always give part numbers.',
    privateInstructions: 'The supplier discount is 12 %; never quote it.',
  },
  mimic: {
    id: agent('fa4e'),
    tenant: 'globex',
    owner: 'mallory',
    name: 'Mimic, the market watcher',
    icon: '🦜',
    description: 'Repeats what the market says, every morning.',
    model: 'medium-2026-01',
    settings: { schedule: '07:00' },
    systemPrompt: 'You are Mimic. Summarise the morning in five lines.',
  },
};

/** What a token's `sub` resolves to. */
export const ACTORS: Readonly<Record<ActorName, Person | Helper>> = { ...USERS, ...AGENTS };

type Place = {
  readonly id: EntityId;
  readonly tenant: TenantSlug;
  readonly owner: UserName;
  readonly name: string;
  readonly description: string;
  readonly members: Readonly<
    Partial<Record<ActorName, { readonly id: string; readonly role: 'owner' | 'member' | 'guest' }>>
  >;
};
export const WORLDS: Readonly<Record<WorldName, Place>> = {
  garden: {
    id: world('9a0de'),
    tenant: 'acme',
    owner: 'alice',
    name: 'Garden',
    description: 'The allotment that Alice and Bob keep together.',
    members: {
      alice: { id: member('9a0de00a11ce'), role: 'owner' },
      bob: { id: member('9a0de0000b0b'), role: 'member' },
    },
  },
  workshop: {
    id: world('b3c4'),
    tenant: 'acme',
    owner: 'bob',
    name: 'Workshop',
    description: "Bob's bench, tools and half-built things.",
    members: { bob: { id: member('b3c400000b0b'), role: 'owner' } },
  },
  vault: {
    id: world('fa17'),
    tenant: 'globex',
    owner: 'mallory',
    name: 'Vault',
    description: 'Where Globex keeps its positions.',
    members: { mallory: { id: member('fa1700000bad'), role: 'owner' } },
  },
};
