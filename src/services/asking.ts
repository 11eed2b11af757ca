// A call as an action that the owner is asked about first (src/approvals): with which credential, which call, with what. An approval
// is good for exactly that, and what could not be sent is not asked for.

import { ProblemInterface } from '../api/problems.ts';
import { readWritten } from '../api/reading.ts';
import { dropNulls, given } from '../api/validation.ts';
import { Approval } from '../approvals/approval.ts';
import { askFor } from '../approvals/asking.ts';
import { type Action, approvalDigest } from '../approvals/digest.ts';
import { builder } from '../builder.ts';
import { type Context, rows } from '../context.ts';
import { BailiwickError } from '../errors.ts';
import type { ApprovalId, ServiceId } from '../ids.ts';
import { addressOf, namedCalls } from './call.ts';

type Given = Readonly<Record<string, unknown>> | null | undefined;

/** What is to be done with a credential. */
export type Call = {
  readonly credentialId: string;
  readonly call: string;
  readonly parameters?: Given;
  readonly query?: Given;
  readonly body?: Given;
};

/** The owner is to be asked, or was asked and has not said yes. */
export class ApprovalRequired extends Error {
  readonly approvalId: ApprovalId;

  constructor(approvalId: ApprovalId) {
    super('The owner is asked first; once approved, make the same call with the approval.');
    this.name = 'ApprovalRequired';
    this.approvalId = approvalId;
  }
}

builder.objectType(ApprovalRequired, {
  name: 'ApprovalRequired',
  interfaces: [ProblemInterface],
  description: 'No call was made: the rules say that the owner is asked first, and that was done.',
  fields: (t) => ({
    approval: t.field({
      type: Approval,
      description: 'The request, new or made before.',
      resolve: async ({ approvalId }, _args, context, info) =>
        await readWritten(context, info, 'Approval', approvalId),
    }),
  }),
});

/**
 * Where a call goes, and its body.
 *
 * @throws {BailiwickError} BAD_USER_INPUT where it could not be sent so.
 */
export function checkedRequest(
  origin: string,
  { method, path }: { readonly method: string; readonly path: string },
  { parameters, query, body }: Call,
): { url: URL; body: Exclude<Given, null> } {
  const url = addressOf(origin, { path }, { parameters: parameters ?? {}, query: query ?? {} });
  if (body !== null && body !== undefined && (method === 'GET' || method === 'DELETE')) {
    throw new BailiwickError('BAD_USER_INPUT', `input.body does not go with ${method}`);
  }
  return { url, body: body ?? undefined };
}

/** Undefined where the caller knows of no such call. */
async function actionOf(context: Context, id: ServiceId, input: Call): Promise<Action | undefined> {
  const credential = await rows(context).serviceCredential.findFirst({
    where: { id },
    select: { service: true, origin: true, calls: true },
  });
  const call = namedCalls.parse(credential?.calls ?? []).find(({ name }) => name === input.call);
  if (credential === null || call === undefined) {
    return undefined;
  }
  checkedRequest(credential.origin, call, input);
  const { credentialId, parameters, query, body } = input;
  return {
    service: credential.service,
    action: call.name,
    arguments: { credentialId, ...dropNulls(given({ parameters, query, body })) },
  };
}

/** The digest of a call; null where there is no such call, which the kernel then says. */
export async function digestOf(context: Context, id: ServiceId, input: Call): Promise<string | null> {
  const action = await actionOf(context, id, input);
  return action === undefined ? null : approvalDigest(action);
}

/** Asks the owner, and answers so. */
export async function askBefore(
  context: Context,
  id: ServiceId,
  input: Call,
  purpose: string | undefined,
): Promise<never> {
  const action = await actionOf(context, id, input);
  if (action === undefined) {
    throw new TypeError('the kernel knows of a call that its caller does not see');
  }
  throw new ApprovalRequired(await askFor(context, { ...action, purpose }));
}
