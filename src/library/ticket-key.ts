// The key with which an application vouches for its users: from the call, from the environment, or from the file that `bailiwick adopt
// backfill` has left. Never makes one: a key that the database does not know opens nothing.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TicketKey, ticketKey } from '../db/ticket.ts';
import { PostureError } from '../errors.ts';

const FILE = 'ticket.key';
const known = new Map<string, TicketKey>();

/**
 * The key to sign with. Each is read once.
 *
 * @param given 32 bytes, or their base64url; left out, TICKET_KEY or the file in DATA_DIR.
 * @throws {PostureError} where there is none, saying what to do.
 */
export function ticketKeyFrom(given: string | Uint8Array | undefined, env = process.env): TicketKey {
  if (given !== undefined) {
    return typeof given === 'string' ? decoded(given, 'the option key') : keyOf(given, 'the option key');
  }
  if (env.TICKET_KEY) {
    return decoded(env.TICKET_KEY, 'TICKET_KEY');
  }
  const file = join(env.DATA_DIR || '.bailiwick', FILE);
  const read = known.get(file);
  if (read !== undefined) {
    return read;
  }
  const key = decoded(textOf(file), file);
  known.set(file, key);
  return key;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new PostureError('There is no ticket key, so no session can be opened:', [
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}): it is made by \`bailiwick adopt backfill\``,
      'set TICKET_KEY to what stands in it, or DATA_DIR to its folder, or give the option key',
    ]);
  }
}

function decoded(text: string, from: string): TicketKey {
  const cached = known.get(`=${text}`);
  if (cached !== undefined) {
    return cached;
  }
  const key = keyOf(Buffer.from(text, 'base64url'), from);
  known.set(`=${text}`, key);
  return key;
}

function keyOf(secret: Uint8Array, from: string): TicketKey {
  if (secret.length !== 32) {
    throw new PostureError('The ticket key is none:', [
      `${from} has ${secret.length} bytes, and a key has 32, in base64url`,
    ]);
  }
  return ticketKey(secret);
}
