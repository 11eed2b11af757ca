// What servers tell each other over the database, and what the channel takes for news: nothing that was made up, read elsewhere or sent again.

import { afterAll, expect, onTestFinished, test } from 'vitest';
import { Neighbours } from '../../src/db/neighbours.ts';
import { raw } from '../kit/as.ts';
import { asAdmin, createTestDatabase } from '../kit/database.ts';

const database = await createTestDatabase();
afterAll(() => database.drop());

const SECRET = Buffer.alloc(32, 1);
const SLOW = { timeout: 10_000 };

/** A server that hears. */
async function open(secret = SECRET) {
  const heard: string[] = [];
  const lost: unknown[] = [];
  const neighbours = new Neighbours<string>(database.runtimeUrl, secret, (error) => lost.push(error));
  neighbours.listen((news) => heard.push(news));
  await neighbours.open();
  onTestFinished(() => neighbours.close());
  return { heard, lost, tell: (news: string) => neighbours.tell(news) };
}

/** What goes over the channel while something is done, as anybody sees it who has a connection of the runtime role. */
async function overheard(work: () => Promise<unknown>): Promise<string[]> {
  return await raw(database, async ({ client }) => {
    const letters: string[] = [];
    client.on('notification', ({ payload = '' }) => letters.push(payload));
    await client.query('listen bailiwick_neighbours');
    await work();
    await expect.poll(() => letters.length, SLOW).toBeGreaterThan(0);
    return letters;
  });
}

const send = (letter: string) =>
  raw(database, ({ client }) => client.query(`notify bailiwick_neighbours, ${client.escapeLiteral(letter)}`));

test('what one tells all others hear in order, and itself not; those with another key hear nothing', async () => {
  const [one, two, three, other] = [
    await open(),
    await open(),
    await open(),
    await open(Buffer.alloc(32, 2)),
  ];
  const news = Array.from({ length: 40 }, (_, n) => `${n} ${'x'.repeat(1000)}`);
  news.forEach(one.tell);
  await expect.poll(() => [two.heard.length, three.heard.length], SLOW).toEqual([40, 40]);
  expect([two.heard, three.heard]).toEqual([news, news]);
  expect([one.heard, other.heard]).toEqual([[], []]);
});

test('what is overheard tells nothing, and neither a letter that is sent again nor one that is changed is news', async () => {
  const [one, two] = [await open(), await open()];
  const [letter = ''] = await overheard(async () => one.tell('the address 192.0.2.7'));
  await expect.poll(() => two.heard, SLOW).toEqual(['the address 192.0.2.7']);
  expect(Buffer.from(letter, 'base64').toString('latin1')).not.toContain('192.0.2.7');
  const changed = Buffer.from(letter, 'base64');
  changed[40] = (changed[40] ?? 0) ^ 1;
  for (const forged of [
    letter,
    changed.toString('base64'),
    '',
    'x',
    '{"from":"x","number":9,"news":["y"]}',
  ]) {
    await send(forged);
  }
  one.tell('last');
  await expect.poll(() => two.heard.at(-1), SLOW).toBe('last');
  expect(two.heard).toEqual(['the address 192.0.2.7', 'last']);
});

test('a connection that is lost is made again, and says so', async () => {
  const [one, two] = [await open(), await open()];
  await asAdmin(database.adminUrl, (client) =>
    client.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bailiwick neighbours' and datname = current_database()",
    ),
  );
  await expect.poll(() => [one.lost.length > 0, two.lost.length > 0], SLOW).toEqual([true, true]);
  await expect
    .poll(() => {
      one.tell('again');
      return two.heard.includes('again');
    }, SLOW)
    .toBe(true);
});
