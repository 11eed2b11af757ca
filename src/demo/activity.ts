// What the agents of the cast have done so far, in their activity logs: an entry with every outcome, and one of every owner.
//
// Times are relative to the seeding. An entry's id begins with its time, as those of real entries do; the rest of it is fixed and
// speaks, as all ids of the cast do.

import type { AgentName, UserName } from './cast.ts';
import type { DelegationName } from './delegations.ts';

export type Done = {
  /** How its id ends. */
  readonly last: string;
  readonly owner: UserName;
  readonly agent: AgentName;
  /** The chain it was done through, the owner's first. */
  readonly chain: readonly DelegationName[];
  readonly service: string;
  readonly action: string;
  readonly summary?: string;
  readonly outcome: 'allowed' | 'asked' | 'denied' | 'started' | 'succeeded' | 'failed';
  readonly durationMs?: number;
  /** Which entry it ends, by how the id of that one ends. */
  readonly started?: string;
  readonly network?: {
    readonly host: string;
    readonly method: string;
    readonly port: number;
    readonly tls: boolean;
  };
  /** Seconds relative to the time of seeding. */
  readonly made: number;
};

const HOUR = 3600;
const scout = { owner: 'alice', agent: 'scout', chain: ['scout'] } as const;
const tracker = { service: 'tracker', action: 'issues.list', summary: 'bed: lower' } as const;

export const ACTIVITY: readonly Done[] = [
  {
    ...scout,
    last: 'de1e7e',
    service: 'bank',
    action: 'accounts.close',
    summary: 'account: savings',
    outcome: 'denied',
    made: -26 * HOUR,
  },
  { ...scout, ...tracker, last: 'a110', outcome: 'allowed', made: -3 * HOUR },
  { ...scout, ...tracker, last: '57a47', outcome: 'started', made: -3 * HOUR + 1 },
  {
    ...scout,
    ...tracker,
    last: 'd0e',
    outcome: 'succeeded',
    durationMs: 184,
    started: '57a47',
    network: { host: 'tracker.invalid', method: 'GET', port: 443, tls: true },
    made: -3 * HOUR + 2,
  },
  {
    ...scout,
    last: '3ea74e4',
    service: 'weather',
    action: 'forecast',
    summary: 'place: Leeds',
    outcome: 'failed',
    durationMs: 10_000,
    network: { host: 'weather.invalid', method: 'GET', port: 443, tls: true },
    made: -2 * HOUR,
  },
  {
    ...scout,
    last: 'a5ced',
    service: 'mail',
    action: 'messages.send',
    summary: 'to: allotments@example.org; subject: Bed 12',
    outcome: 'asked',
    made: -10,
  },
  {
    last: '5c1be',
    owner: 'alice',
    agent: 'scribe',
    chain: ['scout', 'scribe'],
    service: 'printer',
    action: 'pages.print',
    summary: 'pages: 3',
    outcome: 'succeeded',
    durationMs: 2400,
    made: -HOUR,
  },
  {
    last: 'b0b07',
    owner: 'bob',
    agent: 'bobot',
    chain: ['bobot'],
    service: 'parts',
    action: 'parts.find',
    summary: 'part: hinge',
    outcome: 'denied',
    made: -HOUR,
  },
  {
    last: 'fa4e',
    owner: 'mallory',
    agent: 'mimic',
    chain: ['mimic'],
    service: 'exchange',
    action: 'quotes.latest',
    summary: 'symbol: GLBX',
    outcome: 'succeeded',
    durationMs: 95,
    made: -HOUR,
  },
];

/** The id of an entry that was made at this moment. */
export function entryId(moment: Date, last: string): string {
  const time = moment.getTime().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7013-8000-${last.padStart(12, '0')}`;
}
