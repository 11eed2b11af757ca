// Subscriptions: a stream of events, each executed like an operation of its own, in a session of its own.
//
// A field of Subscription says by its extensions what it listens to (`listens`). Everything that happened since the last look is
// looked for under the context that the caller has now, its rows are read anew, and what is out of sight is left out. Nothing is
// sent of a look before its transaction is over and known to have been this request's.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  getOperationAST,
  type OperationDefinitionNode,
  Kind as Syntax,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../context.ts';
import { type Place, unseen } from '../db/events.ts';
import { type Database, type Session, withSession } from '../db/session.ts';
import type { TicketClaims } from '../db/ticket.ts';
import { BailiwickError } from '../errors.ts';
import { newId, type RequestId } from '../ids.ts';
import { Looking, type Seen } from '../live/looking.ts';
import { readPlace, writePlace } from '../live/place.ts';
import type { Stream, Streams } from '../live/streams.ts';
import { again, type Slot } from './admission.ts';
import { answerOf, type Message } from './event-stream.ts';
import { checkLimits } from './limits.ts';
import { inSight, type Listens, occurrencesOf } from './occurrence.ts';
import { claimsOf, fieldsOf, noteActors, noteUse, type Uses } from './operation.ts';
import { present } from './present.ts';
import type { ServerContext } from './request.ts';

/** Milliseconds of silence after which a stream says that it is there, and after which it looks unasked and says how far it is. */
const QUIET_MS = 15_000;
const LOOK_MS = 60_000;

/** Events in one look. */
const MOST = 100;

/** Milliseconds for which a database that is not there is waited for, and between two tries. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 1000;

type Subscribing = {
  readonly args: ExecutionArgs;
  readonly context: Context;
  readonly claims: TicketClaims;
  readonly listens: Listens;
  readonly database: Database;
  readonly streams: Streams;
  readonly looking: Looking<Answered>;
  readonly uses: Uses;
  /** By which each look waits for its turn. */
  readonly slot: Slot | undefined;
  /** The one field that is asked for, as the fields of an operation. */
  readonly fields: readonly string[];
};

/** An event of a stream: its answer, as it is sent. */
type Answered = { readonly text: string };
/** What is sent at once. */
type Messages = readonly Message[];

export function useSubscriptions(
  database: Database,
  streams: Streams,
  looks: number,
  uses: Uses,
): Plugin<object, ServerContext, Context> {
  const looking = new Looking<Answered>(looks);
  return {
    onResultProcess({ result, setResultProcessor }) {
      if (isAsyncIterable<Messages>(result)) {
        setResultProcessor((messages) => answerOf(messages as AsyncIterable<Messages>), 'text/event-stream');
      }
    },
    onSubscribe({ args, setSubscribeFn }) {
      const { state } = args.contextValue as unknown as ServerContext;
      setSubscribeFn(async (given) => {
        const context = args.contextValue as Context;
        const executed = given as ExecutionArgs;
        if (!/\btext\/event-stream\b/.test(state.accept ?? '')) {
          throw new BailiwickError('BAD_USER_INPUT', 'A subscription is answered as text/event-stream only', {
            status: 406,
          });
        }
        const operation = getOperationAST(executed.document, executed.operationName);
        if (!operation) {
          throw new BailiwickError('BAD_USER_INPUT', 'There is no such operation');
        }
        checkLimits(
          executed.schema,
          executed.document,
          operation,
          (executed.variableValues ?? {}) as Record<string, unknown>,
        );
        const claims = claimsOf(context);
        noteActors(context);
        const begun = state.lastEventId === undefined ? undefined : readPlace(state.lastEventId);
        const subscribing = {
          args: executed,
          context,
          claims,
          listens: listensOf(executed, operation),
          database,
          streams,
          looking,
          uses,
          slot: state.slot,
          fields: fieldsOf(operation.selectionSet, executed.document),
        };
        const { who, worlds, place, key } = await begin(subscribing, begun);
        state.verdict.proved = true;
        state.verdict.streams = true;
        const stream = streams.open(who, claims, subscribing.listens.kind, worlds);
        return ending(stream, messages(subscribing, stream, key, place));
      });
    },
  };
}

/** What the one field of a subscription listens to. Validation has seen to it that there is one. */
function listensOf({ schema }: ExecutionArgs, { selectionSet }: OperationDefinitionNode): Listens {
  const fields = schema.getSubscriptionType()?.getFields() ?? {};
  const [node] = selectionSet.selections;
  const listens = node?.kind === Syntax.FIELD ? fields[node.name.value]?.extensions.listens : undefined;
  if (listens === undefined) {
    throw new BailiwickError('BAD_USER_INPUT', 'A subscription has one field, which stands in no fragment');
  }
  return listens as Listens;
}

/** The first look: whether the caller is let in at all, and where to begin. */
async function begin(
  { args, database, claims, context, listens, uses }: Subscribing,
  place: Place | undefined,
) {
  return await withSession(database, claims, { readOnly: true }, async (session) => {
    noteUse(session, context, uses);
    // a place that is no snapshot is refused before there is a stream
    const look = await unseen(session.db, listens.kind, place, 1);
    if (!look.live) {
      throw new BailiwickError('UNAUTHENTICATED');
    }
    const { tenantId, ownerId, actorId } = session;
    return {
      who: { tenantId, ownerId, actorId },
      worlds: look.worlds,
      place: place ?? { since: look.snapshot },
      key: keyOf(args, claims, session),
    };
  });
}

/** The same for streams of the same authority that ask for the same, and for no others. */
function keyOf(
  { document, operationName, variableValues }: ExecutionArgs,
  claims: TicketClaims,
  { tenantId, actorId, ownerId, worldId, chain }: Session,
): string {
  // of a credential of ours the database knows what it allows: it shares with itself alone
  const allowed =
    claims.kind === 'token'
      ? [...claims.scopes].sort()
      : claims.kind === 'key'
        ? claims.digest
        : { ...claims, requestId: null };
  const question = [document.loc?.source.body ?? newId(), operationName, variableValues];
  return JSON.stringify([tenantId, actorId, ownerId, worldId, chain, allowed, question]);
}

/** Ends a stream as soon as nobody reads it any more, also while it waits. */
function ending(stream: Stream, generator: AsyncGenerator<Messages>): AsyncIterableIterator<Messages> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => generator.next(),
    return: (value: unknown) => {
      stream.end();
      return generator.return(value);
    },
  };
}

async function* messages(
  subscribing: Subscribing,
  stream: Stream,
  key: string,
  begun: Place,
): AsyncGenerator<Messages> {
  const { streams, looking, context, slot } = subscribing;
  let place = begun;
  let looked = Date.now();
  try {
    yield [{ id: writePlace(place) }];
    while (true) {
      const signal = await stream.next(QUIET_MS);
      if (signal === 'ended') {
        break;
      }
      if (signal === 'quiet' && Date.now() - looked < LOOK_MS) {
        yield [{}];
        continue;
      }
      let more = true;
      while (more && !stream.ended) {
        const seen = await patiently(stream, () =>
          looking.look(key, place, (from) => again(slot, () => lookFrom(subscribing, from))),
        );
        if (seen === undefined) {
          break;
        }
        const since = place;
        place = placeAfter(since, seen, seen.cut);
        if (seen.items.length > 0) {
          yield seen.items.map(({ seq, text }) => ({ id: writePlace(placeAfter(since, seen, seq)), text }));
        }
        streams.place(stream, seen.worlds);
        more = seen.more;
        looked = Date.now();
      }
      if (signal === 'quiet') {
        yield [{ id: writePlace(place) }];
      }
    }
    if (stream.refusal !== undefined) {
      const error = present(stream.refusal, context.requestId, context.log, false);
      yield [{ text: JSON.stringify({ errors: [error] }) }];
    }
  } finally {
    streams.leave(stream);
  }
}

/** After an event of a look, or after all of it: there may be others of it that were not delivered yet. */
function placeAfter(from: Place, { snapshot, cut, items }: Seen<Answered>, seq: number | undefined): Place {
  return seq === undefined || (cut === undefined && seq === items.at(-1)?.seq)
    ? { since: snapshot }
    : { since: from.since, upto: snapshot, after: String(seq) };
}

/** Tries again while the database is not there; what is refused ends the stream. */
async function patiently<Result>(stream: Stream, work: () => Promise<Result>): Promise<Result | undefined> {
  const until = Date.now() + PATIENCE_MS;
  while (!stream.ended) {
    try {
      return await work();
    } catch (error) {
      const passes = error instanceof BailiwickError && ['UNAVAILABLE', 'TIMEOUT'].includes(error.code);
      if (!passes || Date.now() > until) {
        stream.end(
          error instanceof BailiwickError
            ? error
            : new BailiwickError('INTERNAL', undefined, { cause: error }),
        );
        return undefined;
      }
      await sleep(RETRY_MS);
    }
  }
  return undefined;
}

/** What happened since a place, each with the answer to it. */
async function lookFrom(
  { args, context, claims, listens, database, fields }: Subscribing,
  place: Place,
): Promise<Seen<Answered>> {
  const requestId = newId<RequestId>();
  return await withSession(
    database,
    { ...claims, requestId },
    { readOnly: true, fields },
    async (session) => {
      const look = await unseen(session.db, listens.kind, place, MOST);
      if (!look.live) {
        throw new BailiwickError('UNAUTHENTICATED');
      }
      const contextValue = { ...context, session };
      const answered = await Promise.all(
        (await occurrencesOf(contextValue, listens, look.events)).map(async ({ seq, xid, occurrence }) => {
          const result = (await execute({ ...args, rootValue: occurrence, contextValue })) as ExecutionResult;
          return { seq, xid, occurrence, text: JSON.stringify(presented(result, context)) };
        }),
      );
      const items = await inSight(contextValue, listens, answered);
      return {
        items,
        snapshot: look.snapshot,
        cut: look.cut ? look.events.at(-1)?.seq : undefined,
        more: look.more,
        worlds: look.worlds,
      };
    },
  );
}

function isAsyncIterable<Item>(value: unknown): value is AsyncIterable<Item> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function presented(result: ExecutionResult, { requestId, log }: Context): ExecutionResult {
  return result.errors === undefined
    ? result
    : { ...result, errors: result.errors.map((error) => present(error, requestId, log, false)) };
}
