// `bailiwick keys prune`: throws away key-encryption keys that wrap nothing any more, after a second question.
//
// A backup of the database from before the last rotation holds keys that only these unwrap. So they go when the operator says so, and
// not by themselves. Only a provider that keeps keys of its own has any to throw away: Vault and KMS have their own ways.

import { keyIdOf } from '../../crypto/provider.ts';
import { type ExitCode, UsageError } from '../command.ts';
import type { Work } from '../keys.ts';
import { ask } from './destroy.ts';

export async function prune({ pass, values, io }: Work): Promise<ExitCode> {
  const { provider } = pass.keys.roots;
  if (values.tenant !== undefined) {
    throw new UsageError('a key-encryption key is of the whole installation: leave --tenant out');
  }
  if (provider.prune === undefined) {
    throw new UsageError('only the provider local keeps keys that could be removed here');
  }
  const { rows } = await pass.client.query<{ wrapped: string }>(
    `select wrapped from public.tenant_keys where wrapped is not null
     union all select convert_from(private_key, 'UTF8') from bailiwick.signing_keys`,
  );
  const keep = new Set(rows.map(({ wrapped }) => keyIdOf(wrapped)));
  const idle = await provider.prune(keep, true);
  if (idle.length === 0) {
    io.out('every key-encryption key still wraps something\n');
    return 0;
  }
  io.err(
    `${idle.join(', ')}: wraps nothing any more. Backups of the database from before the last rotate kek do not open without it.\n`,
  );
  if (values['dry-run'] === true) {
    return 0;
  }
  if ((values.confirm ?? (await ask(io, 'Say prune to go on: '))) !== 'prune') {
    throw new UsageError('not confirmed; nothing was removed');
  }
  const removed = await provider.prune(keep);
  io.out(`${removed.length} key-encryption keys removed\n`);
  return 0;
}
