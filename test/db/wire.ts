// A wire to the database that a test can listen to, hold still and cut: a TCP proxy in front of the server.
//
// It understands only as much of the frontend protocol (PostgreSQL documentation, chapter 55) as is needed to tell messages
// apart, and counts round trips as a slow network would: each time the client has something to say after an answer.

import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export type Wire = {
  /** The given URL, through the wire. */
  readonly url: string;
  /** What the client has sent since the last `listen`. */
  heard(): Heard;
  listen(): void;
  /** From now on, or once the client has sent something containing `text`, answers are kept back. */
  hold(text?: string): void;
  /** Delivers what was kept back. */
  resume(): void;
  /** Resets every connection. */
  cut(): void;
};

export type Heard = {
  roundTrips: number;
  /** Message types as the protocol writes them: P parse, B bind, E execute, S sync, Q simple query ... */
  types: string;
  /** Texts of statements: of Parse and of simple Query. */
  texts: string[];
};

/** Puts a wire in front of a server for the running test. */
export async function openWire(url: string): Promise<Wire> {
  const target = new URL(url);
  const socketFolder = target.searchParams.get('host');
  const upstream = () =>
    socketFolder?.startsWith('/')
      ? createConnection(`${socketFolder}/.s.PGSQL.${target.port || 5432}`)
      : createConnection(Number(target.port || 5432), socketFolder ?? target.hostname);

  let heard: Heard = { roundTrips: 0, types: '', texts: [] };
  let trigger: string | undefined;
  let held: (() => void)[] | undefined;
  const clients = new Set<Socket>();

  const server = createServer({ noDelay: true }, (client) => {
    const backend = upstream();
    let answered = true;
    const read = reader((type, body) => {
      heard.types += type;
      if (type === 'P') {
        heard.texts.push(body.subarray(body.indexOf(0) + 1, body.indexOf(0, body.indexOf(0) + 1)).toString());
      } else if (type === 'Q') {
        heard.texts.push(body.subarray(0, body.indexOf(0)).toString());
      }
    });
    client.on('data', (chunk) => {
      read(chunk);
      if (answered) {
        heard.roundTrips += 1;
        answered = false;
      }
      if (trigger !== undefined && chunk.includes(trigger)) {
        trigger = undefined;
        held = [];
      }
      backend.write(chunk);
    });
    const deliver = (delivery: () => void) => (held === undefined ? delivery() : held.push(delivery));
    backend.on('data', (chunk) =>
      deliver(() => {
        answered = true;
        client.write(chunk);
      }),
    );
    backend.on('error', () => undefined);
    backend.on('close', () => deliver(() => client.destroy()));
    clients.add(client);
    client.on('error', () => undefined);
    client.on('close', () => {
      clients.delete(client);
      backend.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const client of clients) {
      client.destroy();
    }
    server.close();
    await once(server, 'close');
  });

  const through = new URL(url);
  through.searchParams.delete('host');
  through.hostname = '127.0.0.1';
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    heard: () => heard,
    listen() {
      heard = { roundTrips: 0, types: '', texts: [] };
    },
    hold(text) {
      if (text === undefined) {
        held = [];
      } else {
        trigger = text;
      }
    },
    resume() {
      const kept = held ?? [];
      held = undefined;
      for (const delivery of kept) {
        delivery();
      }
    },
    cut() {
      for (const client of clients) {
        client.resetAndDestroy();
      }
    },
  };
}

/** Splits a frontend's stream into messages. The first one, of the start-up, has no type. */
function reader(message: (type: string, body: Buffer) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  let typeBytes = 0;
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= typeBytes + 4) {
      const end = typeBytes + pending.readUInt32BE(typeBytes);
      if (pending.length < end) {
        return;
      }
      if (typeBytes === 1) {
        message(String.fromCharCode(pending[0] ?? 0), pending.subarray(5, end));
      }
      pending = pending.subarray(end);
      typeBytes = 1;
    }
  };
}
