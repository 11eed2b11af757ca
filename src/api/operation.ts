// One operation, one session: the Yoga plugin that opens it around execution, and closes it before the answer leaves.
//
// A query runs read-only. A mutation is kept as a whole or not at all: an error in any of its fields rolls everything
// back and takes the data out of the answer, so that no answer tells of something that did not happen. Nothing
// that waits for a client happens inside, and nothing outside a session reaches a row. A mutation that goes on to something that
// cannot be rolled back, such as a call to a third party, is kept first (`leave`), and must be alone in its operation.

import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../context.ts';
import { recordAudit } from '../db/kernel.ts';
import { type KeyUses, usedCredential } from '../db/key-uses.ts';
import { type Database, Rollback, type Session, withSession } from '../db/session.ts';
import type { TicketClaims } from '../db/ticket.ts';
import { BailiwickError, type ErrorCode } from '../errors.ts';
import { again } from './admission.ts';
import { type Plan, planOf } from './direct/answering.ts';
import { earlyEnd } from './early-end.ts';
import { serve } from './eventual.ts';
import type { KnownDocuments } from './known.ts';
import { checkLimits } from './limits.ts';
import type { ServerContext, Verdict } from './request.ts';

/** Asks about the schema only, which needs no session because it shows no rows. */
function isIntrospection(operation: OperationDefinitionNode): boolean {
  return (
    operation.operation === 'query' &&
    operation.selectionSet.selections.every(
      (node) => node.kind === Kind.FIELD && node.name.value.startsWith('__'),
    )
  );
}

/**
 * Who asks, as a ticket says it.
 *
 * @throws {BailiwickError} UNAUTHENTICATED for nobody.
 */
export function claimsOf({ caller, requestId }: Context): TicketClaims {
  switch (caller.kind) {
    case 'anonymous':
      throw new BailiwickError('UNAUTHENTICATED');
    case 'subject':
      return {
        kind: 'token',
        tenant: caller.tenant,
        issuer: caller.issuer,
        issuerId: caller.issuerId,
        subject: caller.subject,
        onBehalfOf: caller.onBehalfOf,
        priorActors: caller.priorActors,
        delegation: caller.delegationId,
        viewAs: caller.viewAs,
        scopes: caller.scopes,
        tokenExpiresAt: caller.expiresAt,
        tokenIssuedAt: caller.issuedAt,
        requestId,
      };
    case 'issued':
      return {
        kind: 'issued',
        credentialId: caller.credentialId,
        tenant: caller.tenant,
        tokenId: caller.tokenId,
        onBehalfOf: caller.onBehalfOf,
        priorActors: caller.priorActors,
        delegation: caller.delegationId,
        viewAs: caller.viewAs,
        scopes: caller.scopes,
        tokenExpiresAt: caller.expiresAt,
        requestId,
      };
    case 'key':
      return {
        kind: 'key',
        digest: caller.hash,
        delegation: caller.delegationId,
        viewAs: caller.viewAs,
        requestId,
      };
    default:
      return caller satisfies never;
  }
}

/** Whom a token names as having acted before counts for nothing, and is refused if it is not so; either way it can be read here. */
export function noteActors({ caller, log }: Context): void {
  if ('priorActors' in caller && caller.priorActors.length > 0) {
    log.info({ event: 'auth.actors', priorActors: caller.priorActors }, 'others acted before');
  }
}

/**
 * The use of a credential leaves a time beside it, and that of an API key a line in the log; so does that an owner has looked on, with
 * through which delegation.
 */
export function noteUse(session: Session, { caller, log }: Context, uses: Uses): void {
  const looksOn = 'viewAs' in caller && caller.viewAs !== undefined;
  if (looksOn) {
    log.info({ event: 'access.viewed', delegationId: caller.viewAs }, "looked on with an agent's eyes");
  }
  const used = usedCredential(looksOn ? { credential: session.credential.replace(/^view:/, '') } : session);
  if (used !== undefined) {
    uses?.note(used.id, session.tenantId);
  }
  if (used?.kind === 'key') {
    log.info({ event: 'key.used', keyId: used.id }, 'API key used');
  }
}

/** The same as soon as the database has said who that is; where it does not, there was no use. */
function noteWhenEstablished(session: Session, context: Context, uses: Uses, verdict: Verdict): void {
  session.established.then(
    () => {
      verdict.tenantId = session.tenantId;
      noteUse(session, context, uses);
    },
    () => undefined,
  );
}

export type Uses = Pick<KeyUses, 'note'> | undefined;

/** Performs operations: what the engine executes with, and how sessions are opened. */
export type Performing = {
  readonly database: Database;
  readonly uses?: Uses;
  /** GraphQL's own execution, with what the engine adds to it. */
  readonly execute: (args: ExecutionArgs) => Promise<ExecutionResult>;
};

/** Has the engine perform operations here, unless one has been performed already; and keeps their documents in mind. */
export function useOperation(
  database: Database,
  uses: Uses,
  documents: KnownDocuments,
): Plugin<object, ServerContext, Context> {
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const { outcome, verdict } = (args.contextValue as unknown as ServerContext).state;
      if ('params' in outcome) {
        documents.learn(outcome.params, args.document);
      }
      setExecuteFn(
        (executed) =>
          verdict.performed ??
          perform(executed as ExecutionArgs, { database, uses, execute: executeFn as Performing['execute'] }),
      );
    },
  };
}

/**
 * Performs an operation that has passed validation.
 *
 * @throws {BailiwickError} where nothing of it was done.
 */
export async function perform(
  args: ExecutionArgs,
  { database, uses, execute }: Performing,
): Promise<ExecutionResult> {
  const operation = getOperationAST(args.document, args.operationName);
  if (!operation) {
    return await execute(args);
  }
  const context = args.contextValue as Context;
  const { slot, verdict } = (args.contextValue as ServerContext).state;
  const variables = (args.variableValues ?? {}) as Record<string, unknown>;
  if (isIntrospection(operation)) {
    checkLimits(args.schema, args.document, operation, variables, ['aliases', 'directives']);
    return await execute(args);
  }
  checkLimits(args.schema, args.document, operation, variables);
  const claims = claimsOf(context);
  noteActors(context);
  const readOnly = operation.operation === 'query';
  const plan = readOnly ? planOf(args.schema, args.document, operation) : undefined;
  const fields = fieldsOf(operation.selectionSet, args.document).filter(isField);
  const alone = fields.length === 1;
  const early = readOnly
    ? undefined
    : earlyEnd(context, alone, (work) =>
        again(slot, () => withSession(database, claims, { readOnly: false }, ({ db }) => work(db))),
      );
  const refused = (outcome: ErrorCode): Promise<void> => recordRefusal(database, claims, { outcome, fields });
  const options = { readOnly, fields, repeatable: readOnly };
  /** @returns undefined where a plan's session has ended and did not answer. */
  const inSession = (plan?: Plan): Promise<ExecutionResult | undefined> =>
    serve(database, args, claims, options, async (session) => {
      context.session = session;
      noteWhenEstablished(session, context, uses, verdict);
      const direct = await plan?.answer(context, variables);
      if (direct !== undefined) {
        return written(direct);
      }
      if (session.course.ended) {
        return undefined;
      }
      const execution = execute(args);
      const inside = await (early === undefined ? execution : early.orLeft(execution));
      if (inside.errors !== undefined && !readOnly) {
        throw new Rollback({ ...inside, data: null });
      }
      return inside;
    });
  try {
    const result = (await inSession(plan)) ?? ((await inSession()) as ExecutionResult);
    const denied = readOnly ? undefined : denialIn(result);
    if (denied !== undefined) {
      await refused(denied);
    }
    if (early === undefined) {
      return result;
    }
    // whatever goes on without a session may take its time
    slot?.release();
    return await early.kept(result);
  } catch (error) {
    await early?.lost(error);
    if (!readOnly && error instanceof BailiwickError && DENIALS.has(error.code)) {
      await refused(error.code);
    }
    throw error;
  } finally {
    context.session = undefined;
    context.leave = undefined;
  }
}

/** An answer that is text already: Yoga sends it as it is, with what else there is to say. */
function written(text: string): ExecutionResult {
  const stringify = ({ extensions }: ExecutionResult) =>
    extensions === undefined ? text : `${text.slice(0, -1)},"extensions":${JSON.stringify(extensions)}}`;
  return { data: {}, stringify } as ExecutionResult;
}

// the second is what a reference to a row out of reach ends as
const DENIALS: ReadonlySet<ErrorCode> = new Set(['FORBIDDEN', 'NOT_FOUND']);

/** The denial with which a field of a mutation ended, and so all of it. */
function denialIn({ errors }: ExecutionResult): ErrorCode | undefined {
  return errors
    ?.map(({ originalError }) => (originalError instanceof BailiwickError ? originalError.code : undefined))
    .find((code) => code !== undefined && DENIALS.has(code));
}

/** What was refused was rolled back; that it was asked for is recorded all the same, in a session of its own. */
async function recordRefusal(
  database: Database,
  claims: TicketClaims,
  detail: { readonly outcome: ErrorCode; readonly fields: readonly string[] },
): Promise<void> {
  await withSession(database, claims, { readOnly: false }, () =>
    recordAudit('operation.refused', { kind: 'operation', id: null }, detail),
  );
}

const isField = (name: string): boolean => !name.startsWith('__');

/** The names of the fields that a selection asks for, through its fragments too. */
export function fieldsOf({ selections }: SelectionSetNode, document: DocumentNode): string[] {
  return selections.flatMap((node) => {
    if (node.kind === Kind.FIELD) {
      return [node.name.value];
    }
    const fragment =
      node.kind === Kind.INLINE_FRAGMENT
        ? node
        : document.definitions
            .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
            .find(({ name }) => name.value === node.name.value);
    return fragment === undefined ? [] : fieldsOf(fragment.selectionSet, document);
  });
}
