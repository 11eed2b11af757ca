// Every way in which a chain ends while it is in use, and for each the fault that would let it live on: the condition of the
// kernel that has to go missing for the races to notice.
//
// What the product offers is done through it, in a session of whoever may; what only an operator can do is done as the
// migrator or the server's administrator. Nothing here judges what a race shows.

import type pg from 'pg';
import { narrowDelegation, revokeAgent, revokeDelegation } from '../../../src/db/kernel.ts';
import type { Session } from '../../../src/db/session.ts';
import type { EntityId } from '../../../src/ids.ts';
import type { Make, Party } from './parties.ts';

/** What an ending is brought about with. */
export type Means = {
  readonly party: Party;
  /** A committed session in the name of a party's member. */
  session<Result>(
    subject: string,
    work: (session: Session) => Promise<Result>,
    /** Through how many hops of the chain. */
    depth?: number,
  ): Promise<Result>;
  /** The server's administrator, without foreign keys: does what no role of the product may. */
  readonly administrator: Pick<pg.Client, 'query'>;
};

/** A condition in a kernel function that is to be forgotten. */
export type Fault = { readonly function: string; readonly condition: string; readonly instead?: string };

export type Kind = {
  readonly what: string;
  /** Out of how many in all. */
  readonly races: number;
  /** In how many a service is called through the chain (calls.ts); a chain that is limited to a world reaches none. */
  readonly calls?: number;
  readonly make: Make;
  /** Ends it, and checks that it did; if time is to end it, resolves with when, in microseconds. */
  readonly end: (means: Means) => Promise<number | undefined>;
  /** Milliseconds after which the token ends, which ends the chain without anybody's doing. */
  readonly tokenMs?: number;
  /** Each a kernel in which it goes unnoticed: conditions that are missing together. */
  readonly faults: readonly (readonly Fault[])[];
};

const REVOKED = 'd.revoked_at is null';
const ACTIVE = "e.status = 'active'";
const hops = (condition: string, instead = 'true'): Fault => ({ function: 'live_hops', condition, instead });
const standing = (condition: string): Fault => ({ function: 'in_good_standing', condition });

export const KINDS: Readonly<Record<string, Kind>> = {
  revoked: {
    what: 'revocation against use',
    races: 10_000,
    calls: 400,
    make: { depth: 1 },
    end: ({ party, session }) =>
      session('owner', async ({ db }) => ended(await revokeDelegation(db, party.delegation(1)))),
    // the second judges once per transaction what must be judged on every statement
    faults: [
      [hops(REVOKED)],
      [hops(REVOKED, '(d.revoked_at is null or d.revoked_at > transaction_timestamp())')],
    ],
  },
  middle: {
    what: 'revocation of the middle hop of three against use',
    races: 400,
    calls: 100,
    make: { depth: 3 },
    end: ({ party, session }) =>
      session('owner', async ({ db }) => ended(await revokeDelegation(db, party.delegation(2)))),
    // the second looks at the last hop only
    faults: [
      [hops(REVOKED)],
      [hops(REVOKED, '(d.revoked_at is null or d.id <> c.chain[cardinality(c.chain)])')],
    ],
  },
  renounced: {
    what: 'renouncing of the hop above against use',
    races: 400,
    make: { depth: 2 },
    end: ({ party, session }) =>
      session('agent1', async ({ db }) => ended(await revokeDelegation(db, party.delegation(1))), 1),
    faults: [[hops(REVOKED)]],
  },
  stopped: {
    what: 'kill switch against use',
    races: 400,
    calls: 100,
    make: { depth: 2 },
    end: ({ party, session }) =>
      session('owner', async ({ db }) => ended((await revokeAgent(db, party.entity('agent1')))?.[0])),
    faults: [[hops(REVOKED)]],
  },
  expired: {
    what: 'expiry of a delegation against use',
    races: 400,
    make: { depth: 1 },
    end: ({ party, session }) =>
      session('owner', async ({ db }): Promise<number | undefined> => {
        const [row] = await db.$queryRaw<{ soon: Date }[]>`
          select clock_timestamp() + interval '8 milliseconds' as soon`;
        const until = row && (await narrowDelegation(db, party.delegation(1), row.soon));
        ended(until);
        return until ? until.getTime() * 1000 : undefined;
      }),
    faults: [
      [hops('d.expires_at > statement_timestamp()')],
      [hops('d.expires_at > statement_timestamp()', 'd.expires_at > transaction_timestamp()')],
    ],
  },
  outlived: {
    what: 'expiry of the token against use',
    races: 400,
    make: { depth: 1 },
    tokenMs: 60,
    end: async () => undefined,
    faults: [[{ function: 'holds', condition: 'c.expires_at <= statement_timestamp()', instead: 'false' }]],
  },
  agent: {
    what: 'suspension of the agent against use',
    races: 400,
    calls: 100,
    make: { depth: 1 },
    end: ({ party, session }) => session('owner', (by) => suspend(by, party.entity('agent1'))),
    // judged twice, as the one who acts and as a delegate; either would do
    faults: [[hops(ACTIVE), standing("a.status = 'active'")]],
  },
  above: {
    what: 'suspension of an agent above in the chain against use',
    races: 400,
    make: { depth: 3 },
    end: ({ party, session }) => session('owner', (by) => suspend(by, party.entity('agent2'))),
    faults: [[hops(ACTIVE)]],
  },
  owner: {
    what: 'suspension of the owner against use',
    races: 400,
    calls: 100,
    make: { depth: 1 },
    end: ({ party, session }) => session('host', (by) => suspend(by, party.entity('owner'))),
    faults: [[standing("o.status = 'active'")]],
  },
  tenant: {
    what: 'suspension of the tenant against use',
    races: 400,
    make: { depth: 1 },
    end: async ({ party, administrator }) =>
      changed(
        await administrator.query("update tenants set status = 'suspended' where tenant_id = $1", [
          party.tenantId,
        ]),
      ),
    faults: [[standing("t.status = 'active'")]],
  },
  member: {
    what: "removal from the chain's world against use",
    races: 400,
    make: { depth: 1, world: true },
    end: ({ party, session }) =>
      session('host', async ({ db }) => {
        const rowCount = await db.$executeRaw`
          delete from world_members where entity_id = ${party.entity('owner')}::uuid`;
        return changed({ rowCount });
      }),
    faults: [[{ function: 'holds', condition: 'm.entity_id = c.owner_id', instead: 'true' }]],
  },
  moved: {
    what: "change of the agent's owner against use",
    races: 400,
    make: { depth: 1 },
    // the foreign keys forbid it as long as the agent holds anything; only who can switch them off gets so far
    end: async ({ party, administrator }) =>
      changed(
        await administrator.query('update entities set owner_id = $3 where tenant_id = $1 and id = $2', [
          party.tenantId,
          party.entity('agent1'),
          party.entity('host'),
        ]),
      ),
    faults: [[hops('e.owner_id = c.owner_id')]],
  },
};

async function suspend({ db }: Session, id: EntityId): Promise<undefined> {
  return changed({
    rowCount: await db.$executeRaw`update entities set status = 'suspended' where id = ${id}::uuid`,
  });
}

function changed({ rowCount }: { rowCount: number | null }): undefined {
  if (rowCount !== 1) {
    throw new TypeError(`one row was to change, and ${rowCount} did`);
  }
  return undefined;
}

function ended(what: unknown): undefined {
  if (what === null || what === undefined) {
    throw new TypeError('nothing was ended');
  }
  return undefined;
}
