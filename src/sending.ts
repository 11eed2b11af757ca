// Sending an answer: at once, or as it comes, as fast as the client takes it.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

export type Sendable = {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: string | ReadableStream<Uint8Array>;
};

/** Milliseconds for which a stream waits for a client that takes nothing more. */
const STALLED_MS = 30_000;

export function send(response: ServerResponse, { status, headers, body }: Sendable): void {
  if (response.destroyed) {
    // the client has gone
    if (typeof body !== 'string') {
      void body.cancel();
    }
    return;
  }
  if (typeof body === 'string') {
    // said before, head and body go out as one
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  } else {
    response.writeHead(status, headers);
    void pour(body, response);
  }
}

/** Sends what comes as fast as the client takes it, and ends with the client. */
async function pour(body: ReadableStream<Uint8Array>, response: ServerResponse): Promise<void> {
  const reader = body.getReader();
  response.once('close', () => void reader.cancel());
  response.flushHeaders();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (!response.write(next.value)) {
        await once(response, 'drain', { signal: AbortSignal.timeout(STALLED_MS) });
      }
    }
    response.end();
  } catch {
    // it takes nothing, or what it was sent has broken off: it comes back and says how far it got
    response.destroy();
  }
}
