// Those who ask, in a process of their own: as fast as they are answered, or at a steady rate whatever the answers are.
//
// It speaks just enough HTTP/1.1 over a socket: a client library would cost more than a refusal does, on the same cores. Nobody here waits
// as `Retry-After` asks, because the one who is to be withstood does not either. Told what to do by a message, it answers with one.

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Asking = {
  readonly url: string;
  readonly token: string;
  readonly body: string;
  /** Connections, each of which asks again as soon as it is answered; or how many there may be at most where a rate is given. */
  readonly connections: number;
  /** Requests in a second, evenly, whether those before were answered or not; their time runs from when they were due. */
  readonly rate?: number;
  readonly seconds: number;
};

export type Asked = {
  readonly seconds: number;
  /** Milliseconds of each answer that was one, and of each refusal. */
  readonly served: readonly number[];
  readonly refused: readonly number[];
  /** What was neither; and one of them. */
  readonly failed: number;
  readonly failure?: string | undefined;
  /** Refusals without `Retry-After`. */
  readonly mute: number;
};

type Client = { ask(): Promise<string>; readonly end: () => void };

process.on('message', (asking: Asking) => {
  (asking.rate === undefined ? closed(asking) : open(asking, asking.rate)).then(
    (asked) => process.send?.(asked),
    (error: Error) => process.send?.({ failure: String(error.stack) }),
  );
});

function collect() {
  const served: number[] = [];
  const refused: number[] = [];
  const wrong: string[] = [];
  let mute = 0;
  return {
    note(answer: string, ms: number) {
      if (answer.startsWith('HTTP/1.1 200') && !answer.includes('"errors"')) {
        served.push(ms);
      } else if (answer.startsWith('HTTP/1.1 503')) {
        refused.push(ms);
        mute += /\r\nretry-after: \d+\r\n/i.test(answer) ? 0 : 1;
      } else {
        wrong.push(answer.slice(0, 1000));
      }
    },
    sum: (seconds: number): Asked => ({
      seconds,
      served,
      refused,
      mute,
      failed: wrong.length,
      failure: wrong[0],
    }),
  };
}

async function closed(asking: Asking): Promise<Asked> {
  const { note, sum } = collect();
  const clients = await Promise.all(Array.from({ length: asking.connections }, () => opened(asking)));
  const began = performance.now();
  const until = began + asking.seconds * 1000;
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < until) {
        const sent = performance.now();
        const answer = await client.ask();
        note(answer, performance.now() - sent);
      }
      client.end();
    }),
  );
  return sum((performance.now() - began) / 1000);
}

async function open(asking: Asking, rate: number): Promise<Asked> {
  const { note, sum } = collect();
  const free = await Promise.all(Array.from({ length: asking.connections }, () => opened(asking)));
  const all = [...free];
  const pending = new Set<Promise<void>>();
  const began = performance.now();
  const total = Math.round(rate * asking.seconds);
  for (let n = 0; n < total; n += 1) {
    const due = began + (n * 1000) / rate;
    while (performance.now() < due || free.length === 0) {
      await sleep(1);
    }
    const client = free.pop() as Client;
    const asked = client.ask().then((answer) => {
      note(answer, performance.now() - due);
      free.push(client);
      pending.delete(asked);
    });
    pending.add(asked);
  }
  const took = (performance.now() - began) / 1000;
  await Promise.all(pending);
  for (const client of all) {
    client.end();
  }
  return sum(took);
}

function opened({ url, token, body }: Asking): Promise<Client> {
  const { hostname, port, pathname } = new URL(url);
  const request = Buffer.from(
    `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\naccept: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let text = '';
    let answered: ((answer: string) => void) | undefined;
    let failed: (error: Error) => void = reject;
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => {
      text += part;
      if (complete(text)) {
        const whole = text;
        text = '';
        answered?.(whole);
      }
    });
    socket.on('error', (error) => failed(error));
    socket.on('close', () => failed(new Error('the server has closed the connection')));
    socket.on('connect', () =>
      resolve({
        ask: () =>
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
function complete(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n');
  if (head === -1) {
    return false;
  }
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(answer.slice(0, head + 2)) ?? [];
  return length === undefined ? answer.endsWith('0\r\n\r\n') : answer.length >= head + 4 + Number(length);
}
