// A store for agents: the owner of agents sees their rooms, what was said there, what they remember and are to do. GraphQL Yoga over plain
// node-postgres.
//
// Who is asking is in the header x-user, the id of an account; a real application has a session or a token there. This is the application
// before its adoption: every query carries its filter, but for one, which was forgotten.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSchema, createYoga } from 'graphql-yoga';
import pg from 'pg';

type Context = {
  readonly request: Request;
  readonly account: string | null;
  readonly db: pg.Pool;
};
type Row = Record<string, unknown>;

const typeDefs = /* GraphQL */ `
  type Query {
    agents: [Agent!]!
    rooms: [Room!]!
    memories(roomId: ID): [Memory!]!
    recall(words: String!): [Memory!]!
    tasks: [Task!]!
  }
  type Mutation {
    remember(agentId: ID!, roomId: ID, text: String!): Memory
    forget(id: ID!): Boolean!
    say(roomId: ID!, text: String!): Message
  }
  type Agent { id: ID!, name: String! }
  type Room { id: ID!, name: String, messages: [Message!]! }
  type Message { id: ID!, content: String! }
  type Memory { id: ID!, text: String! }
  type Task { id: ID!, name: String! }
`;

const rowsOf = async ({ db }: Context, sql: string, values: unknown[]): Promise<Row[]> =>
  (await db.query(sql, values)).rows;

const MY_AGENTS = 'select id from agents where owner_id = $1';
const MEMORY = `id, content->>'text' as text`;

const resolvers = {
  Query: {
    agents: (_: unknown, __: unknown, context: Context) =>
      rowsOf(context, `select id, name from agents where id in (${MY_AGENTS}) order by name`, [
        context.account,
      ]),

    rooms: (_: unknown, __: unknown, context: Context) =>
      rowsOf(context, `select id, name from rooms where agent_id in (${MY_AGENTS}) order by name`, [
        context.account,
      ]),

    memories: (_: unknown, { roomId = null }: { roomId?: string | null }, context: Context) =>
      rowsOf(
        context,
        `select ${MEMORY} from memories
          where agent_id in (${MY_AGENTS}) and ($2::uuid is null or room_id = $2) order by text`,
        [context.account, roomId],
      ),

    // forgotten: whose memories they are. By this query alone anybody recalls what any agent was told
    recall: (_: unknown, { words }: { words: string }, context: Context) =>
      rowsOf(
        context,
        `select ${MEMORY} from memories where strpos(lower(content->>'text'), lower($1)) > 0 order by text`,
        [words],
      ),

    tasks: (_: unknown, __: unknown, context: Context) =>
      rowsOf(context, `select id, name from tasks where agent_id in (${MY_AGENTS}) order by name`, [
        context.account,
      ]),
  },

  Room: {
    messages: ({ id }: Row, _: unknown, context: Context) =>
      rowsOf(
        context,
        'select id, content from central_messages where channel_id = $1 order by created_at, id',
        [id],
      ),
  },

  Mutation: {
    async remember(
      _: unknown,
      { agentId, roomId = null, text }: { agentId: string; roomId?: string | null; text: string },
      context: Context,
    ) {
      const [memory] = await rowsOf(
        context,
        `insert into memories (content, agent_id, room_id)
         select jsonb_build_object('text', $2::text), id, $4::uuid from agents where id = $3 and id in (${MY_AGENTS})
         returning ${MEMORY}`,
        [context.account, text, agentId, roomId],
      );
      if (memory !== undefined) {
        await rowsOf(
          context,
          `insert into cache (key, agent_id, value) values ('last_memory', $1, to_jsonb($2::text))
           on conflict (key, agent_id) do update set value = excluded.value`,
          [agentId, text],
        );
      }
      return memory;
    },

    forget: async (_: unknown, { id }: { id: string }, context: Context) => {
      const gone = await rowsOf(
        context,
        `delete from memories where id = $2 and agent_id in (${MY_AGENTS}) returning id`,
        [context.account, id],
      );
      return gone.length > 0;
    },

    say: async (_: unknown, { roomId, text }: { roomId: string; text: string }, context: Context) => {
      const [message] = await rowsOf(
        context,
        `insert into central_messages (channel_id, author_id, content)
         select id, $1::uuid, $3 from rooms where id = $2 and agent_id in (${MY_AGENTS}) returning id, content`,
        [context.account, roomId, text],
      );
      return message;
    },
  },
};

/** Serves on a port; 0 takes a free one. */
export async function start({ url, port }: { url: string; port: number }) {
  const pool = new pg.Pool({ connectionString: url });
  const yoga = createYoga({
    schema: createSchema<Context>({ typeDefs, resolvers }),
    context: ({ request }) => ({ account: request.headers.get('x-user'), db: pool }),
    logging: 'error',
  });
  const server = createServer(yoga);
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    async stop() {
      server.closeAllConnections();
      await once(server.close(), 'close');
      await pool.end();
    },
  };
}

if (import.meta.main) {
  const { DATABASE_URL: url = 'postgresql://store_app@127.0.0.1/store', PORT = '4300' } = process.env;
  const running = await start({ url, port: Number(PORT) });
  process.stdout.write(`${running.url}\n`);
}
