// What the owners of the cast say of the actions of their agents, and what Scout has asked: one rule of every sort, one request that
// waits for a decision and one that was turned down.
//
// Times are relative to the seeding: a request that waits is only worth looking at while it can be decided.

import { type AgentName, id, type UserName } from './cast.ts';

const permission = (last: string): string => id(11, last);
const approval = (last: string): string => id(12, last);

export type Rule = {
  readonly id: string;
  readonly owner: UserName;
  readonly agent?: AgentName;
  readonly service: string;
  readonly action: string;
  readonly effect: 'allow' | 'ask' | 'deny';
  readonly note?: string;
};

export const PERMISSIONS: readonly Rule[] = [
  {
    id: permission('a5c'),
    owner: 'alice',
    service: '*',
    action: '*',
    effect: 'ask',
    note: 'Unless I say so',
  },
  { id: permission('de1e7e'), owner: 'alice', service: '*', action: 'accounts.*', effect: 'deny' },
  { id: permission('3ea74e4'), owner: 'alice', service: 'weather', action: '*', effect: 'allow' },
  {
    id: permission('7ac4e4'),
    owner: 'alice',
    agent: 'scout',
    service: 'tracker',
    action: 'issues.list',
    effect: 'allow',
    note: 'Scout may look',
  },
  { id: permission('b0b'), owner: 'bob', service: '*', action: '*', effect: 'deny' },
  {
    id: permission('e8c4'),
    owner: 'mallory',
    agent: 'mimic',
    service: 'exchange',
    action: '*',
    effect: 'allow',
  },
];

export type Asked = {
  readonly id: string;
  readonly owner: UserName;
  /** It asked through the delegation of its own name. */
  readonly agent: 'scout' | 'mimic';
  readonly service: string;
  readonly action: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly reason: string;
  /** Seconds relative to the time of seeding. */
  readonly made: number;
  readonly expires: number;
  readonly decision?: { readonly word: 'approved' | 'rejected'; readonly note: string; readonly at: number };
};

const HOUR = 3600;

export const APPROVALS: readonly Asked[] = [
  {
    id: approval('3a17'),
    owner: 'alice',
    agent: 'scout',
    service: 'mail',
    action: 'messages.send',
    arguments: { to: 'allotments@example.org', subject: 'Bed 12', text: 'The beans need support.' },
    reason: 'The society should know before Friday',
    made: 0,
    expires: 24 * HOUR,
  },
  {
    id: approval('4e1ec7ed'),
    owner: 'alice',
    agent: 'scout',
    service: 'shop',
    action: 'orders.place',
    arguments: { item: 'watering can', count: 12 },
    reason: 'There was a discount',
    made: -2 * HOUR,
    expires: -HOUR,
    decision: { word: 'rejected', note: 'One is enough.', at: -1.5 * HOUR },
  },
  {
    id: approval('fa4e'),
    owner: 'mallory',
    agent: 'mimic',
    service: 'mail',
    action: 'messages.send',
    arguments: { to: 'press@example.net', subject: 'Results' },
    reason: 'Quarterly results are out',
    made: 0,
    expires: 24 * HOUR,
  },
];
