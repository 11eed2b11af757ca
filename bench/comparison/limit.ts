// The database's own limit: the same transaction as prepared statements from a client that does nothing else, all its messages made before and
// sent in one write. In a process of its own, as the load generator, whose messages it takes.

import type { Socket } from 'node:net';
import pg from 'pg';
import { issueTicket, type TicketClaims, ticketKey } from '../../src/db/ticket.ts';
import { newId } from '../../src/ids.ts';
import { type Measured, summary } from './measured.ts';

export type LimitTask = {
  readonly url: string;
  readonly secret: string;
  readonly claims: Omit<
    Extract<TicketClaims, { kind: 'token' }>,
    'requestId' | 'tokenIssuedAt' | 'tokenExpiresAt'
  >;
  /** Statements of one transaction, with their values as text. */
  readonly statements: readonly { readonly text: string; readonly values: readonly string[] }[];
  readonly connections: number;
  readonly seconds: number;
};

/** Seconds for which one ticket serves: it lives for fifteen. */
const FRESH = 5;

process.on('message', (task: LimitTask) => {
  run(task).then(
    (measured) => process.send?.(measured),
    (error: Error) => process.send?.({ failure: String(error.stack) }),
  );
});

async function run(task: LimitTask): Promise<Measured> {
  const times: number[] = [];
  const errors: string[] = [];
  const began = performance.now();
  const until = began + task.seconds * 1000;
  await Promise.all(
    Array.from({ length: task.connections }, async () => {
      const client = new pg.Client({ connectionString: task.url });
      await client.connect();
      const wire = await takeWire(client, task);
      let message = wire.message();
      let made = performance.now();
      while (performance.now() < until) {
        if (performance.now() - made > FRESH * 1000) {
          message = wire.message();
          made = performance.now();
        }
        const sent = performance.now();
        const failed = await wire.ask(message);
        times.push(performance.now() - sent);
        if (failed !== undefined) {
          errors.push(failed);
        }
      }
      wire.end();
    }),
  );
  return summary(times, (performance.now() - began) / 1000, errors);
}

/** Prepares the statements, and takes the connection out of the driver's hands. */
async function takeWire(client: pg.Client, { secret, claims, statements }: LimitTask) {
  const key = ticketKey(Buffer.from(secret, 'base64url'));
  const all = [
    { text: 'begin isolation level read committed read only', values: () => [] },
    {
      text: 'select bailiwick.open($1, $2)',
      values() {
        const now = Date.now();
        return [
          ...issueTicket(
            {
              ...claims,
              requestId: newId(),
              tokenIssuedAt: new Date(now - 60_000),
              tokenExpiresAt: new Date(now + 600_000),
            },
            key,
          ),
        ];
      },
    },
    ...statements.map(({ text, values }) => ({ text, values: () => [...values] })),
    { text: 'commit', values: () => [] },
  ];
  for (const [n, { text, values }] of all.entries()) {
    await client.query({ name: `s${n}`, text, values: values() });
  }
  const socket = (client as unknown as { connection: { stream: Socket } }).connection.stream;
  // the driver is told nothing any more, and takes the end for a loss
  client.on('error', () => undefined);
  socket.removeAllListeners('data');
  socket.removeAllListeners('error');
  let rest: Buffer = Buffer.alloc(0);
  let answered: (failed: string | undefined) => void = () => undefined;
  socket.on('data', (part: Buffer) => {
    const data = rest.length === 0 ? part : Buffer.concat([rest, part]);
    let at = 0;
    let failed: string | undefined;
    let ready = false;
    while (at + 5 <= data.length) {
      const length = data.readUInt32BE(at + 1) + 1;
      if (at + length > data.length) {
        break;
      }
      if (data[at] === 0x45) {
        failed ??= data.toString('utf8', at + 5, at + length).replaceAll('\0', ' ');
      }
      ready ||= data[at] === 0x5a;
      at += length;
    }
    rest = data.subarray(at);
    if (failed !== undefined) {
      failure = failed;
    }
    if (ready) {
      const told = failure;
      failure = undefined;
      answered(told);
    }
  });
  let failure: string | undefined;
  return {
    message: () =>
      Buffer.concat([...all.flatMap(({ values }, n) => [bind(`s${n}`, values()), EXECUTE]), SYNC]),
    ask: (message: Buffer) =>
      new Promise<string | undefined>((done) => {
        answered = done;
        socket.write(message);
      }),
    end: () => socket.end(TERMINATE, () => socket.destroy()),
  };
}

const EXECUTE = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0]);
const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);

/** Bind of the unnamed portal, all values as text, all results as text (PostgreSQL, Message Formats). */
function bind(name: string, values: readonly string[]): Buffer {
  const parts = [Buffer.from(`\0${name}\0`), Buffer.from([0, 0]), short(values.length)];
  for (const value of values) {
    const text = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeInt32BE(text.length);
    parts.push(length, text);
  }
  parts.push(Buffer.from([0, 0]));
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head[0] = 0x42;
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function short(value: number): Buffer {
  const two = Buffer.alloc(2);
  two.writeInt16BE(value);
  return two;
}
