// The load generator, in a process of its own: so many connections, each of which sends the next request as soon as it has its answer, or, at
// a given rate, when its turn has come; or several targets, one request at a time, in turns.
//
// It speaks just enough HTTP/1.1 over a socket: a client library would cost more than what is measured, on the same cores. An answer
// that is not 200, or tells of an error, counts as one. Told what to do by a message, it answers with a message.

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';
import { FRESH_ID, type Measured, type Request, summary, type Task, type Turns } from './measured.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
const CHUNKED_END = Buffer.from('0\r\n\r\n');

process.on('message', (task: Task | Turns) => {
  ('targets' in task ? runInTurns(task) : run(task)).then(
    (measured) => process.send?.(measured),
    (error: Error) => process.send?.({ failure: String(error.stack) }),
  );
});

async function run({
  url,
  requests,
  connections,
  seconds = Number.POSITIVE_INFINITY,
  operations = Number.POSITIVE_INFINITY,
  rate,
}: Task): Promise<Measured> {
  const asking = prepare(url, requests);
  let sent = 0;
  const clients = await Promise.all(Array.from({ length: connections }, asking.open));
  // the connections take turns; one whose answer is late sends as soon as it is there
  const apart = rate === undefined ? 0 : 1000 / rate;
  const began = performance.now();
  const until = began + seconds * 1000;
  await Promise.all(
    clients.map(async (first, turn) => {
      let client = first;
      for (let due = began + turn * apart; due < until && sent < operations; due += connections * apart) {
        const early = due - performance.now();
        if (early > 0) {
          await sleep(early);
        }
        if (performance.now() >= until) {
          break;
        }
        sent += 1;
        client = await asking.opened(client);
        await asking.ask(client);
      }
      client.end();
    }),
  );
  return summary(asking.times, (performance.now() - began) / 1000, asking.errors);
}

/** One request to each target, and then again, there and back, so that none always follows the same one. */
async function runInTurns({ targets, seconds, warm }: Turns): Promise<Measured[]> {
  const all = await Promise.all(
    targets.map(async ({ url, requests }) => {
      const asking = prepare(url, requests);
      return { asking, client: await asking.open() };
    }),
  );
  const order = [...all];
  const ask = async (until: number) => {
    while (performance.now() < until) {
      for (const one of all) {
        one.client = await one.asking.opened(one.client);
        await one.asking.ask(one.client);
      }
      all.reverse();
    }
  };
  await ask(performance.now() + warm * 1000);
  // the warm-up is forgotten, but not what went wrong in it
  for (const { asking } of all) {
    asking.times.length = 0;
  }
  await ask(performance.now() + seconds * 1000);
  for (const { client } of all) {
    client.end();
  }
  return order.map(({ asking: { times, errors } }) => summary(times, sum(times) / 1000, errors));
}

const sum = (times: readonly number[]) => times.reduce((all, one) => all + one, 0);

/** What is asked of one address, with the milliseconds that each took, and the answers that were errors. */
function prepare(url: string, requests: readonly Request[]) {
  const { hostname, port, pathname } = new URL(url);
  const ready = requests.map(({ token, body }) =>
    Buffer.from(
      `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\naccept: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  );
  const places = ready.map((request) => placesOf(request));
  const times: number[] = [];
  const errors: string[] = [];
  let next = 0;
  return {
    times,
    errors,
    open: () => open(hostname, Number(port)),
    /** The same connection, or another in its place: the server ends one that has been idle for seconds. */
    opened: async (client: Client) => (client.closed() ? await open(hostname, Number(port)) : client),
    /** The next of the requests. */
    async ask(client: Client): Promise<void> {
      const at = next++ % ready.length;
      const request = ready[at] as Buffer;
      for (const place of places[at] as number[]) {
        request.write(v7(), place, 'latin1');
      }
      const sent = performance.now();
      const answer = await client.ask(request);
      times.push(performance.now() - sent);
      const text = answer.toString('latin1');
      if (!text.startsWith('HTTP/1.1 200') || text.includes('"errors"')) {
        errors.push(text.slice(0, 2000));
      }
    },
  };
}

/** Where a request wants an id that no other has. */
function placesOf(request: Buffer): number[] {
  const found: number[] = [];
  for (let at = request.indexOf(FRESH_ID); at !== -1; at = request.indexOf(FRESH_ID, at + 1)) {
    found.push(at);
  }
  return found;
}

type Client = { ask(request: Buffer): Promise<Buffer>; closed(): boolean; end(): void };

function open(host: string, port: number): Promise<Client> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host, port, noDelay: true });
    let parts: Buffer[] = [];
    let answered: ((answer: Buffer) => void) | undefined;
    let failed: (error: Error) => void = reject;
    socket.on('data', (part: Buffer) => {
      parts.push(part);
      const all = parts.length === 1 ? part : Buffer.concat(parts);
      if (complete(all)) {
        parts = [];
        answered?.(all);
      } else {
        parts = [all];
      }
    });
    socket.on('error', (error) => failed(error));
    socket.on('close', () => failed(new Error('the server has closed the connection')));
    socket.on('connect', () =>
      resolve({
        ask: (request) =>
          new Promise((done, lost) => {
            answered = done;
            failed = lost;
            if (socket.writable) {
              socket.write(request);
            } else {
              lost(new Error('the connection is closed'));
            }
          }),
        closed: () => !socket.writable,
        end() {
          failed = () => undefined;
          socket.destroy();
        },
      }),
    );
  });
}

/** Whether an answer is there to its end. */
function complete(answer: Buffer): boolean {
  const head = answer.indexOf(HEAD_END);
  if (head === -1) {
    return false;
  }
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(answer.toString('latin1', 0, head)) ?? [];
  return length === undefined
    ? answer.subarray(-CHUNKED_END.length).equals(CHUNKED_END)
    : answer.length >= head + HEAD_END.length + Number(length);
}
