// The catalogue of services: `tenant_id text`, people by e-mail address, Kysely. What it is before its adoption and after, over HTTP.

import { withSession } from 'bailiwick';
import { expect, test } from 'vitest';
import { ask } from './http.ts';
import { asApplication, type Example, tellAdoption, tellReturn } from './story.ts';

const [ANN, BEN, CLEO] = ['ann@red.example', 'ben@red.example', 'cleo@blue.example'];
const TEAMS: Record<string, number> = { [ANN]: 1, [BEN]: 2, [CLEO]: 5 };
const ENTITIES: Record<string, number> = { [ANN]: 1, [BEN]: 3, [CLEO]: 6 };

const catalogue: Example = {
  folder: 'catalogue',
  role: 'catalogue_app',
  tables: ['users', 'teams', 'team_members', 'catalog_entities', 'repositories', 'scorecards', 'api_keys'],
  people: [ANN, BEN, CLEO],
  everything: async (url, user) =>
    Promise.all([
      ask(url, user, 'GET /teams'),
      ask(url, user, `GET /teams/${TEAMS[user]}/members`),
      ask(url, user, 'GET /entities'),
      ask(url, user, `GET /entities/${ENTITIES[user]}/repositories`),
      ask(url, user, 'GET /keys'),
    ]),
  // it does not even find out who is asking
  nothing: Array.from({ length: 5 }, () => [401, []]),
  leak: async (url) => (await ask(url, ANN, 'GET /entities/6/scorecards'))[1],
  leaked: [expect.objectContaining({ note: 'The admin password is the default' })],
  reported: { table: 'scorecards', clause: 'tenant' },
  async writes(url, nth) {
    const body = { team_id: '1', ref: `component:vouchers-${nth}`, url: 'https://git.example/red/vouchers' };
    const [status, [made]] = (await ask(url, ANN, 'POST /entities', body)) as [number, [{ id: number }]];
    expect([status, made]).toEqual([200, expect.objectContaining({ ref: body.ref })]);
    expect(await ask(url, ANN, `GET /entities/${made.id}/repositories`)).toMatchObject([
      200,
      [{ url: body.url }],
    ]);
    const change = { lifecycle: 'deprecated' };
    expect(await ask(url, ANN, `PATCH /entities/${made.id}`, change)).toMatchObject([200, [change]]);
    for (const other of [BEN, CLEO]) {
      expect(await ask(url, other, `GET /entities/${made.id}/repositories`)).toEqual([200, []]);
      expect(await ask(url, other, `PATCH /entities/${made.id}`, change)).toEqual([404, []]);
      expect(await ask(url, other, `DELETE /entities/${made.id}`)).toEqual([404, []]);
    }
    const label = `import ${nth}`;
    expect(await ask(url, CLEO, 'POST /keys', { label })).toMatchObject([200, [{ label }]]);
    expect((await ask(url, ANN, 'GET /keys'))[1]).toMatchObject([{ label: 'deploy' }]);
  },
  discards: async (url) => (await ask(url, ANN, 'DELETE /entities/2'))[0] === 200,
};

const stage = tellAdoption(catalogue);

test('nothing can be written into another company, or given to a colleague, also past the filters', async () => {
  const url = await stage().serve('app.adopted.ts');
  expect(await ask(url, 'nobody@red.example', 'GET /teams')).toEqual([401, []]);
  await asApplication(stage().appUrl, async (pool) => {
    for (const [team, tenant] of [
      [5, 'blue'],
      [2, 'red'],
    ]) {
      await expect(
        withSession(pool, { user: ANN }, (client) =>
          client.query('insert into catalog_entities (tenant_id, ref, team_id) values ($1, $2, $3)', [
            tenant,
            'component:planted',
            team,
          ]),
        ),
      ).rejects.toMatchObject({ code: '42501' });
    }
  });
});

tellReturn(catalogue, stage);
