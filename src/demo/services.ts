// The credentials of the cast for services of third parties: one that every agent may have used, one whose secret agents may read, one
// that is for a single agent, and one of every other owner.
//
// The secrets are made up and open nothing. Where they lead exists in the demo alone (development.ts), as the ending `.invalid` says.

import { type AgentName, id, type UserName } from './cast.ts';

const credential = (last: string): string => id(10, last);

/** Where the demo's issue tracker answers. */
export const TRACKER = 'https://tracker.invalid';

type Call = { readonly name: string; readonly method: string; readonly path: string };

export type Held = {
  readonly id: string;
  readonly owner: UserName;
  readonly agent?: AgentName;
  readonly service: string;
  readonly label: string;
  readonly kind: 'api_key' | 'personal_access_token' | 'oauth_token';
  readonly scopes: readonly string[];
  readonly ownerOnly: boolean;
  readonly origin: string;
  readonly secret: string;
  readonly calls: readonly Call[];
};

export type HeldName = 'tracker' | 'weather' | 'post' | 'parts' | 'exchange';
export const SERVICES: Readonly<Record<HeldName, Held>> = {
  tracker: {
    id: credential('7ac4e4'),
    owner: 'alice',
    service: 'tracker',
    label: 'Issues of the allotment society',
    kind: 'personal_access_token',
    scopes: ['issues:read', 'issues:write'],
    ownerOnly: true,
    origin: TRACKER,
    secret: 'demo-7Qk2vXw9-tracker-of-alice',
    calls: [
      { name: 'issues.list', method: 'GET', path: '/beds/{bed}/issues' },
      { name: 'issues.create', method: 'POST', path: '/beds/{bed}/issues' },
    ],
  },
  weather: {
    id: credential('3ea74e4'),
    owner: 'alice',
    service: 'weather',
    label: 'Weather, free plan',
    kind: 'api_key',
    scopes: [],
    ownerOnly: false,
    origin: 'https://weather.invalid',
    secret: 'demo-Zr81mLp4-weather-of-alice',
    calls: [{ name: 'forecast', method: 'GET', path: '/forecast/{place}' }],
  },
  post: {
    id: credential('9057'),
    owner: 'alice',
    agent: 'scribe',
    service: 'post',
    label: 'Post office, for Scribe',
    kind: 'oauth_token',
    scopes: ['letters:send'],
    ownerOnly: false,
    origin: 'https://post.invalid',
    secret: 'demo-Hn55tBc0-post-of-alice',
    calls: [{ name: 'letters.send', method: 'POST', path: '/letters' }],
  },
  parts: {
    id: credential('9a475'),
    owner: 'bob',
    service: 'parts',
    label: 'Parts catalogue',
    kind: 'api_key',
    scopes: ['prices'],
    ownerOnly: true,
    origin: 'https://parts.invalid',
    secret: 'demo-Ke63sYd7-parts-of-bob',
    calls: [{ name: 'parts.find', method: 'GET', path: '/parts' }],
  },
  exchange: {
    id: credential('e8c4'),
    owner: 'mallory',
    service: 'exchange',
    label: 'Quotes of the exchange',
    kind: 'api_key',
    scopes: ['quotes'],
    ownerOnly: false,
    origin: 'https://exchange.invalid',
    secret: 'demo-Wf20qGj6-exchange-of-mallory',
    calls: [{ name: 'quotes.latest', method: 'GET', path: '/quotes/{symbol}' }],
  },
};
