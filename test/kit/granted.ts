// A delegation that a test grants through the API, where none of the cast's has what the test is about.

import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId, toGlobalId } from '../../src/api/global-id.ts';
import type { Capability } from '../../src/capabilities.ts';
import { AGENTS, type AgentName, type UserName, WORLDS, type WorldName } from '../../src/demo/cast.ts';
import { dataOf } from './answer.ts';
import type { Asking, RunningServer } from './server.ts';

type Grant = { readonly by?: UserName; readonly to?: AgentName; readonly world?: WorldName };

/** Lets an agent of somebody's act for them for ten minutes: by default scout for alice, anywhere. */
export async function granted(
  { query }: Pick<RunningServer, 'query'>,
  capabilities: readonly Capability[],
  { by = 'alice', to = 'scout', world }: Grant = {},
): Promise<{ id: string; asking: Asking }> {
  const input = {
    delegateId: toGlobalId('Agent', AGENTS[to].id),
    capabilities: [...capabilities],
    worldId: world === undefined ? null : toGlobalId('World', WORLDS[world].id),
    lifetimeSeconds: 600,
    redelegate: 0,
  } as documents.GrantDelegationInput;
  const { grantDelegation: made } = dataOf(await query(by, documents.GrantDelegationDocument, { input }));
  if (!('id' in made)) {
    throw new TypeError(`not granted: ${JSON.stringify(made)}`);
  }
  return { id: made.id, asking: { delegation: fromGlobalId(made.id).id as never } };
}
