// What tests of streams share: subscriptions, changes to be heard, and what was heard.

import * as documents from '../../generated/graphql/graphql.ts';
import { dataOf } from '../kit/answer.ts';
import type { RunningServer } from '../kit/server.ts';
import type { Listening } from '../kit/stream.ts';

export const MEMORIES = 'subscription { memoryChanged { change event id memory { content world { id } } } }';
export const APPROVALS = 'subscription { approvalChanged { change event id approval { state service } } }';
export const DELEGATED = 'subscription { delegationChanged { change event id } }';
export const AGENT = 'subscription { agentChanged { change event id agent { status } } }';
/** Long enough for whatever comes to have come. */
export const SETTLED_MS = 400;

export const write = async (
  { query }: Pick<RunningServer, 'query'>,
  content: string,
  more: Partial<documents.CreateMemoryInput> = {},
  actor: 'alice' | 'bob' | 'mallory' = 'alice',
): Promise<string> => {
  const input = { content, ...more };
  const { createMemory: made } = dataOf(await query(actor, documents.CreateMemoryDocument, { input }));
  return 'id' in made ? made.id : '';
};

export const events = ({ got }: Listening) =>
  got.map(({ data }) => Object.values(data ?? {})[0]).map((one) => [one?.change, one?.event, one?.id]);
