// What PostgreSQL makes of a world: opens a context for everybody who can ask, tries every move in it, and writes down the
// answers. As the runtime role, on one connection, leaving nothing behind; nothing is judged here.

import type { Client } from 'pg';
import { issueTicket, type TicketClaims, type TicketKey } from '../db/ticket.ts';
import { type DelegationId, type EntityId, type KeyId, newId, type RequestId } from '../ids.ts';
import type { Answer } from './answers.ts';
import { everybody } from './askers.ts';
import { digestOf, ISSUER, SPENT } from './load.ts';
import { type Move, movesOf } from './moves.ts';
import { attemptOf } from './statements.ts';
import { type Asker, idOf, issuerOf, slugOf, type World } from './world.ts';

/** One thing tried, and what came of it. */
export type Observation = {
  /** Undefined: nobody, without a context. */
  readonly asker: Asker | undefined;
  readonly move: Move | 'open';
  readonly name: string;
  readonly outcome: string;
};

export type Observing = {
  /** Tries those alone; left out: all. */
  readonly only?: ((move: Move) => boolean) | undefined;
  /** Asked about what each asker got; true ends the observation. */
  readonly enough?: (observations: readonly Observation[]) => boolean;
};

/** Everything that everybody gets in a world that is loaded. */
export async function observe(
  runtime: Client,
  key: TicketKey,
  world: World,
  { only = () => true, enough = () => false }: Observing = {},
): Promise<Observation[]> {
  const found: Observation[] = [];
  for (const asker of [undefined, ...everybody(world)]) {
    const observations = await observeOne(runtime, key, world, asker, only);
    found.push(...observations);
    if (enough(observations)) {
      break;
    }
  }
  return found;
}

async function observeOne(
  runtime: Client,
  key: TicketKey,
  world: World,
  asker: Asker | undefined,
  only: (move: Move) => boolean,
): Promise<Observation[]> {
  await runtime.query('begin isolation level read committed');
  try {
    const opened = asker === undefined ? 'opened' : await open(runtime, key, asker);
    const opening: Observation = { asker, move: 'open', name: 'open', outcome: opened };
    if (!opened.startsWith('opened')) {
      return [opening];
    }
    const moves = movesOf(world, asker).filter(only);
    const attempts = moves.map((move) => attemptOf(move, asker));
    const { rows } = await runtime.query<{ answers: Answer[] }>({
      name: 'assurance_attempt',
      text: 'select assurance.attempt($1, $2, $3) as answers',
      values: [
        attempts.map(({ text }) => text),
        JSON.stringify(attempts.map(({ given }) => given)),
        attempts.map(({ look }) => look),
      ],
    });
    const answers = rows[0]?.answers ?? [];
    const tried = moves.map((move, n): Observation => {
      const attempt = attempts[n];
      const answer = answers[n];
      if (attempt === undefined || answer === undefined) {
        throw new TypeError(`no answer to attempt ${n}`);
      }
      return { asker, move, name: attempt.name, outcome: attempt.read(answer) };
    });
    return asker === undefined ? tried : [opening, ...tried];
  } finally {
    await runtime.query('rollback');
  }
}

/** What the server would have verified of whoever asks. */
function claimsOf({ tenant, actor, delegation, onBehalfOf, token, by }: Asker): TicketClaims {
  const requestId = newId<RequestId>();
  const under = delegation === null ? undefined : (idOf(`d${delegation}`) as DelegationId);
  if (by !== undefined && 'service' in by) {
    return { kind: 'service', service: by.service, requestId };
  }
  if (by !== undefined && 'key' in by) {
    return { kind: 'key', digest: digestOf(tenant, by.key), delegation: under, requestId };
  }
  const tokenExpiresAt = new Date(Date.now() + (token.expired ? -60_000 : 600_000));
  if (by !== undefined && 'issued' in by) {
    return {
      kind: 'issued',
      credentialId: idOf(`k${by.issued}`) as KeyId,
      tenant: slugOf(tenant),
      tokenId: by.spent ? SPENT : 'good',
      onBehalfOf: onBehalfOf === null ? undefined : (idOf(onBehalfOf) as EntityId),
      delegation: under,
      scopes: token.scopes,
      tokenExpiresAt,
      requestId,
    };
  }
  return {
    kind: 'token',
    tenant: slugOf(tenant),
    issuer: by === undefined ? ISSUER : issuerOf(by.issuer),
    issuerId: by === undefined ? undefined : idOf('i0'),
    subject: actor,
    onBehalfOf: onBehalfOf ?? undefined,
    delegation: under,
    scopes: token.scopes,
    tokenExpiresAt,
    tokenIssuedAt: new Date(),
    requestId,
  };
}

async function open(runtime: Client, key: TicketKey, asker: Asker): Promise<string> {
  const [ticket, mac] = issueTicket(claimsOf(asker), key);
  try {
    const { rows } = await runtime.query<{ receipts: boolean }>({
      name: 'assurance_open',
      text: `select (bailiwick.open($1, $2)->>'receipts')::boolean as receipts`,
      values: [ticket, mac],
    });
    return rows[0]?.receipts === true ? 'opened, with receipts' : 'opened';
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined) {
      throw error;
    }
    return code;
  }
}
