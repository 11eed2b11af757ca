// Several statements in one write, and one answer to wait for: what node-postgres sends one by one, each with a synchronisation of its own.
//
// PostgreSQL takes them in their order and skips what stands behind one that fails (PostgreSQL documentation, section 55.2.3.1). What they
// answer is passed on as the text it is; nobody has to be told first what columns there are. Knows nothing of what the statements mean.

import pg, { type QueryConfig } from 'pg';
import { prepareValue } from 'pg/lib/utils.js';

/** A statement that is prepared under a name; under an empty one it is parsed anew each time. */
export type NamedStatement = QueryConfig & { readonly name: string };

/** A row as PostgreSQL writes its values. */
export type TextRow = readonly (string | null)[];

/** What one statement came to. */
export type Answered = { readonly command: string; readonly rows: readonly TextRow[] };

/** What the statements of an exchange came to, in their order: behind one that failed, all have failed of the same. */
export type Settled = readonly PromiseSettledResult<Answered>[];

/** As much of node-postgres's connection as is written to. */
type Wire = {
  readonly stream: { cork(): void; uncork(): void };
  /** Texts of prepared statements by name: those that PostgreSQL has, and those that are on their way. */
  readonly parsedStatements: Record<string, string | undefined>;
  readonly submittedNamedStatements: Record<string, string | undefined>;
  parse(statement: { name: string; text: string }): void;
  bind(portal: { statement: string; values: readonly unknown[] }): void;
  execute(portal: object): void;
  sync(): void;
};

// its queue takes no others where several are on their way at once
const Query = pg.Query as unknown as new (config: QueryConfig) => object;

/** Handed to a client's `query`; calls back once, when PostgreSQL has answered everything or the connection is lost. */
export class Exchange extends Query {
  /** What is asked, and who is told what came of it. */
  readonly statements: readonly NamedStatement[];
  readonly settle: (settled: Settled) => void;
  readonly #answers: Answered[] = [];
  #rows: TextRow[] = [];
  #failure: { readonly reason: unknown } | undefined;

  /**
   * @param statements In their order.
   * @throws whatever a value throws that cannot be written; nothing is sent then.
   */
  constructor(statements: readonly NamedStatement[], settle: (settled: Settled) => void) {
    super({ text: '' });
    this.statements = statements.map((one) => ({ ...one, values: one.values?.map(prepareValue) ?? [] }));
    this.settle = settle;
  }

  submit(wire: Wire): null {
    wire.stream.cork();
    for (const { name, text, values = [] } of this.statements) {
      if ((wire.parsedStatements[name] ?? wire.submittedNamedStatements[name]) === undefined) {
        wire.parse({ name, text });
        if (name !== '') {
          wire.submittedNamedStatements[name] = text;
        }
      }
      wire.bind({ statement: name, values });
      wire.execute({});
    }
    wire.sync();
    wire.stream.uncork();
    return null;
  }

  handleDataRow({ fields }: { readonly fields: TextRow }): void {
    this.#rows.push(fields);
  }

  handleCommandComplete({ text }: { readonly text: string }, wire: Wire): void {
    const { name = '', text: statement } = this.statements[this.#answers.length] ?? {};
    if (name !== '' && wire.submittedNamedStatements[name] !== undefined) {
      wire.parsedStatements[name] = statement;
      delete wire.submittedNamedStatements[name];
    }
    this.#answers.push({ command: text.split(' ', 1)[0] ?? '', rows: this.#rows });
    this.#rows = [];
  }

  /** What was not parsed any more is to be parsed by whoever asks it next. */
  handleError(reason: unknown, wire: Wire): void {
    for (const { name } of this.statements.slice(this.#answers.length)) {
      delete wire.submittedNamedStatements[name];
    }
    this.#failure ??= { reason };
    this.#end();
  }

  handleReadyForQuery(): void {
    this.#end();
  }

  #end(): void {
    const failure = this.#failure ?? { reason: new Error('the exchange ended before all was answered') };
    this.settle(
      this.statements.map((_, at) => {
        const value = this.#answers[at];
        return value === undefined ? { status: 'rejected', ...failure } : { status: 'fulfilled', value };
      }),
    );
  }
}

/**
 * Sends statements together. What failed of them is in what was settled.
 *
 * @throws whatever a value throws that cannot be written; nothing is sent then.
 */
export function exchange(
  client: { query(config: Exchange): unknown },
  statements: readonly NamedStatement[],
): Promise<Settled> {
  return new Promise((resolve) => {
    client.query(new Exchange(statements, resolve));
  });
}
