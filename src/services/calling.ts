// Calling a service with a credential: whoever calls says which call and with what, and gets the answer; the secret it never sees.
//
// Who may: prisma/policies/07-services.sql. That a secret was used is kept before it leaves, and no transaction is open while somebody
// else's server takes its time.

import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import { idOf, optionalIdOf } from '../api/global-id.ts';
import { NotFound, refusalOf, refuseAsNotFound, refuseFor } from '../api/problems.ts';
import { checked, dropNulls, text } from '../api/validation.ts';
import { ApprovalRefused } from '../approvals/refusal.ts';
import { builder } from '../builder.ts';
import { type Context, rows } from '../context.ts';
import { finishCall, type Network } from '../db/activity.ts';
import { type NotUsed, type Use, type UseRefusal, useService } from '../db/services.ts';
import { type ApprovalId, newId, type ServiceId } from '../ids.ts';
import {
  type OutgoingAnswer,
  OutgoingError,
  type OutgoingFault,
  type OutgoingRequest,
} from '../outgoing/call.ts';
import { ApprovalRequired, askBefore, checkedRequest, digestOf } from './asking.ts';
import { masked } from './masking.ts';

const REFUSED = {
  authority: 'You may know of this credential, and not have it used: that needs credential:execute.',
  expired: 'The credential is past its end; it needs a new secret first.',
  call: 'This is none of the calls that its owner has named.',
  gone: 'Its secret is no more, or the key that it was encrypted with.',
  denied: 'The rules of the owner deny this action.',
} as const satisfies Record<Exclude<UseRefusal, 'credential'>, string>;

/** Why no call was made. */
const ServiceCallRefused = refusalOf(
  'ServiceCallRefused',
  {
    refusal: 'No call was made, because a rule stands against it.',
    reason: 'Which rule stands against a call.',
  },
  REFUSED,
);

const UNANSWERED = {
  address: 'The service is at an address that this server does not connect to.',
  connection: 'The service could not be reached, or broke off.',
  timeout: 'The service did not answer in time.',
  busy: 'Too many calls are under way; try again in a moment.',
} as const satisfies Record<OutgoingFault, string>;

/** Why a call has no answer. */
const ServiceUnanswered = refusalOf(
  'ServiceUnanswered',
  {
    refusal: 'The call has no answer. It may have reached the service all the same.',
    reason: 'Why there is no answer.',
  },
  UNANSWERED,
);

type Answer = OutgoingAnswer & { readonly milliseconds: number };

const ServiceAnswer = builder.objectRef<Answer>('ServiceAnswer').implement({
  description: 'What a service has answered, with the secret masked wherever it stood.',
  fields: (t) => ({
    status: t.exposeInt('status', { description: 'Its HTTP status; a redirect is not followed.' }),
    contentType: t.exposeString('contentType', { nullable: true, description: 'The type of the body.' }),
    body: t.exposeString('body', {
      nullable: true,
      description: 'The body as text, at most 256 KiB of it; null where it is something else.',
    }),
    truncated: t.exposeBoolean('truncated', {
      description: 'Whether the body is only the beginning of what was answered.',
    }),
    milliseconds: t.exposeInt('milliseconds', { description: 'How long the service took.' }),
  }),
});

const CallServiceInput = builder.inputType('CallServiceInput', {
  description: 'A call to be made.',
  fields: (t) => ({
    credentialId: t.id({ description: 'The credential to make it with.' }),
    call: t.string({ description: 'Which of its calls, by name.' }),
    parameters: t.field({
      type: 'JSONObject',
      required: false,
      description: 'What is to stand in the braces of the path, by name.',
    }),
    query: t.field({
      type: 'JSONObject',
      required: false,
      description: 'The query: text, numbers, true, false, or lists of them, by name.',
    }),
    body: t.field({
      type: 'JSONObject',
      required: false,
      description: 'The body, sent as JSON; not with GET or DELETE.',
    }),
    approvalId: t.id({
      required: false,
      description: 'The approval of exactly this call, where the owner was asked.',
    }),
    purpose: t.string({
      required: false,
      description: 'What it is for, should the owner be asked; at most 500 characters.',
    }),
  }),
});
type Input = typeof CallServiceInput.$inferInput;

const shape = z.object({
  call: z.string().max(100, 'must have at most 100 characters'),
  purpose: text(500).optional(),
});

builder.mutationField('callService', (t) =>
  t.field({
    type: ServiceAnswer,
    errors: { types: [NotFound, ServiceCallRefused, ApprovalRequired, ApprovalRefused, ServiceUnanswered] },
    description:
      'Makes a call with a credential, without showing its secret. Must be the only field of its operation: that it was made is kept before it is made.',
    args: {
      input: t.arg({ type: CallServiceInput, description: 'With which credential, which call, with what.' }),
    },
    resolve: async (_root, { input }, context) => {
      const id = idOf<ServiceId>(input.credentialId, 'ServiceCredential');
      const { call, purpose } = checked(shape, dropNulls(input));
      const approvalId = optionalIdOf<ApprovalId>(input.approvalId, 'Approval');
      const use = await useService(
        rows(context),
        id,
        call,
        approvalId === null ? undefined : { id: approvalId, digest: await digestOf(context, id, input) },
      );
      if (use === 'ask') {
        return await askBefore(context, id, input, purpose);
      }
      if (typeof use === 'string' || 'problem' in use) {
        return refuseUse(id, call, use);
      }
      const request = requestOf(use, input);
      if (context.leave === undefined) {
        throw new TypeError('a call is made by a mutation');
      }
      const afterwards = await context.leave();
      const { startedId } = use;
      return await make(context, id, use, request, async (ended) => {
        if (startedId !== null) {
          await afterwards((db) => finishCall(db, { id: newId<never>(), startedId, ...ended }));
        }
      });
    },
  }),
);

async function refuseUse(id: ServiceId, call: string, why: Exclude<NotUsed, 'ask'>): Promise<never> {
  const event = 'service.call_refused';
  const target = { kind: 'service_credential', id };
  if (why === 'credential') {
    return refuseAsNotFound(event, target.kind, id);
  }
  if (typeof why === 'string') {
    return refuseFor(event, target, new ServiceCallRefused(why), { call });
  }
  return why.problem === 'approval'
    ? refuseAsNotFound(event, 'approval', null)
    : refuseFor(event, target, new ApprovalRefused(why.problem), { call });
}

/** What is sent: everything is checked before anything is kept. */
function requestOf(use: Use, input: Input): OutgoingRequest {
  const { url, body } = checkedRequest(use.origin, use.call, input);
  return {
    method: use.call.method,
    url,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      [use.header]: `${use.prefix}${use.secret}`,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
}

type Ended = {
  readonly outcome: 'succeeded' | 'failed';
  readonly durationMs: number;
  readonly network: Network;
};

async function make(
  context: Context,
  id: ServiceId,
  use: Use,
  request: OutgoingRequest,
  finish: (ended: Ended) => Promise<void>,
): Promise<Answer> {
  const { outgoing, log } = context;
  const began = performance.now();
  const line = { event: 'service.called', credentialId: id, service: use.service, call: use.call.name };
  const taken = () => Math.round(performance.now() - began);
  // that the call was begun is kept; that nobody could write down how it ended changes nothing of its answer
  const noted = async (outcome: Ended['outcome'], durationMs: number) => {
    await finish({ outcome, durationMs, network: networkOf(request) }).catch((err: unknown) =>
      log.warn({ ...line, err }, 'how the call ended was not noted'),
    );
  };
  try {
    const answer = await outgoing(request);
    const milliseconds = taken();
    log.info({ ...line, status: answer.status, milliseconds }, 'service called');
    await noted(answer.status < 400 ? 'succeeded' : 'failed', milliseconds);
    return {
      ...answer,
      contentType: answer.contentType && masked(answer.contentType, use.secret),
      body: answer.body && masked(answer.body, use.secret, answer.truncated),
      milliseconds,
    };
  } catch (error) {
    if (error instanceof OutgoingError) {
      const milliseconds = taken();
      log.warn({ ...line, fault: error.fault, milliseconds }, 'service did not answer');
      await noted('failed', milliseconds);
      throw new ServiceUnanswered(error.fault);
    }
    throw error;
  }
}

function networkOf({ method, url }: OutgoingRequest): Network {
  const tls = url.protocol === 'https:';
  return { host: url.hostname, method, port: Number(url.port || (tls ? 443 : 80)), tls };
}
