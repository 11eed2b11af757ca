// What the actions of `bailiwick adopt` have in common: the declaration, the key, how long to wait, and how steps are told.

import { dirname, resolve } from 'node:path';
import type pg from 'pg';
import { PACE } from '../../adoption/backfill.ts';
import type { Pace } from '../../adoption/batches.ts';
import { type Adoption, DeclarationError } from '../../adoption/declaration.ts';
import { type Adopting, beginAdopting, resume } from '../../adoption/installation.ts';
import { readDeclaration } from '../../adoption/reading.ts';
import { PATIENCE, type Patience, type Told } from '../../adoption/steps.ts';
import { loadSecret } from '../../secret.ts';
import type { AdoptValues } from '../adopt.ts';
import { type Io, UsageError, whole } from '../command.ts';

const CONFIG = 'bailiwick.config.ts';

/** The declaration, where there is one. @throws {UsageError} where it was named and is not there, or cannot be read. */
export async function readDeclared(
  values: AdoptValues,
): Promise<{ readonly path: string; readonly folder: string; readonly adoption: Adoption | undefined }> {
  const path = values.config ?? CONFIG;
  const folder = dirname(resolve(path));
  try {
    const adoption = await readDeclaration(path);
    if (adoption === undefined && values.config !== undefined) {
      throw new UsageError(`--config ${path}: there is no such file`);
    }
    return { path, folder, adoption };
  } catch (error) {
    throw error instanceof DeclarationError ? new UsageError(error.message) : error;
  }
}

/** The key with which the application signs tickets: configured, or made on first use. The application must have the same. */
export function ticketSecret({ env }: Io): {
  readonly secret: Uint8Array;
  readonly file: string | undefined;
} {
  const configured = env.TICKET_KEY;
  if (configured !== undefined && Buffer.from(configured, 'base64url').length !== 32) {
    throw new UsageError('TICKET_KEY is not 32 bytes in base64url');
  }
  const dataDir = env.DATA_DIR ?? '.bailiwick';
  return {
    secret: loadSecret(configured, dataDir, 'ticket.key'),
    file: configured === undefined ? `${dataDir}/ticket.key` : undefined,
  };
}

/** A whole number, or what there is without one. */
export const wholeOr = (
  option: string,
  text: string | undefined,
  otherwise: number,
  least: number,
  most: number,
) => (text === undefined ? otherwise : whole(option, text, least, most));

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a time such as 24h. */
export function milliseconds(option: string, text: string): number {
  const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (number === undefined || unit === undefined) {
    throw new UsageError(`--${option} must be a time such as 30s, 15m, 24h or 7d`);
  }
  return Number(number) * (UNITS[unit] as number);
}

/** The tables that were named, which must be there; all of them where none was. */
export function chosen<Table extends { readonly name: string }>(
  tables: readonly Table[],
  { table: names }: AdoptValues,
): readonly Table[] {
  for (const name of names ?? []) {
    if (!tables.some((one) => one.name === name)) {
      throw new UsageError(`--table ${name}: not among the declared tables`);
    }
  }
  return names === undefined ? tables : tables.filter(({ name }) => names.includes(name));
}

/** How fast rows are gone through. */
export const paceOf = (values: AdoptValues, { signal }: Io): Pace => ({
  batch: wholeOr('batch', values.batch, PACE.batch, 1, 100_000),
  pauseMs: wholeOr('pause', values.pause, PACE.pauseMs, 0, 60_000),
  signal,
});

export const patienceOf = (values: AdoptValues): Patience => ({
  ...PATIENCE,
  lockMs: wholeOr('lock-timeout', values['lock-timeout'], PATIENCE.lockMs, 1, 60_000),
});

/** Tells of steps that had to be tried again. */
export const telling =
  (io: Io): Told =>
  ({ table, step }, attempt) => {
    if (attempt > 1 && Math.log2(attempt) % 1 === 0) {
      io.err(`${table === undefined ? '' : `${table}: `}${step}: no lock yet, attempt ${attempt}\n`);
    }
  };

/** Goes on with what is installed, as the only one. */
export async function adopting(client: pg.Client, values: AdoptValues, io: Io): Promise<Adopting> {
  await beginAdopting(client);
  return await resume(client, patienceOf(values), telling(io));
}
