// A scripted agent: what its runtime does around whatever model would think here. It holds no right of its own; everything it reaches, it
// reaches through its owner's delegation, and every action outside it first asks about.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ActivityInput,
  ApprovalChangedDocument,
  ApprovalsDocument,
  AuthorizeActionDocument,
  CallServiceDocument,
  CreateMemoryDocument,
  MemoriesDocument,
  RecordActivityDocument,
  RedeemApprovalDocument,
  ServiceCredentialsDocument,
  ViewerDocument,
} from '../../generated/graphql/graphql.ts';
import type { Client } from './client.ts';

type Say = (what: string) => void;
type Arguments = Record<string, unknown>;

/** What an agent is told when its owner does not let it act. */
export class NotAllowed extends Error {}

export class Agent {
  readonly #api: Client;
  readonly #say: Say;

  constructor(api: Client, say: Say) {
    this.#api = api;
    this.#say = say;
  }

  /** Who it is, for whom it works, and what it remembers about them. */
  async readContext(): Promise<{ readonly agentId: string; readonly memories: readonly string[] }> {
    const { viewer } = await this.#api.ask(ViewerDocument, {});
    const { memories } = await this.#api.ask(MemoriesDocument, { first: 5 });
    this.#say(
      `acts for its owner with ${viewer.capabilities.length} capabilities, and remembers ${memories.edges.length} things`,
    );
    return { agentId: viewer.actor.id, memories: memories.edges.map(({ node }) => node.content ?? '') };
  }

  /**
   * Does something by its own means, as far as its owner lets it, and records it.
   *
   * @throws {NotAllowed} where the rules deny it or the owner says no.
   */
  async act(service: string, action: string, given: Arguments, purpose: string, work: () => Promise<void>) {
    const input = { service, action, arguments: given, purpose };
    const { authorizeAction: verdict } = await this.#api.ask(AuthorizeActionDocument, { input });
    this.#say(`${service} ${action}: ${verdict.effect}`);
    const approvalId = verdict.approval?.id ?? null;
    if (verdict.effect === 'DENY') {
      throw new NotAllowed(`${service} ${action} is denied`);
    }
    if (verdict.effect === 'ASK' && approvalId !== null) {
      await this.#approved(approvalId);
      const redeeming = { id: approvalId, service, action, arguments: given };
      const { redeemApproval: redeemed } = await this.#api.ask(RedeemApprovalDocument, { input: redeeming });
      if (redeemed.__typename !== 'Approval') {
        throw new NotAllowed(redeemed.message);
      }
      this.#say('redeemed the approval');
    }
    const began = performance.now();
    const entry = { service, action, summary: JSON.stringify(given).slice(0, 500), approvalId };
    const done = (outcome: string) =>
      this.#record({ ...entry, outcome, durationMs: Math.round(performance.now() - began) } as ActivityInput);
    try {
      await work();
    } catch (error) {
      await done('FAILED');
      throw error;
    }
    await done('SUCCEEDED');
  }

  /** Has a service called with a credential whose secret it never sees. */
  async callService(service: string, call: string, given: { parameters?: Arguments; body?: Arguments }) {
    const { serviceCredentials } = await this.#api.ask(ServiceCredentialsDocument, { filter: { service } });
    const credentialId = serviceCredentials.edges[0]?.node.id ?? '';
    const once = async (approvalId: string | null) =>
      (await this.#api.ask(CallServiceDocument, { input: { credentialId, call, ...given, approvalId } }))
        .callService;
    let outcome = await once(null);
    if (outcome.__typename === 'ApprovalRequired') {
      const { id } = outcome.approval;
      this.#say(`${service} ${call}: the owner is asked`);
      await this.#approved(id);
      outcome = await once(id);
    }
    if (outcome.__typename !== 'ServiceAnswer') {
      throw new NotAllowed(outcome.message);
    }
    this.#say(`${service} answered ${outcome.status}`);
    return outcome.body;
  }

  /** Notes one thing after the other, until it is stopped. How many it noted. */
  async loop(atEach: (n: number) => void): Promise<number> {
    for (let n = 1; ; n += 1) {
      const input = { content: `Watered bed ${n}` };
      try {
        const { createMemory } = await this.#api.ask(CreateMemoryDocument, { input });
        if (createMemory.__typename !== 'Memory') {
          return n - 1;
        }
      } catch {
        return n - 1;
      }
      atEach(n);
      await sleep(20);
    }
  }

  /** Waits until the owner has decided. */
  async #approved(id: string): Promise<void> {
    const over = new AbortController();
    for await (const heard of this.#api.listen(ApprovalChangedDocument, over.signal)) {
      const approval = heard === null ? await this.#approval(id) : heard.approvalChanged.approval;
      if (approval?.id === id && approval.state !== 'WAITING') {
        over.abort();
        if (approval.state !== 'APPROVED') {
          throw new NotAllowed(`the owner says ${approval.state}: ${approval.note ?? ''}`);
        }
        this.#say(`the owner has approved: ${approval.note ?? ''}`);
      }
    }
  }

  async #approval(id: string) {
    const { approvals } = await this.#api.ask(ApprovalsDocument, { first: 20 });
    return approvals.edges.map(({ node }) => node).find((one) => one.id === id);
  }

  async #record(entry: ActivityInput): Promise<void> {
    await this.#api.ask(RecordActivityDocument, { input: { entries: [entry] } });
  }
}
