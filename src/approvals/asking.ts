// Asking the owner: one request for one action. Whoever asks for the same again, through the same chain and under the same rules, is
// told where the first request stands, so that an agent that tries again does not ask twice, nor until it gets another answer.

import { recordChange } from '../api/problems.ts';
import { type Context, rows, sessionOf } from '../context.ts';
import { askedVersion } from '../db/permissions.ts';
import { BailiwickError } from '../errors.ts';
import { type ApprovalId, newId } from '../ids.ts';
import { type Action, approvalDigest, canonicalForm } from './digest.ts';

/** Seconds that a request can be decided on and made use of, unless the agent says otherwise. */
export const USUAL_SECONDS = 15 * 60;

/** Bytes of arguments in canonical form: an owner is to look at them. */
const MOST_BYTES = 64 * 1024;

export type Asking = Action & {
  readonly purpose?: string | undefined;
  readonly seconds?: number | undefined;
};

/**
 * The request of the acting agent for this action: a new one, or the one that it has made already.
 *
 * @throws {BailiwickError} LIMIT_EXCEEDED where too many of its requests wait, or the arguments are too large to be looked at; FORBIDDEN
 *   where it may not ask.
 */
export async function askFor(
  context: Context,
  { purpose, seconds = USUAL_SECONDS, ...action }: Asking,
): Promise<ApprovalId> {
  const { actorId, chain } = sessionOf(context);
  if (Buffer.byteLength(canonicalForm(action.arguments)) > MOST_BYTES) {
    throw new BailiwickError(
      'LIMIT_EXCEEDED',
      `Arguments to be approved must have at most ${MOST_BYTES} bytes`,
    );
  }
  const digest = approvalDigest(action);
  const { service, action: name } = action;
  const earlier = await rows(context).approval.findFirst({
    where: {
      agentId: actorId,
      digest,
      chain: { equals: [...chain] },
      redeemedAt: null,
      expiresAt: { gt: new Date() },
    },
    orderBy: { id: 'desc' },
    select: { id: true, version: true, decision: true },
  });
  const version = await askedVersion(rows(context), service, name);
  if (earlier !== null && (version === null || earlier.version === version)) {
    return earlier.id as ApprovalId;
  }
  if (version === null) {
    throw await whyNot(context);
  }
  const id = newId<ApprovalId>();
  await rows(context).approval.createMany({
    data: {
      id,
      agentId: actorId,
      service,
      action: name,
      arguments: action.arguments,
      digest,
      reason: purpose ?? null,
      version,
      chain: [...chain],
      expiresAt: new Date(Date.now() + seconds * 1000),
    } as never,
  });
  await recordChange('approval.asked', 'approval', id, { service, action: name, digest });
  return id;
}

/** Most requests of one agent that wait at a time; the kernel counts (bailiwick.asked). */
const MOST_WAITING = 50;

async function whyNot(context: Context): Promise<BailiwickError> {
  const waiting = await rows(context).approval.count({
    where: { agentId: sessionOf(context).actorId, decision: null, expiresAt: { gt: new Date() } },
  });
  return waiting >= MOST_WAITING
    ? new BailiwickError('LIMIT_EXCEEDED', `${MOST_WAITING} of your requests wait for a decision already`)
    : new BailiwickError('FORBIDDEN');
}
