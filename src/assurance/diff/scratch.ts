// A database that is thrown away, with the tables of this tree and the policies of a source, in which worlds can be played.
// Made on the server of the installation by its migrator, which may create databases; nothing of the installation is touched.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { applyMigrations, MIGRATIONS_FOLDER } from '../../db/engine.ts';
import { applyPolicies, installTicketKey } from '../../db/policies.ts';
import { type TicketKey, ticketKey } from '../../db/ticket.ts';
import { withClient } from '../../db/with-client.ts';
import { loadWorld, prepareForWorlds } from '../load.ts';
import { type Observation, observe } from '../observe.ts';
import type { World } from '../world.ts';
import { type Access, changedObjects, morph, readAccess } from './catalog.ts';
import type { Source } from './sources.ts';

export type Server = { readonly migratorUrl: string; readonly runtimeUrl: string };

export type Scratch = {
  readonly access: Access;
  play(world: World): Promise<Observation[]>;
  /** Makes some objects what they are elsewhere, for as long as the work takes. */
  withObjects<Result>(other: Access, ids: readonly string[], work: () => Promise<Result>): Promise<Result>;
  end(): Promise<void>;
};

/** @throws the database's error, when the policies do not fit the tables of this tree. */
export async function openScratch(server: Server, source: Source): Promise<Scratch> {
  const name = `bailiwick_scratch_${randomBytes(6).toString('hex')}`;
  await withClient(server.migratorUrl, (client) => client.query(`create database ${name}`));
  const clients: pg.Client[] = [];
  const drop = async () => {
    await Promise.all(clients.map((client) => client.end()));
    // without force, which the migrator may not use on the runtime's connections: PostgreSQL waits for them to be gone
    await withClient(server.migratorUrl, (client) => client.query(`drop database ${name}`));
  };
  try {
    const [migratorUrl, runtimeUrl] = [
      elsewhere(server.migratorUrl, name),
      elsewhere(server.runtimeUrl, name),
    ];
    const key = await furnish(migratorUrl, source);
    const [migrator, runtime] = [new pg.Client(migratorUrl), new pg.Client(runtimeUrl)];
    clients.push(migrator, runtime);
    await Promise.all([migrator.connect(), runtime.connect()]);
    await prepareForWorlds(migrator);
    if ('access' in source) {
      const own = await readAccess(migrator);
      await morph(migrator, own, source.access, changedObjects(own, source.access));
    }
    const access = await readAccess(migrator);
    return {
      access,
      async play(world) {
        await loadWorld(migrator, world);
        return await observe(runtime, key, world);
      },
      async withObjects(other, ids, work) {
        await morph(migrator, access, other, ids);
        try {
          return await work();
        } finally {
          await morph(migrator, other, access, ids);
        }
      },
      end: drop,
    };
  } catch (error) {
    await drop();
    throw error;
  }
}

async function furnish(migratorUrl: string, source: Source): Promise<TicketKey> {
  await applyMigrations(migratorUrl, { migrationsDir: MIGRATIONS_FOLDER });
  await applyPolicies(migratorUrl, 'files' in source ? { files: source.files } : {});
  const secret = randomBytes(32);
  const key = ticketKey(secret);
  await installTicketKey(migratorUrl, key.kid, secret);
  return key;
}

function elsewhere(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = database;
  return other.href;
}
