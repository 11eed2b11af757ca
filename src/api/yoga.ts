// The GraphQL engine: Yoga with our schema and a list of plugins, one line each. No HTTP, no start-up, no logic.

import { createHash } from 'node:crypto';
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  parse,
  validate,
} from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Context } from '../context.ts';
import type { KeyUses } from '../db/key-uses.ts';
import type { Database } from '../db/session.ts';
import { BailiwickError } from '../errors.ts';
import type { Streams } from '../live/streams.ts';
import { nowhere, type Outgoing } from '../outgoing/call.ts';
import { CursorKey } from './cursor.ts';
import { knownDocuments, shortcuts } from './known.ts';
import { LIMITS } from './limits.ts';
import { type Performing, perform, useOperation } from './operation.ts';
import { present } from './present.ts';
import { type ServerContext, useRequest } from './request.ts';
import { useSubscriptions } from './streaming.ts';

export type EngineSettings = {
  readonly schema: GraphQLSchema;
  readonly database: Database;
  /** Where uses of API keys are noted. */
  readonly keyUses?: Pick<KeyUses, 'note'> | undefined;
  /** By which services of third parties are called; left out, none is reached. */
  readonly outgoing?: Outgoing | undefined;
  /** Who listens, and how many of them look at the database at once; left out, nobody can. */
  readonly streams?: { readonly streams: Streams; readonly looks: number } | undefined;
  /** Whether the schema may be asked for, and errors may suggest names. */
  readonly development: boolean;
};

/** GraphQL's parser and rules call themselves: what nests deeper than the stack is too large, not a failure of ours. */
function withinStack<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw error instanceof RangeError
      ? new BailiwickError('LIMIT_EXCEEDED', 'The document is nested too deeply', { cause: error })
      : error;
  }
}

/** Parses and validates within limits; where the schema is not public, neither is a hint of it. */
function useDocumentLimits(development: boolean, execution: Performing['execute']): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string) => withinStack(() => parse(source, { maxTokens: LIMITS.tokens })));
    },
    onValidate({ setValidationFn, addValidationRule }) {
      if (!development) {
        addValidationRule(NoSchemaIntrospectionCustomRule);
      }
      setValidationFn(
        (schema: GraphQLSchema, document: DocumentNode, rules: Parameters<typeof validate>[2]) => {
          const limits = { maxErrors: LIMITS.errors - 1, hideSuggestions: !development };
          const errors = withinStack(() => validate(schema, document, rules, limits));
          return errors.slice(0, LIMITS.errors);
        },
      );
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn(execution);
    },
  };
}

/** Puts every error into the words of the closed list, with the request id; no answer leaves another way. */
function usePresentation(): Plugin<object, ServerContext> {
  return {
    onResultProcess({ result, serverContext, setResult }) {
      const { requestId, log } = (serverContext as ServerContext).state;
      const single = result as ExecutionResult;
      if (single.errors !== undefined) {
        const whole = !('data' in single);
        const errors = single.errors
          .slice(0, LIMITS.errors)
          .map((error) => present(error, requestId, log, whole));
        setResult({ ...single, errors });
      }
    },
  };
}

/** Makes the engine. src/server.ts hands it requests that were read by `readRequest`. */
export function createEngine({
  schema,
  database,
  keyUses,
  outgoing = nowhere,
  streams,
  development,
}: EngineSettings) {
  const cursorKey = new CursorKey(
    createHash('sha256').update('cursor').update(database.ticketKey.key.export()).digest(),
  );
  const contextOf = ({ state }: ServerContext): Context => {
    const { requestId, log, outcome } = state;
    if ('failure' in outcome) {
      throw new TypeError('a request reached GraphQL that failed before');
    }
    return {
      requestId,
      log,
      caller: outcome.caller,
      cursorKey,
      outgoing,
      session: undefined,
      leave: undefined,
    };
  };
  // variables are checked there, and what is wrong with them tells no more of the schema than validation does
  const execution = async (args: ExecutionArgs): Promise<ExecutionResult> =>
    execute({ ...args, hideSuggestions: !development });
  const documents = knownDocuments();
  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: '/graphql',
    context: contextOf,
    plugins: [
      useRequest(),
      useDocumentLimits(development, execution),
      useOperation(database, keyUses, documents),
      ...(streams === undefined ? [] : [useSubscriptions(database, streams.streams, streams.looks, keyUses)]),
      usePresentation(),
    ],
    batching: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
    maskedErrors: false,
    multipart: false,
  });
  return {
    yoga,
    shortcuts: shortcuts(schema, documents, contextOf, (args) =>
      perform(args, { database, uses: keyUses, execute: execution }),
    ),
  };
}
