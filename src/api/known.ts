// Operations that were asked before: neither their text nor their form is looked at again, and where they end well nobody but the server
// writes their answer. Most of what clients send they have sent before.
//
// Nothing is decided here. What a document may be was decided by the engine when it came first (yoga.ts), by rules that are the same for
// everybody; what it is answered is found out each time. An operation that fails is put into words by the engine, which is handed what
// came of it and does not perform it again.

import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
  getOperationAST,
} from 'graphql';
import type { GraphQLParams } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Context } from '../context.ts';
import { noteAsked, noteProved, type RequestState, type ServerContext } from './request.ts';

export type KnownDocuments = {
  /** Keeps a document that was found to be good. */
  learn(params: GraphQLParams, document: DocumentNode): void;
  find(params: GraphQLParams): DocumentNode | undefined;
};

/** As many as the engine itself keeps. */
const MOST_DOCUMENTS = 1024;

export function knownDocuments(): KnownDocuments {
  const known = new LRUCache<string, DocumentNode>({ max: MOST_DOCUMENTS });
  return {
    learn({ query }, document) {
      if (typeof query === 'string' && known.get(query) !== document) {
        known.set(query, document);
      }
    },
    find({ query }) {
      return query === undefined ? undefined : known.get(query);
    },
  };
}

/** An answer that needs nobody to write it. */
export type Shortcut = {
  readonly status: 200;
  readonly headers: Record<string, string>;
  readonly body: string;
};

export type Shortcuts = {
  /** The answer to a request, where it is known how to give it; undefined where the engine is to be asked, with `verdict.performed` if it was performed. */
  take(state: RequestState): Promise<Shortcut | undefined>;
  /** In which form the engine has answered whoever accepts this. */
  learn(accept: string | undefined, type: string | null): void;
};

type Perform = (args: ExecutionArgs) => Promise<ExecutionResult>;

/** Forms that are accepted; what is not remembered costs time and nothing else. */
const MOST_FORMS = 100;

/** @param contextOf What resolvers are told of a request. */
export function shortcuts(
  schema: GraphQLSchema,
  documents: KnownDocuments,
  contextOf: (server: ServerContext) => Context,
  perform: Perform,
): Shortcuts {
  const forms = new LRUCache<string, string>({ max: MOST_FORMS });
  return {
    async take(state) {
      const { accept = '', outcome, verdict } = state;
      const type = forms.get(accept);
      const params = 'params' in outcome ? outcome.params : undefined;
      const document = params && documents.find(params);
      if (params === undefined || document === undefined || type === undefined) {
        return undefined;
      }
      const operation = getOperationAST(document, params.operationName)?.operation;
      if (operation !== 'query' && operation !== 'mutation') {
        return undefined;
      }
      const args: ExecutionArgs = {
        schema,
        document,
        operationName: params.operationName ?? null,
        variableValues: params.variables ?? {},
        contextValue: { ...contextOf({ state }), state },
      };
      const performing = performed(args, perform);
      verdict.performed = performing;
      const result = await performing.catch(() => undefined);
      if (result === undefined || result.errors !== undefined) {
        return undefined;
      }
      noteProved(verdict, result.data);
      const { stringify = JSON.stringify } = result as { stringify?: (result: ExecutionResult) => string };
      return { status: 200, headers: { 'content-type': type }, body: stringify(result) };
    },
    learn(accept = '', type) {
      // a stream, or parts, are written by the engine
      if (type?.startsWith('application/')) {
        forms.set(accept, type);
      }
    },
  };
}

async function performed(args: ExecutionArgs, perform: Perform): Promise<ExecutionResult> {
  noteAsked(args);
  return await perform(args);
}
