// A catalogue of services for several companies: a lead sees the teams they answer for, and what belongs to those. JSON over node:http,
// Kysely below.
//
// Who is asking is in the header x-user, an e-mail address; a real application has a session or a token there. This is the application
// after its adoption: where a filter is forgotten, the database holds.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { asPool, BailiwickError, withSession } from 'bailiwick';
import { type Generated, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

type Row<Columns> = { id: Generated<number>; tenant_id: string } & Columns;
type Schema = {
  users: { email: string; tenant_id: string; name: string };
  teams: Row<{ slug: string; lead: string | null }>;
  team_members: { tenant_id: string; team_id: number; user_email: string; role: string };
  catalog_entities: Row<{ ref: string; lifecycle: Generated<string>; team_id: number | null }>;
  repositories: Row<{ entity_id: number; url: string }>;
  scorecards: Row<{ entity_id: number; rule: string; score: number; note: string | null }>;
  api_keys: Row<{ user_email: string; label: string; digest: string }>;
};

type Call = {
  readonly db: Kysely<Schema>;
  readonly me: { readonly email: string; readonly tenant_id: string };
  /** The number in the path. */
  readonly id: number;
  readonly body: Readonly<Record<string, string>>;
};

type Route = (call: Call) => Promise<readonly unknown[]>;

const teamsOf = ({ db, me }: Call) =>
  db.selectFrom('teams').select('id').where('tenant_id', '=', me.tenant_id).where('lead', '=', me.email);

const entitiesOf = (call: Call) =>
  call.db
    .selectFrom('catalog_entities')
    .select('id')
    .where('tenant_id', '=', call.me.tenant_id)
    .where('team_id', 'in', teamsOf(call));

const ROUTES: Record<string, Route> = {
  'GET /teams': (call) =>
    call.db
      .selectFrom('teams')
      .select(['id', 'slug'])
      .where('id', 'in', teamsOf(call))
      .orderBy('id')
      .execute(),

  'GET /teams/:id/members': (call) =>
    call.db
      .selectFrom('team_members')
      .select(['user_email', 'role'])
      .where('team_id', '=', call.id)
      .where('team_id', 'in', teamsOf(call))
      .orderBy('user_email')
      .execute(),

  'GET /entities': (call) =>
    call.db
      .selectFrom('catalog_entities')
      .select(['id', 'ref', 'lifecycle'])
      .where('id', 'in', entitiesOf(call))
      .orderBy('id')
      .execute(),

  'POST /entities': (call) =>
    call.db.transaction().execute(async (db) => {
      const { ref = '', url, team_id } = call.body;
      const team = await teamsOf({ ...call, db })
        .where('id', '=', Number(team_id))
        .executeTakeFirst();
      const { tenant_id } = call.me;
      if (team === undefined) {
        return [];
      }
      const entity = await db
        .insertInto('catalog_entities')
        .values({ tenant_id, ref, team_id: team.id })
        .returning(['id', 'ref', 'lifecycle'])
        .executeTakeFirstOrThrow();
      if (url !== undefined) {
        await db.insertInto('repositories').values({ tenant_id, entity_id: entity.id, url }).execute();
      }
      return [entity];
    }),

  'PATCH /entities/:id': (call) =>
    call.db
      .updateTable('catalog_entities')
      .set({ lifecycle: call.body.lifecycle ?? 'experimental' })
      .where('id', '=', call.id)
      .where('id', 'in', entitiesOf(call))
      .returning(['id', 'ref', 'lifecycle'])
      .execute(),

  'DELETE /entities/:id': (call) =>
    call.db
      .deleteFrom('catalog_entities')
      .where('id', '=', call.id)
      .where('id', 'in', entitiesOf(call))
      .returning(['id', 'ref'])
      .execute(),

  'GET /entities/:id/repositories': (call) =>
    call.db
      .selectFrom('repositories')
      .select(['id', 'url'])
      .where('entity_id', '=', call.id)
      .where('entity_id', 'in', entitiesOf(call))
      .where('tenant_id', '=', call.me.tenant_id)
      .orderBy('id')
      .execute(),

  // forgotten: whose entity it is. By this query alone anybody of any company reads what is wrong with anybody’s services
  'GET /entities/:id/scorecards': ({ db, id }) =>
    db
      .selectFrom('scorecards')
      .select(['rule', 'score', 'note'])
      .where('entity_id', '=', id)
      .orderBy('id')
      .execute(),

  'GET /keys': ({ db, me }) =>
    db
      .selectFrom('api_keys')
      .select(['id', 'label'])
      .where('tenant_id', '=', me.tenant_id)
      .where('user_email', '=', me.email)
      .orderBy('id')
      .execute(),

  'POST /keys': async ({ db, me, body: { label = 'key' } }) => {
    const key = randomBytes(24).toString('base64url');
    const digest = createHash('sha256').update(key).digest('hex');
    const values = { tenant_id: me.tenant_id, user_email: me.email, label, digest };
    await db.insertInto('api_keys').values(values).execute();
    return [{ label, key }];
  },
};

/** Finds out who is asking, and answers: undefined where that is nobody. */
async function answerTo(db: Kysely<Schema>, email: string, route: Route, rest: Pick<Call, 'id' | 'body'>) {
  const people = db.selectFrom('users').select(['email', 'tenant_id']);
  const me = await people.where('email', '=', email).executeTakeFirst();
  return me && route({ db, me, ...rest });
}

/** Serves on a port; 0 takes a free one. */
export async function start({ url, port }: { url: string; port: number }) {
  const pool = new pg.Pool({ connectionString: url });
  const server = createServer(async (request, response) => {
    const send = (status: number, answer: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    const { method = '', url: path = '', headers } = request;
    const email = String(headers['x-user']);
    const id = Number(/\d+/.exec(path)?.[0]);
    const route = ROUTES[`${method} ${path.replace(/\d+/, ':id')}`];
    if (route === undefined) {
      send(404, []);
      return;
    }
    try {
      const body = method === 'GET' || method === 'DELETE' ? {} : ((await json(request)) as Call['body']);
      const answer = await withSession(pool, { user: email }, (client) => {
        const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: asPool(client) }) });
        return answerTo(db, email, route, { id, body });
      });
      if (answer === undefined) {
        send(401, []);
        return;
      }
      send(method === 'GET' || answer.length > 0 ? 200 : 404, answer);
    } catch (error) {
      process.stderr.write(`${method} ${path}: ${error}\n`);
      send(error instanceof BailiwickError && error.code === 'UNAUTHENTICATED' ? 401 : 500, []);
    }
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await once(server.close(), 'close');
      await pool.end();
    },
  };
}

if (import.meta.main) {
  const { DATABASE_URL: url = 'postgresql://catalogue_app@127.0.0.1/catalogue', PORT = '4200' } = process.env;
  const running = await start({ url, port: Number(PORT) });
  process.stdout.write(`${running.url}\n`);
}
