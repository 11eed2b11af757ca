// `bailiwick keys destroy`: crypto-shredding, after a second question.
//
// What was destroyed cannot be brought back by anybody. So whoever calls it says the name once more: typed at the terminal, or with
// --confirm where nobody can be asked.

import { createInterface } from 'node:readline/promises';
import { REMEMBERED } from '../../crypto/keys.ts';
import { shred, type Victim } from '../../db/custody/shredding.ts';
import { isUuid } from '../../ids.ts';
import { type ExitCode, type Io, UsageError } from '../command.ts';
import type { Work } from '../keys.ts';

export async function destroy({ pass, values, io }: Work): Promise<ExitCode> {
  if (values.tenant === undefined || pass.tenantId == null) {
    throw new UsageError('destroy needs --tenant, and --owner unless all of it is meant');
  }
  if (values.owner !== undefined && !isUuid(values.owner)) {
    throw new UsageError('--owner must be the id of a user or an agent');
  }
  const victim: Victim = { tenantId: pass.tenantId, ownerId: values.owner ?? null };
  const name = values.owner ?? values.tenant;
  if (victim.ownerId !== null && !(await isThere(pass.client, victim))) {
    throw new UsageError(`there is no ${name} in ${values.tenant}`);
  }
  const keys = await keysOf(pass.client, victim);
  const { erasure } = pass.keys.roots;
  io.err(
    [
      `This destroys ${keys} keys of ${values.owner === undefined ? 'tenant' : 'owner'} ${name}. What they sealed is gone for good.`,
      erasure === undefined
        ? 'Backups of the database are NOT covered: there is no ERASURE_DIR, so the wrapped keys in them still open.'
        : 'Backups of the database are covered; backups of ERASURE_DIR must be destroyed too.',
      '',
    ].join('\n'),
  );
  if (values['dry-run'] === true) {
    return 0;
  }
  const said = values.confirm ?? (await ask(io, `Say it once more to go on (${name}): `));
  if (said !== name) {
    throw new UsageError('not confirmed; nothing was destroyed');
  }
  const { keys: destroyed, secrets, backups } = await shred(pass.client, pass.keys.roots, victim);
  io.out(
    [
      `${destroyed} keys destroyed, ${secrets} erasure secrets forgotten${backups ? ', backups included' : ''}`,
      `a running server forgets them within ${REMEMBERED.milliseconds / 1000} s`,
      '',
    ].join('\n'),
  );
  return 0;
}

async function isThere(client: Work['pass']['client'], { tenantId, ownerId }: Victim): Promise<boolean> {
  const { rowCount } = await client.query('select from entities where tenant_id = $1 and id = $2', [
    tenantId,
    ownerId,
  ]);
  return rowCount === 1;
}

async function keysOf(client: Work['pass']['client'], { tenantId, ownerId }: Victim): Promise<number> {
  const { rows } = await client.query<{ n: string }>(
    `select (select count(*) from data_keys where tenant_id = $1 and ($2::uuid is null or $2 in (owner_id, holder_id)) and destroyed_at is null)
          + (select count(*) from tenant_keys where tenant_id = $1 and $2::uuid is null and destroyed_at is null) as n`,
    [tenantId, ownerId],
  );
  return Number(rows[0]?.n);
}

/** Asks at the terminal; nobody there is no confirmation. */
export async function ask({ terminal, signal }: Io, question: string): Promise<string> {
  if (terminal !== true || process.stdin.isTTY !== true) {
    throw new UsageError('nobody can be asked here: say it with --confirm');
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question, { signal })).trim();
  } finally {
    lines.close();
  }
}
