// Brings the tables of a test to strict isolation by the functions behind `bailiwick adopt`, without its command line.

import type { Client } from 'pg';
import { backfill, PACE } from '../../src/adoption/backfill.ts';
import type { Adoption } from '../../src/adoption/declaration.ts';
import { Expressions } from '../../src/adoption/expressions.ts';
import { type Adopting, beginAdopting, install, readTables } from '../../src/adoption/installation.ts';
import { takeInventory } from '../../src/adoption/inventory.ts';
import { changePhase } from '../../src/adoption/shadow.ts';
import { PATIENCE } from '../../src/adoption/steps.ts';

export async function adoptStrictly(client: Client, adoption: Adoption, secret: Uint8Array): Promise<void> {
  await beginAdopting(client);
  const inventory = await takeInventory(client, adoption.schema ?? 'public');
  const adopting: Adopting = {
    client,
    adoption,
    inventory,
    expressions: new Expressions(inventory),
    patience: PATIENCE,
    told: () => undefined,
  };
  await install(adopting, secret, '.');
  await backfill(adopting, undefined, { ...PACE, pauseMs: 0 });
  for (const phase of ['shadow', 'strict'] as const) {
    for (const { name } of await readTables(client)) {
      await changePhase(adopting, name, phase);
    }
  }
}
