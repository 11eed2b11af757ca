// Generates the client of the shop's Prisma schema, unless it is there: about a second, once per schema and version of Prisma.
//
// It lies under generated/, which git ignores, and is loaded by a path that no compiler follows.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { SqlDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import type { PrismaClient } from '../../../generated/prisma/client.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SCHEMA = fileURLToPath(new URL('schema.prisma', import.meta.url));
const CLIENT = join(ROOT, 'generated', 'library');

type Where = { readonly where?: object; readonly orderBy?: object; readonly include?: object };
type Row = { readonly id: number; readonly item: string };
/** As much of the generated client as the tests use. */
export type ShopClient = Pick<
  PrismaClient,
  '$disconnect' | '$extends' | '$queryRaw' | '$executeRawUnsafe'
> & {
  // biome-ignore lint/suspicious/noExplicitAny: either an array of queries or a function of a client that is generated
  $transaction(work: any): Promise<unknown>;
  readonly order: {
    findMany(query?: Where): Promise<Row[]>;
    create(query: { readonly data: { readonly item: string } }): Promise<Row>;
    deleteMany(query: Where): Promise<{ count: number }>;
  };
  readonly account: {
    findMany(query?: Where): Promise<{ readonly name: string; readonly orders: Row[] }[]>;
    create(query: object): Promise<unknown>;
  };
};

/** The class, to be made with an adapter. */
export async function shopClient(): Promise<
  new (options: {
    adapter: SqlDriverAdapterFactory;
  }) => ShopClient
> {
  const manifest = createRequire(import.meta.url).resolve('prisma/package.json');
  const made = createHash('sha256')
    .update(await readFile(manifest))
    .update(await readFile(SCHEMA))
    .digest('hex');
  const note = join(CLIENT, 'made-of');
  if ((await readFile(note, 'utf8').catch(() => '')) !== made) {
    const prisma = join(manifest, '..', 'build', 'index.js');
    await promisify(execFile)(process.execPath, [prisma, 'generate', '--schema', SCHEMA], {
      cwd: ROOT,
      // keeps it from looking for an engine on the network, as in bin/generate.js
      env: {
        ...process.env,
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
        CHECKPOINT_DISABLE: '1',
      },
    });
    await writeFile(note, made);
  }
  const { PrismaClient: Client } = await import(join(CLIENT, 'client.ts'));
  return Client;
}
