// Several statements in one write on a real connection: what each answers, what a failure leaves to those behind it, and what is known of the
// connection afterwards.

import pg from 'pg';
import { expect, onTestFinished } from 'vitest';
import { exchange, type NamedStatement } from '../../src/db/exchange.ts';
import { test } from '../kit/cast.ts';
import { openWire } from './wire.ts';

const named = (name: string, text: string, values?: unknown[]): NamedStatement => ({
  name,
  text,
  ...(values && { values }),
});

async function connect(url: string) {
  const client = new pg.Client({ connectionString: url, pipeline: true } as pg.ClientConfig);
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

test('statements are answered in their order, as text, for one wait and one synchronisation', async ({
  database,
}) => {
  const wire = await openWire(database.runtimeUrl);
  const client = await connect(wire.url);
  const all = [
    named('begin', 'begin read only'),
    named('two', 'select n, null as none from generate_series(1, 2) n'),
    named('said', 'select $1::text, $2::int + 1, $3::timestamptz is null', ['ö', 41, undefined]),
    named('', 'select 1 where false'),
    named('commit', 'commit'),
  ];
  for (const first of [true, false]) {
    wire.listen();
    const settled = await exchange(client, all);
    expect(
      settled.map((one) => (one.status === 'fulfilled' ? [one.value.command, one.value.rows] : one)),
    ).toEqual([
      ['BEGIN', []],
      [
        'SELECT',
        [
          ['1', null],
          ['2', null],
        ],
      ],
      ['SELECT', [['ö', '42', 't']]],
      ['SELECT', []],
      ['COMMIT', []],
    ]);
    const { roundTrips, types } = wire.heard();
    expect(roundTrips).toBe(1);
    // what has a name is parsed once
    expect(types).toBe(first ? 'PBEPBEPBEPBEPBES' : 'BEBEBEPBEBES');
  }
});

test('behind a statement that fails nothing is done, and the connection goes on', async ({ database }) => {
  const client = await connect(database.runtimeUrl);
  const settled = await exchange(client, [
    named('', 'select 1'),
    named('broken', 'select 1 / (select 0)'),
    named('behind', `select set_config('application_name', 'was done', false)`),
  ]);
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(settled[1]).toMatchObject({ reason: { code: '22012' } });
  expect(settled[2]).toMatchObject({ reason: { code: '22012' } });
  // and it is parsed when it is asked for again
  const [name] = await exchange(client, [named('behind', `select current_setting('application_name')`)]);
  expect(name).toMatchObject({ value: { rows: [[expect.not.stringContaining('was done')]] } });
});

test('beside statements of the driver, each answer goes to whoever asked', async ({ database }) => {
  const client = await connect(database.runtimeUrl);
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, n) =>
      n % 2 === 0
        ? (await client.query({ name: 'driver', text: 'select $1::int as n', values: [n] })).rows[0].n
        : Number(
            (await exchange(client, [named('ours', 'select $1::int', [n])])).map((one) =>
              one.status === 'fulfilled' ? one.value.rows[0]?.[0] : undefined,
            )[0],
          ),
    ),
  );
  expect(answers).toEqual(answers.map((_, n) => n));
});

test('a connection that is lost fails all that was not answered', async ({ database }) => {
  const wire = await openWire(database.runtimeUrl);
  const client = await connect(wire.url);
  wire.hold();
  const lost = exchange(client, [named('', 'select 1'), named('', 'select 2')]);
  wire.cut();
  expect((await lost).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('a value that cannot be written is an error before anything is sent', async ({ database }) => {
  const wire = await openWire(database.runtimeUrl);
  const client = await connect(wire.url);
  const unwritable: Record<string, unknown> = {};
  unwritable.itself = unwritable;
  wire.listen();
  await expect(
    exchange(client, [named('', 'select 1'), named('', 'select $1', [unwritable])]),
  ).rejects.toThrow();
  expect(wire.heard().types).toBe('');
});
