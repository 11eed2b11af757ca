// The other side of subscribers.ts, in a process of its own: opens all streams, then has owners write, and counts what arrives where.

import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export type Load = {
  readonly url: string;
  /** One per owner. */
  readonly tokens: readonly string[];
  readonly subscribers: number;
  /** Events a second, of all owners together. */
  readonly rate: number;
  /** Of them, those that one operation brings about. */
  readonly batch: number;
  readonly seconds: number;
};

export type Report = {
  readonly written: number;
  readonly seconds: number;
  readonly delivered: number;
  readonly expected: number;
  readonly wrong: number;
  readonly twice: number;
  readonly ended: number;
  /** 50, 95 and 99, in milliseconds. */
  readonly percentiles: readonly number[];
};

const LISTEN = JSON.stringify({
  query: 'subscription { memoryChanged { change memory { content } } }',
});
const WRITE =
  'mutation Write($memories: [CreateMemoryInput!]!) { createMemories(input: { memories: $memories }) { __typename } }';

process.once('message', (load: Load) => {
  void run(load).then((report) => {
    process.send?.(report);
    process.disconnect();
    process.exit(0);
  });
});

async function run({ url, tokens, subscribers, rate, batch, seconds }: Load): Promise<Report> {
  const latencies: number[] = [];
  const seen = new Set<string>();
  const counts = { wrong: 0, twice: 0, ended: 0, delivered: 0 };
  const take = (subscriber: number, owner: number, content: string) => {
    const [from, sent, n] = content.split(' ');
    const key = `${subscriber} ${n}`;
    counts.delivered += 1;
    counts.wrong += Number(from) === owner ? 0 : 1;
    counts.twice += seen.has(key) ? 1 : 0;
    seen.add(key);
    latencies.push(Date.now() - Number(sent));
  };
  for (let from = 0; from < subscribers; from += 20) {
    await Promise.all(
      Array.from({ length: Math.min(20, subscribers - from) }, (_, n) => {
        const owner = (from + n) % tokens.length;
        return listen(
          url,
          tokens[owner] ?? '',
          (content) => take(from + n, owner, content),
          () => {
            counts.ended += 1;
          },
        );
      }),
    );
  }
  process.stdout.write(`${subscribers} streams are open\n`);
  const began = performance.now();
  const writes: Promise<void>[] = [];
  let written = 0;
  for (let n = 0; n < rate * seconds; n += batch) {
    const wait = began + (n * 1000) / rate - performance.now();
    if (wait > 1) {
      await sleep(wait);
    }
    const owner = (n / batch) % tokens.length;
    const contents = Array.from({ length: batch }, (_, k) => `${owner} ${Date.now()} ${n + k}`);
    writes.push(
      write(url, tokens[owner] ?? '', contents).then((kept) => {
        written += kept ? batch : 0;
      }),
    );
  }
  await Promise.all(writes);
  const taken = (performance.now() - began) / 1000;
  const expected = (written * subscribers) / tokens.length;
  for (let patience = 0; patience < 300 && counts.delivered < expected; patience += 1) {
    await sleep(100);
  }
  latencies.sort((a, b) => a - b);
  const percentiles = [0.5, 0.95, 0.99].map(
    (part) => latencies[Math.floor(latencies.length * part)] ?? Number.NaN,
  );
  return { ...counts, written, seconds: taken, expected, percentiles };
}

/** Resolves as soon as the stream has begun. */
function listen(
  url: string,
  token: string,
  got: (content: string) => void,
  ended: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    };
    const asking = request(url, { method: 'POST', headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        resolve();
        text += chunk;
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) {
          const data = block.split('\n').find((line) => line.startsWith('data: {'));
          const content = data && JSON.parse(data.slice(6)).data?.memoryChanged?.memory?.content;
          if (content) {
            got(content);
          }
        }
      });
      response.on('close', ended);
    });
    asking.on('error', reject);
    asking.end(LISTEN);
  });
}

/** As many connections as an installation of clients would keep; whoever finds none waits, and the waiting counts. */
const writers = new Agent({ keepAlive: true, maxSockets: 64 });

function write(url: string, token: string, contents: readonly string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const asking = request(url, { method: 'POST', headers, agent: writers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text.includes('"CreatedMemories"')));
    });
    asking.on('error', reject);
    asking.end(
      JSON.stringify({ query: WRITE, variables: { memories: contents.map((content) => ({ content })) } }),
    );
  });
}
