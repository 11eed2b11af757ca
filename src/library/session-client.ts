// What work inside a session is given: a client with node-postgres's own face, for code that takes a `PoolClient`.
//
// A transaction inside the session is a savepoint: BEGIN, COMMIT and ROLLBACK are exact as far as they go, one at a time, and what a
// savepoint cannot be is refused. It holds no authority; whatever it sends, the database judges by the sealed context.

import { EventEmitter } from 'node:events';
import type { PoolClient, QueryConfig, QueryResult } from 'pg';
import type { SessionConnection } from './connection.ts';
import { meaningOf } from './statement.ts';

type Answered = (error: Error | undefined, result?: QueryResult) => void;

/** What node-postgres takes for a statement. */
type Stated = QueryConfig & {
  readonly callback?: Answered;
  readonly submit?: unknown;
  readonly rows?: unknown;
};

const SAVEPOINT = 'savepoint bailiwick_inner';

export class InnerClient extends EventEmitter {
  readonly #connection: SessionConnection;
  readonly #readOnly: boolean;
  /** Whether a transaction inside the session is open. */
  #inner = false;

  constructor(connection: SessionConnection, readOnly: boolean) {
    super();
    this.#connection = connection;
    this.#readOnly = readOnly;
  }

  /** In every form of node-postgres's but that of a stream or cursor. */
  query(
    stated: string | Stated,
    values?: unknown[] | Answered,
    answered?: Answered,
  ): Promise<QueryResult> | undefined {
    if (stated === null || stated === undefined) {
      throw new TypeError('a statement is a text or a query config');
    }
    const given: Stated = typeof stated === 'string' ? { text: stated } : stated;
    if (typeof given.submit === 'function' || given.rows !== undefined) {
      throw new TypeError(
        'cursors and streams of the driver do not go with a session: use DECLARE and FETCH, or LIMIT',
      );
    }
    const callback = answered ?? (typeof values === 'function' ? values : given.callback);
    const asked = this.#run(configOf(given, typeof values === 'function' ? undefined : values));
    if (callback === undefined) {
      return asked;
    }
    asked.then(
      (result) => callback(undefined, result),
      (error: Error) => callback(error),
    );
    return undefined;
  }

  get processID(): unknown {
    return (this.#connection.driver as unknown as { processID?: unknown }).processID;
  }

  escapeIdentifier(text: string): string {
    return this.#connection.driver.escapeIdentifier(text);
  }

  escapeLiteral(text: string): string {
    return this.#connection.driver.escapeLiteral(text);
  }

  getTypeParser(...which: Parameters<PoolClient['getTypeParser']>): unknown {
    return this.#connection.driver.getTypeParser(...which);
  }

  getTransactionStatus(): string | null {
    return this.#connection.driver.getTransactionStatus();
  }

  setTypeParser(): never {
    throw new TypeError(
      'a type parser would stay on the connection: set it for the pool, or give `types` with the statement',
    );
  }

  connect(): never {
    throw new TypeError('a session is connected already; for what wants a pool there is asPool(client)');
  }

  release(): never {
    throw new TypeError('a session gives its connection back by itself');
  }

  end(): never {
    throw new TypeError('a session gives its connection back by itself');
  }

  async #run(config: QueryConfig): Promise<QueryResult> {
    const meaning = meaningOf(config.text);
    switch (meaning.is) {
      case 'other':
        return this.#connection.send(config);
      case 'rollback to': {
        const result = await this.#connection.send(config);
        this.#connection.recovered();
        return result;
      }
      case 'begin':
        return this.#begin(meaning.readOnly);
      case 'commit':
      case 'rollback':
        if (!this.#inner) {
          throw new TypeError(
            'the session’s own transaction is kept when its work returns, and undone when its work throws',
          );
        }
        this.#inner = false;
        return meaning.is === 'commit' ? this.#keep() : this.#undo();
      case 'refused':
        throw new TypeError(meaning.why);
      default:
        return meaning satisfies never;
    }
  }

  async #begin(readOnly: boolean | undefined): Promise<QueryResult> {
    if (this.#inner) {
      throw new TypeError(
        'a transaction is open inside this session already: of several, each has to end before the next',
      );
    }
    if (readOnly !== undefined && readOnly !== this.#readOnly) {
      throw new TypeError(
        `this session is ${this.#readOnly ? 'read only' : 'for reading and writing'}, and so is all in it`,
      );
    }
    this.#inner = true;
    try {
      return { ...(await this.#connection.send({ text: SAVEPOINT })), command: 'BEGIN' };
    } catch (error) {
      this.#inner = false;
      throw error;
    }
  }

  /** As COMMIT does, it undoes what has failed, and says so by the command. */
  async #keep(): Promise<QueryResult> {
    try {
      return { ...(await this.#connection.send({ text: `release ${SAVEPOINT}` })), command: 'COMMIT' };
    } catch (error) {
      if ((error as { code?: unknown }).code !== '25P02') {
        throw error;
      }
      return this.#undo();
    }
  }

  async #undo(): Promise<QueryResult> {
    const [undone] = await Promise.all([
      this.#connection.send({ text: `rollback to ${SAVEPOINT}` }),
      this.#connection.send({ text: `release ${SAVEPOINT}` }),
    ]);
    this.#connection.recovered();
    return { ...undone, command: 'ROLLBACK' };
  }
}

/** What the driver would read of it, also where a template library keeps some of it in its prototype. */
function configOf(given: Stated, values: unknown[] | undefined): QueryConfig {
  const { name, text, types, rowMode, binary, query_timeout } = given as Stated & {
    readonly rowMode?: unknown;
    readonly binary?: unknown;
    readonly query_timeout?: unknown;
  };
  const used = values ?? given.values;
  return Object.fromEntries(
    Object.entries({ name, text: String(text), values: used, types, rowMode, binary, query_timeout }).filter(
      ([, value]) => value !== undefined,
    ),
  ) as unknown as QueryConfig;
}
