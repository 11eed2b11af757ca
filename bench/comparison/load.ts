// The load generator, in a process of its own: so many connections, each of which sends the next request as soon as it has its answer.
//
// It speaks just enough HTTP/1.1 over a socket: a client library would cost more than what is measured, on the same cores. An answer
// that is not 200, or tells of an error, counts as one. Told what to do by a message, it answers with a message.

import { connect, type Socket } from 'node:net';
import { v7 } from 'uuid';
import { FRESH_ID, type Measured, summary, type Task } from './measured.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
const CHUNKED_END = Buffer.from('0\r\n\r\n');

process.on('message', (task: Task) => {
  run(task).then(
    (measured) => process.send?.(measured),
    (error: Error) => process.send?.({ failure: String(error.stack) }),
  );
});

async function run({ url, requests, connections, seconds }: Task): Promise<Measured> {
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
  const began = performance.now();
  const until = began + seconds * 1000;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = await open(hostname, Number(port));
      while (performance.now() < until) {
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
      }
      client.end();
    }),
  );
  return summary(times, (performance.now() - began) / 1000, errors);
}

/** Where a request wants an id that no other has. */
function placesOf(request: Buffer): number[] {
  const found: number[] = [];
  for (let at = request.indexOf(FRESH_ID); at !== -1; at = request.indexOf(FRESH_ID, at + 1)) {
    found.push(at);
  }
  return found;
}

type Client = { ask(request: Buffer): Promise<Buffer>; end(): void };

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
            socket.write(request);
          }),
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
