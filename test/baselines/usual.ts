// What tests of baselines share: calls that scout notes, and what its owner does with them.

import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS } from '../../src/demo/cast.ts';
import { dataOf } from '../kit/answer.ts';
import type { Asking, RunningServer } from '../kit/server.ts';

export type Network = documents.ActivityNetworkInput;
type Query = RunningServer['query'];

export const SCOUT = toGlobalId('Agent', AGENTS.scout.id);
export const AS_SCOUT: Asking = { delegation: 'scout' };

/** A call as all of them are, but for what a test says. */
export const call = (more: Partial<Network> = {}): Network => ({
  host: 'api.example.org',
  method: 'GET',
  port: 443,
  tls: true,
  fingerprint: 't13d1516h2_8daaf6152771',
  ...more,
});

/** Notes calls as scout's, and returns the ids of their entries. */
export async function note(
  query: Query,
  calls: readonly Network[],
  asking: Asking = AS_SCOUT,
): Promise<string[]> {
  const entries = calls.map((network) => ({
    ...{ service: 'web', action: 'pages.read', outcome: 'SUCCEEDED' as const },
    network,
  }));
  return dataOf(await query('scout', documents.RecordActivityDocument, { input: { entries } }, asking))
    .recordActivity.ids;
}

/** Has what is usual for scout begin anew, at a time. */
export async function reset(query: Query, since?: Date) {
  const input = { agentId: SCOUT, since: since?.toISOString() ?? null };
  return dataOf(await query('alice', documents.ResetBaselineDocument, { input })).resetBaseline;
}

export async function freeze(query: Query, threshold?: number) {
  const input = { agentId: SCOUT, threshold: threshold ?? null };
  return dataOf(await query('alice', documents.FreezeBaselineDocument, { input })).freezeBaseline;
}

/** What is usual for scout, as alice sees it. */
export async function baseline(query: Query) {
  const { node } = dataOf(await query('alice', documents.AgentBaselineDocument, { id: SCOUT }));
  return node !== null && 'baseline' in node ? node.baseline : null;
}

/** Calls of scout's compared, by alice unless said otherwise. */
export async function compare(
  query: Query,
  {
    actor = 'alice',
    asking = {},
    ...variables
  }: Partial<documents.CompareToBaselineQueryVariables> & {
    readonly actor?: Parameters<Query>[0];
    readonly asking?: Asking;
  } = {},
) {
  const given = { agentId: SCOUT, ...variables };
  return dataOf(await query(actor, documents.CompareToBaselineDocument, given, asking)).compareToBaseline;
}
