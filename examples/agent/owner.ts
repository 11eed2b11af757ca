// The owner's side, on a connection of its own: hears what agents ask, decides, and stops an agent at once.

import {
  ApprovalChangedDocument,
  type ApprovalDecision,
  type ApprovalState,
  ApprovalsDocument,
  DecideApprovalDocument,
  RevokeAgentDocument,
} from '../../generated/graphql/graphql.ts';
import type { Client } from './client.ts';

type Asked = {
  readonly id: string;
  readonly service: string;
  readonly action: string;
  readonly state: string;
  readonly arguments: unknown;
};
/** What an owner says to a request; null leaves it waiting. */
export type Decide = (asked: Asked) => { yes: boolean; note: string } | null;

/** Decides on what waits and on whatever comes, until the signal. */
export async function watch(
  api: Client,
  decide: Decide,
  say: (what: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const consider = async (asked: Asked | null) => {
    const decision = asked?.state === 'WAITING' ? decide(asked) : null;
    if (asked !== null && decision !== null) {
      const { yes, note } = decision;
      say(
        `${yes ? 'approves' : 'rejects'} ${asked.service} ${asked.action} ${JSON.stringify(asked.arguments)}`,
      );
      const input = { id: asked.id, decision: (yes ? 'APPROVE' : 'REJECT') as ApprovalDecision, note };
      await api.ask(DecideApprovalDocument, { input });
    }
  };
  for await (const heard of api.listen(ApprovalChangedDocument, signal)) {
    if (heard === null) {
      const filter = { state: 'WAITING' as ApprovalState };
      const { approvals } = await api.ask(ApprovalsDocument, { filter });
      for (const { node } of approvals.edges) {
        await consider(node);
      }
    } else {
      await consider(heard.approvalChanged.approval);
    }
  }
}

/** The kill switch: everything that an agent holds ends. How many delegations that were. */
export async function stop(api: Client, agentId: string): Promise<number> {
  const { revokeAgent } = await api.ask(RevokeAgentDocument, { input: { agentId } });
  if (!('revokedIds' in revokeAgent)) {
    throw new Error(revokeAgent.message);
  }
  return revokeAgent.revokedIds.length;
}
