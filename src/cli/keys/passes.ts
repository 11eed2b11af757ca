// `bailiwick keys verify`, `rotate`, `seal` and `unseal`: long work, in words and with a bar.

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { EncryptedField } from '../../crypto/declared.ts';
import type { KeyProvider } from '../../crypto/provider.ts';
import { keyIdOf } from '../../crypto/provider.ts';
import { countCells, onlyEnvelopes } from '../../db/custody/cells.ts';
import {
  columnsOf,
  type Fault,
  type Outcome,
  sealAll,
  unsealAll,
  verifyAll,
} from '../../db/custody/resealing.ts';
import { rotateDataKeys, rotateKeyEncryptionKey, rotateTenantKeys } from '../../db/custody/rotation.ts';
import { constraintOf, readUnsealed } from '../../db/sealing/phase.ts';
import { signingKeyBinding } from '../../oauth/signing-keys.ts';
import { columns, type ExitCode, type Io, UsageError } from '../command.ts';
import type { Work } from '../keys.ts';
import { progress } from '../progress.ts';

/** Runs one pass with a bar. */
async function withBar<Result>(
  { pass, io }: Work,
  what: string,
  run: (pass: Work['pass']) => Promise<Result>,
): Promise<Result> {
  const bar = progress(io, what);
  try {
    return await run({ ...pass, progress: bar.at });
  } finally {
    bar.end();
  }
}

/** Prints what does not open, and whether that is a finding. */
function report({ faults }: Pick<Outcome, 'faults'>, io: Io): ExitCode {
  for (const { table, column, tenantId, rowId, reason } of faults) {
    io.out(
      `${table}.${column} of row ${rowId} in tenant ${tenantId} does not open: ${REASONS[reason] ?? reason}\n`,
    );
  }
  return faults.length === 0 ? 0 : 1;
}

const REASONS: Readonly<Record<string, string>> = {
  shape: 'begins like an envelope and is none',
  key: 'sealed with a key that its holder does not have, or whose secret is not there',
  altered: 'not what was written there: altered, or moved from another row',
  plain: 'in clear, where only envelopes may stand',
};

export async function verify(work: Work): Promise<ExitCode> {
  const outcome = await withBar(work, 'opened', verifyAll);
  if (work.values.json === true) {
    work.io.out(
      `${JSON.stringify({ opened: outcome.done, destroyed: outcome.gone, faults: outcome.faults }, null, 2)}\n`,
    );
    return outcome.faults.length === 0 ? 0 : 1;
  }
  const code = report(outcome, work.io);
  work.io.out(
    `${outcome.done} values open, ${outcome.gone} were destroyed, ${outcome.faults.length} do not open\n`,
  );
  return code;
}

export async function rotateData(work: Work): Promise<ExitCode> {
  const { pass, values, io } = work;
  if (values.column !== undefined) {
    throw new UsageError('a key is of a holder, not of a column: leave --column out');
  }
  if (values['dry-run'] === true) {
    const { rows } = await pass.client.query<{ n: string }>(
      'select count(*) as n from data_keys where retired_at is null and destroyed_at is null and ($1::uuid is null or tenant_id = $1)',
      [pass.tenantId],
    );
    io.out(`would make ${rows[0]?.n} data keys, and seal with them\n`);
    io.out(columns(await counted(work, 'sealed')));
    return 0;
  }
  let faults: readonly Fault[] = [];
  for (;;) {
    const {
      resumed,
      keys,
      values: outcome,
      graceSeconds,
    } = await withBar(work, 'sealed anew', rotateDataKeys);
    io.out(`${resumed ? 'went on: ' : ''}${keys} new data keys, ${outcome.done} values sealed anew\n`);
    faults = outcome.faults;
    if (faults.length > 0 || graceSeconds === 0) {
      break;
    }
    if (values['no-wait'] === true) {
      io.out(
        `finished by the same command in ${graceSeconds} s, when no server seals with the old keys any more\n`,
      );
      return 0;
    }
    io.err(`waiting ${graceSeconds} s until no server seals with the old keys any more\n`);
    await sleep(graceSeconds * 1000, undefined, { signal: io.signal });
  }
  return report({ faults }, io);
}

export async function rotateTenant(work: Work): Promise<ExitCode> {
  if (work.values['dry-run'] === true) {
    const { rows } = await work.pass.client.query<{ tenants: string; keys: string }>(
      `select count(distinct tenant_id) as tenants, count(*) as keys from data_keys
        where destroyed_at is null and ($1::uuid is null or tenant_id = $1)`,
      [work.pass.tenantId],
    );
    work.io.out(
      `would make keys for ${rows[0]?.tenants} tenants, and wrap ${rows[0]?.keys} data keys under them\n`,
    );
    return 0;
  }
  const { resumed, keys, values } = await withBar(work, 'tenants', rotateTenantKeys);
  work.io.out(`${resumed ? 'went on: ' : ''}${keys} data keys wrapped anew\n`);
  return report(values, work.io);
}

export async function rotateKek(work: Work): Promise<ExitCode> {
  const { pass, io } = work;
  if (work.values.tenant !== undefined) {
    throw new UsageError('a key-encryption key is of the whole installation: leave --tenant out');
  }
  if (work.values['dry-run'] === true) {
    const current = await pass.keys.roots.provider.current();
    const { rows } = await pass.client.query<{ wrapped: string }>(
      'select wrapped from tenant_keys where wrapped is not null',
    );
    const older = rows.filter(({ wrapped }) => keyIdOf(wrapped) !== current).length;
    io.out(
      older > 0
        ? `would wrap ${older} keys of tenants under ${current}\n`
        : `would have a new key take over from ${current}, and wrap ${rows.length} keys of tenants under it\n`,
    );
    return 0;
  }
  const { current, made, keys } = await withBar(work, 'wrapped anew', (running) =>
    rotateKeyEncryptionKey(running, rewrapSigningKeys),
  );
  io.out(`${made ? 'made' : 'went on with'} ${current}: ${keys} keys wrapped anew\n`);
  return 0;
}

/** The keys that sign tokens hang on the same provider. */
async function rewrapSigningKeys(client: Pick<pg.Client, 'query'>, provider: KeyProvider): Promise<number> {
  const { rows } = await client.query<{ kid: string; wrapped: string }>(
    `select kid, convert_from(private_key, 'UTF8') as wrapped from bailiwick.signing_keys order by kid`,
  );
  const current = await provider.current();
  const older = rows.filter(({ wrapped }) => keyIdOf(wrapped) !== current);
  for (const { kid, wrapped } of older) {
    const binding = signingKeyBinding(kid);
    const anew = await provider.wrap(await provider.unwrap(wrapped, binding), binding);
    await client.query('update bailiwick.signing_keys set private_key = $2 where kid = $1', [
      kid,
      Buffer.from(anew),
    ]);
  }
  return older.length;
}

/** How many values each column has. */
async function counted({ pass }: Work, which: 'sealed' | 'plain'): Promise<[string, string][]> {
  const lines: [string, string][] = [];
  for (const field of columnsOf(pass)) {
    const values = await countCells(pass.client, field, which, pass.tenantId ?? null);
    lines.push([`${field.table}.${field.column}`, `${values} values`]);
  }
  return lines;
}

export async function sealPlain(work: Work): Promise<ExitCode> {
  const { pass, io, values } = work;
  if (values['dry-run'] === true) {
    io.out(`would seal\n${columns(await counted(work, 'plain'))}`);
    return 0;
  }
  const waiting = await openWaiting(pass);
  const outcome = await withBar(work, 'sealed', sealAll);
  io.out(`${outcome.done} values sealed\n`);
  for (const field of waiting) {
    await keepOut(pass.client, field);
  }
  for (const field of values.tenant === undefined ? columnsOf(pass) : []) {
    try {
      await close(pass.client, field);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError && error.code === '23514')) {
        throw error;
      }
      io.err(`${field.table}.${field.column} still holds values in clear: call it again\n`);
      return 1;
    }
  }
  return report(outcome, io);
}

/**
 * Takes constraints away that are not validated yet: PostgreSQL asks them whenever a row is changed, so a row with two values in
 * clear could not be sealed one by one. A server does not start without them; one that is running seals what it writes.
 */
async function openWaiting(pass: Work['pass']): Promise<readonly EncryptedField[]> {
  const tables = new Set(columnsOf(pass).map(({ table }) => table));
  const unsealed = await readUnsealed(pass.client);
  const waiting = columnsOf({}).filter(
    (field) => tables.has(field.table) && unsealed.has(constraintOf(field)),
  );
  for (const field of waiting) {
    await pass.client.query(
      `alter table public."${field.table}" drop constraint if exists "${constraintOf(field)}"`,
    );
  }
  return waiting;
}

/** Lets nothing but envelopes into a column from here on. Fails where there is anything else. */
async function close(client: Pick<pg.Client, 'query'>, field: EncryptedField): Promise<void> {
  await keepOut(client, field);
  // reads the table under a lock that lets everybody read and write
  await client.query(`alter table public."${field.table}" validate constraint "${constraintOf(field)}"`);
}

/** Lets no more values in clear into a column, and leaves those that are there. */
async function keepOut(client: Pick<pg.Client, 'query'>, field: EncryptedField): Promise<void> {
  const [table, name] = [`public."${field.table}"`, constraintOf(field)];
  const { rowCount } = await client.query(
    'select from pg_constraint where conrelid = $1::regclass and conname = $2',
    [table, name],
  );
  if (rowCount === 0) {
    await client.query(
      `alter table ${table} add constraint "${name}" check (${onlyEnvelopes(field)}) not valid`,
    );
  }
}

export async function unseal(work: Work): Promise<ExitCode> {
  const { pass, io, values } = work;
  const unsealed = await readUnsealed(pass.client);
  const closed = columnsOf(pass).filter((field) => !unsealed.has(constraintOf(field)));
  if (closed.length > 0) {
    throw new UsageError(
      `only envelopes may stand in ${closed.map(({ table, column }) => `${table}.${column}`).join(', ')}: to go back, first drop ${closed.map(constraintOf).join(', ')} in a migration`,
    );
  }
  if (values['dry-run'] === true) {
    io.out(`would open\n${columns(await counted(work, 'sealed'))}`);
    return 0;
  }
  for (const field of columnsOf(pass)) {
    await pass.client.query(
      `alter table public."${field.table}" drop constraint if exists "${constraintOf(field)}"`,
    );
  }
  const outcome = await withBar(work, 'opened', unsealAll);
  io.out(`${outcome.done} values in clear again\n`);
  return report(outcome, io);
}
