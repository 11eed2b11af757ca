// The story that every example goes through: it works and leaks, its tables are adopted by the command line, few lines of it change, and then
// the database holds what the filters were to hold, with the old code too. The tests are one story and run in order.
//
// What the applications are about, their own files say; nothing here knows a table.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withSession } from 'bailiwick';
import pg, { escapeIdentifier, type QueryResult } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Transcript } from '../../cli/transcript.ts';
import { asAdmin } from '../../kit/database.ts';
import { differenceOf } from './difference.ts';
import { folderOf, type Running, type Scratch, scratch } from './scratch.ts';

export type Version = 'app.ts' | 'app.adopted.ts';

/** What an example says about itself. */
export type Example = {
  readonly folder: string;
  /** The application's role, as the declaration calls it. */
  readonly role: string;
  /** Tables that are kept apart. */
  readonly tables: readonly string[];
  /** Keys of users who have something. */
  readonly people: readonly string[];
  /** What the API shows somebody of their own. */
  everything(url: string, user: string): Promise<unknown>;
  /** What it shows to those who have nothing. */
  readonly nothing: unknown;
  /** The rows that the first of the people gets where the filter was forgotten and it asks for what is another's. */
  leak(url: string): Promise<unknown>;
  readonly leaked: unknown;
  /** What of that shadow reports: the table, and why strict would hide it. */
  readonly reported: { readonly table: string; readonly clause: 'owner' | 'tenant' };
  /** Has the first of the people write and change something, and others try to see, change and delete it; it stays. */
  writes(url: string, nth: number): Promise<void>;
  /** Has the first of the people delete something of theirs: whether it was there. */
  discards(url: string): Promise<boolean>;
};

/** Everything that comes before the adopted application: told as tests, which leave the database strict. */
export function tellAdoption(example: Example): () => Scratch & { serve(version: Version): Promise<string> } {
  let made: Scratch | undefined;
  const running: Running[] = [];
  const stage = () => {
    if (made === undefined) {
      throw new Error('the scratch database is not there');
    }
    return { ...made, serve };
  };
  /** Starts an application, which ends with the test. */
  async function serve(version: Version): Promise<string> {
    const one = await stage().start(version);
    running.push(one);
    return one.url;
  }
  beforeAll(async () => {
    made = await scratch(example.folder, example.role);
    vi.stubEnv('TICKET_KEY', made.ticketKey);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop()));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await made?.drop();
  });
  const everybody = (url: string) => Promise.all(example.people.map((user) => example.everything(url, user)));
  let before: unknown[];

  test('before: it works, and shows one what is another’s where a filter was forgotten', async () => {
    const url = await serve('app.ts');
    await example.writes(url, 1);
    before = await everybody(url);
    expect(new Set(before.map((one) => JSON.stringify(one))).size).toBe(example.people.length);
    expect(before).not.toContainEqual(example.nothing);
    expect(await example.leak(url)).toEqual(example.leaked);
  });

  test('the plan is clear, with every table declared and what is bad in it accounted for', async () => {
    const { code, out } = await stage().adopt('plan --json');
    const { clear, tables } = JSON.parse(out) as Plan;
    expect([code, clear]).toEqual([0, true]);
    expect(tables.flatMap(({ is, table }) => (is === 'undeclared' ? [table] : []))).toEqual([]);
    expect(tables.filter(({ findings }) => findings.some(({ code: one }) => one === 'unplaced'))).not.toEqual(
      [],
    );
    expect(tables.filter(({ is }) => is === 'exempt')).toHaveLength(1);
  });

  test('rows are given their owners while the application runs, and shadow names what it reads past them', async () => {
    const { adopt } = stage();
    const url = await serve('app.ts');
    await succeeds(adopt('backfill'));
    expect(await everybody(url)).toEqual(before);
    await succeeds(adopt('shadow'));
    expect(await everybody(url)).toEqual(before);
    const adopted = await serve('app.adopted.ts');
    expect(await everybody(adopted)).toEqual(before);
    expect(await example.leak(adopted)).toEqual(example.leaked);
    const { code, out } = await adopt('report --json');
    expect(code).toBe(1);
    const { findings } = JSON.parse(out) as Report;
    const [first = ''] = example.people;
    expect(findings.filter(({ actors }) => `user:${first}` in actors)).toContainEqual(
      expect.objectContaining({ ...example.reported, verb: 'read' }),
    );
    expect(findings.find(({ clause, actors }) => clause === 'context' && 'nobody' in actors)).toBeDefined();
    expect(await adopt('strict --period 0s')).toMatchObject({ code: 1, out: '' });
    await succeeds(adopt('accept --all --reason seen-and-closed-by-strict'));
    await succeeds(adopt('strict --period 0s'));
  });

  test('fewer than 20 lines of the application change', async () => {
    const text = (version: Version) => readFile(join(folderOf(example.folder), version), 'utf8');
    const { removed, added } = differenceOf(await text('app.ts'), await text('app.adopted.ts'));
    expect(removed.length).toBeGreaterThan(0);
    expect(removed.length + added.length).toBeLessThan(20);
  });

  test('after: everybody is told what they were told before, and the forgotten filter shows nothing', async () => {
    const url = await serve('app.adopted.ts');
    expect(await everybody(url)).toEqual(before);
    expect(await example.leak(url)).toEqual([]);
  });

  test('without a context the application’s own role reads, changes and deletes no row of anybody', async () => {
    const { appUrl, adminUrl } = stage();
    const rows = await countAll(adminUrl, example.tables);
    expect(Object.values(rows)).not.toContain(0);
    await asAdmin(appUrl, async (client) => {
      for (const table of example.tables) {
        expect([table, await readAndChanged(client, table)]).toEqual([table, [0, 0]]);
        expect((await client.query(`delete from ${escapeIdentifier(table)}`)).rowCount).toBe(0);
      }
    });
    expect(await countAll(adminUrl, example.tables)).toEqual(rows);
  });

  test('in somebody’s session statements without any filter reach exactly their rows', async () => {
    const { appUrl, adminUrl } = stage();
    await asApplication(appUrl, async (pool) => {
      for (const user of example.people) {
        const theirs = await countAll(adminUrl, example.tables, user);
        for (const table of example.tables) {
          const counts = await withSession(pool, { user }, (client) => readAndChanged(client, table));
          expect([user, table, counts]).toEqual([user, table, [theirs[table], theirs[table]]]);
        }
      }
    });
  });

  test('the old application gets nothing from the strict database and loses nothing in it', async () => {
    const { adminUrl } = stage();
    const rows = await countAll(adminUrl, example.tables);
    const url = await serve('app.ts');
    for (const one of await everybody(url)) {
      expect(one).toEqual(example.nothing);
    }
    expect(await example.leak(url)).toEqual([]);
    expect(await example.discards(url)).toBe(false);
    expect(await countAll(adminUrl, example.tables)).toEqual(rows);
  });

  test('what one writes stays theirs: nobody else sees, changes or deletes it', async () => {
    await example.writes(await serve('app.adopted.ts'), 2);
  });

  return stage;
}

/** The way back, told as a test after whatever else the example has to tell. */
export function tellReturn(example: Example, stage: ReturnType<typeof tellAdoption>): void {
  test('back in shadow the old application works again, with what was written in between', async () => {
    const after = await stage().serve('app.adopted.ts');
    const now = await Promise.all(example.people.map((user) => example.everything(after, user)));
    await succeeds(stage().adopt('rollback'));
    const url = await stage().serve('app.ts');
    expect(await Promise.all(example.people.map((user) => example.everything(url, user)))).toEqual(now);
    expect(await example.leak(url)).toEqual(example.leaked);
    await example.writes(url, 3);
    expect(await example.discards(url)).toBe(true);
  });
}

async function succeeds(command: Promise<Transcript>): Promise<void> {
  const { code, out, err } = await command;
  expect(code, `${err}${out}`).toBe(0);
}

type Report = {
  readonly findings: readonly { clause: string; actors: Readonly<Record<string, number>> }[];
};

type Plan = {
  readonly clear: boolean;
  readonly tables: readonly { table: string; is: string; findings: readonly { code: string }[] }[];
};

type Client = { query(text: string, values?: unknown[]): Promise<QueryResult> };

/** How many rows of a table are read and changed by who asks for all. */
async function readAndChanged(client: Client, table: string): Promise<(number | null)[]> {
  const name = escapeIdentifier(table);
  const { rows: columns } = await client.query(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum = 1`,
    [name],
  );
  const column = escapeIdentifier(columns[0]?.name ?? '');
  const read = await client.query(`select ${column} from ${name}`);
  const changed = await client.query(`update ${name} set ${column} = ${column}`);
  return [read.rowCount, changed.rowCount];
}

/** Rows of each table as the administrator counts them: all, or a user's. */
async function countAll(
  url: string,
  tables: readonly string[],
  user: string | null = null,
): Promise<Record<string, number>> {
  return await asAdmin(url, async (client) => {
    const counts: Record<string, number> = {};
    for (const table of tables) {
      const { rows } = await client.query<{ count: number }>(
        `select count(*)::int as count from ${escapeIdentifier(table)}
          where $1::text is null or bailiwick_owner = bailiwick_adoption.id('user', $1)`,
        [user],
      );
      counts[table] = rows[0]?.count ?? 0;
    }
    return counts;
  });
}

/** A pool of the application's role for what is asked past the API. */
export async function asApplication<T>(url: string, work: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = new pg.Pool({ connectionString: url });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}
