// What is usual for agents, for the tests of policies and for the probe: a baseline of each agent of the cast, twins in the other tenant,
// and calls with how far each is from what was learned.
//
// Makes rows and expects nothing. Only scout's is frozen, and that of its twin, whom nothing alerts.

import { AGENTS, type AgentName, id, TENANTS, USERS } from '../../src/demo/cast.ts';
import type { EntityId, TenantId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';

const names = Object.keys(AGENTS) as AgentName[];

/** A baseline of each agent of the cast. */
export const BASELINES = Object.fromEntries(
  names.map((name) => [name, id<string>(15, `ba5e${AGENTS[name].id.slice(-7)}`)]),
) as Readonly<Record<AgentName, string>>;

/** One host with everything, one of which little is known, one that was called in clear. */
export const LEARNED = [
  { host: 'api.example.org', method: 'GET', port: 443, tls: true, fingerprint: 'ja4-a' },
  { host: 'api.example.org', method: 'POST', port: 8443, tls: true, fingerprint: 'ja4-b' },
  { host: 'bare.example.org' },
  { host: 'old.example.org', method: 'HEAD', port: 80, tls: false },
];

export type Network = Readonly<Record<string, string | number | boolean | null>>;
type Deviating = readonly [
  network: Network,
  score: number,
  dimensions: readonly string[],
  learned?: readonly Network[],
];

const known = { host: 'api.example.org', method: 'GET', port: 443, tls: true, fingerprint: 'ja4-a' } as const;
const strange = { ...known, host: 'elsewhere.example.org' } as const;
/** Calls, with the score of each and in what it deviates, the gravest first; from what was learned above unless it says from what. */
export const CALLS: Readonly<Record<string, Deviating>> = {
  'to an unknown host': [{ host: 'elsewhere.example.org' }, 0.9, ['host']],
  'to an unknown host, as to others': [strange, 0.9, ['host']],
  'to an unknown host, with a handshake that nobody knows': [{ ...strange, fingerprint: 'x' }, 0.9, ['host']],
  'to an unknown port': [{ ...known, port: 22 }, 0.6, ['port']],
  'to the port of another host': [{ ...known, port: 80 }, 0.6, ['port']],
  'by an unknown method': [{ ...known, method: 'DELETE' }, 0.4, ['method']],
  'by the method of another host': [{ ...known, method: 'HEAD' }, 0.4, ['method']],
  'in clear, where all was encrypted': [{ ...known, tls: false }, 0.8, ['tls']],
  'with another handshake': [{ ...known, fingerprint: 'ja4-c' }, 0.8, ['fingerprint']],
  'that deviates in all but its host': [
    { ...known, port: 22, method: 'DELETE', tls: false, fingerprint: 'ja4-c' },
    0.99,
    ['fingerprint', 'tls', 'port', 'method'],
  ],
  'to an unknown host and port by an unknown method': [
    { ...strange, port: 22, method: 'DELETE' },
    0.976,
    ['host', 'port', 'method'],
    [known],
  ],
  'to an unknown host in clear, where some is': [{ ...strange, tls: false }, 0.9, ['host']],
  'to an unknown host in clear, where nothing is': [
    { ...strange, tls: false },
    0.98,
    ['host', 'tls'],
    [known],
  ],
  'to an unknown host, and nothing of it known elsewhere': [
    strange,
    0.976,
    ['host', 'port', 'method'],
    [{ host: 'old.example.org', port: 80, method: 'HEAD' }],
  ],
  'when nothing was learned': [known, 0.976, ['host', 'port', 'method'], []],
  'in clear, when nothing was learned': [
    { ...known, tls: false },
    0.995,
    ['host', 'tls', 'port', 'method'],
    [],
  ],
  'to a port that an unsaid one may have been, but by another method': [
    known,
    0.4,
    ['method'],
    [{ host: 'api.example.org', method: 'PUT', tls: true, fingerprint: 'ja4-a' }],
  ],
  'by a method that an unsaid one may have been, but to another port': [
    known,
    0.6,
    ['port'],
    [{ host: 'api.example.org', port: 22, tls: true, fingerprint: 'ja4-a' }],
  ],
  'in clear, where it is not said whether anything was': [
    { ...known, tls: false },
    0,
    [],
    [known, { ...known, tls: null }],
  ],
  'as always': [known, 0, []],
  'as always, in what was not seen together': [{ ...known, port: 8443 }, 0, []],
  'to a known host, and no more is said': [{ host: 'api.example.org' }, 0, []],
  'to a known host, with nothing said in words': [
    { host: 'api.example.org', method: null, port: null, tls: null, fingerprint: null },
    0,
    [],
  ],
  'to a host of which nothing else was learned': [{ ...known, host: 'bare.example.org', tls: false }, 0, []],
  'in clear, as always': [{ host: 'old.example.org', method: 'HEAD', port: 80, tls: false }, 0, []],
  'encrypted for once': [{ host: 'old.example.org', method: 'HEAD', port: 80, tls: true }, 0, []],
  'with a handshake, where none was seen': [{ host: 'old.example.org', port: 80, fingerprint: 'x' }, 0, []],
};

type Baseline = {
  readonly tenant?: TenantId;
  readonly id: string;
  readonly owner: EntityId;
  readonly agent: EntityId;
  readonly frozen?: boolean;
  readonly threshold?: number;
};

/** Keeps a baseline, whatever the policies would say to it; with what was learned if it is frozen. */
export async function keepBaseline(
  sql: Sql,
  { tenant = TENANTS.acme.id, id: key, owner, agent, frozen = false, threshold = 0.5 }: Baseline,
): Promise<void> {
  // in place of the one with which the cast begins
  await sql.rows('delete from baselines where tenant_id = $1 and agent_id = $2', [tenant, agent]);
  await sql.rows(
    `insert into baselines (tenant_id, id, owner_id, agent_id, frozen_at, learned, threshold, created_by, request_id)
     values ($1, $2, $3, $4, case when $5 then now() end, $6, $7, $3, $8)`,
    [
      ...[tenant, key, owner, agent, frozen, JSON.stringify(frozen ? LEARNED : []), threshold],
      id<string>(7, 'a44a96e'),
    ],
  );
}

/** Lays out those of the cast. */
export async function arrangeBaselines(sql: Sql): Promise<void> {
  for (const name of names) {
    const { owner, tenant, id: agent } = AGENTS[name];
    const of = { tenant: TENANTS[tenant].id, owner: USERS[owner].id, agent };
    await keepBaseline(sql, { ...of, id: BASELINES[name], frozen: name === 'scout', threshold: 0.6 });
  }
}

/** That of scout's twin: before the others, so that whoever forgot to ask for the tenant would come upon it first. */
export async function arrangeBaselineTwin(sql: Sql): Promise<void> {
  const twin = { tenant: TENANTS.globex.id, owner: USERS.alice.id, agent: AGENTS.scout.id };
  await keepBaseline(sql, { ...twin, id: BASELINES.scout, frozen: true, threshold: 1 });
}
