// A small Yoga server that serves the GraphiQL page and says back with which credentials it was asked.
//
// Its identities and its two story tabs are invented, so that the page is tested apart from the demo data. It counts
// how often it was asked for identities, and its tokens end when the test says so. No database, no authentication.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSchema, createYoga } from 'graphql-yoga';
import { PAGE_HEADERS, renderPage } from '../../src/graphiql/page.ts';
import type { Demo } from '../../src/graphiql/story.ts';

export type PageServer = AsyncDisposable & {
  readonly origin: string;
  /** How often identities were asked for. */
  readonly asked: () => number;
  /** Seconds that tokens live from now on. */
  lifetime(seconds: number): void;
};

/** Ends the script element too early, unless it is escaped. */
export const NASTY = '</script><!-- <script>';

const schema = createSchema<{ request: Request }>({
  typeDefs: /* GraphQL */ `
    type Query { received: Received! }
    "Sent along with the request. ${NASTY}"
    type Received { authorization: String, delegationId: String }
  `,
  resolvers: {
    Query: {
      received: (_root, _args, { request }) => ({
        authorization: request.headers.get('authorization'),
        delegationId: request.headers.get('delegation-id'),
      }),
    },
  },
});

export async function startPageServer(): Promise<PageServer> {
  let asked = 0;
  let lifetime = 900;
  const yoga = createYoga({
    schema,
    graphiql: false,
    logging: false,
    plugins: [
      {
        onResponse({ request, response }) {
          response.headers.set(
            'x-request-id',
            `request-for-${request.headers.get('authorization') ?? 'nobody'}`,
          );
        },
      },
    ],
  });

  const demo = (): Demo => {
    asked += 1;
    const expiresAt = new Date(Date.now() + lifetime * 1000).toISOString();
    const query = (name: string) => `query ${name} { received { authorization delegationId } }`;
    return {
      identities: [
        {
          id: 'alice',
          label: 'alice',
          tenant: 'acme',
          description: 'a user',
          token: `alice-${asked}`,
          delegationId: null,
          expiresAt,
        },
        {
          id: 'scout',
          label: 'scout for alice',
          tenant: 'acme',
          description: `an agent ${NASTY}`,
          token: `scout-${asked}`,
          delegationId: 'from-alice',
          expiresAt,
        },
        {
          id: 'nobody',
          label: 'nobody',
          tenant: '',
          description: 'no token',
          token: null,
          delegationId: null,
          expiresAt: null,
        },
      ],
      tabs: [
        {
          id: 'First',
          title: '1 In "person"',
          identity: 'alice',
          query: query('First'),
          variables: null,
          note: 'Look.',
        },
        {
          id: 'Second',
          title: '2 Her agent',
          identity: 'scout',
          query: query('Second'),
          variables: { a: 1 },
          note: 'And now.',
        },
      ],
    };
  };

  const server = createServer(async (request, response) => {
    if (request.url === '/development/identities') {
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(demo()));
    } else if (request.method === 'GET' && request.headers.accept?.includes('text/html')) {
      const html = await renderPage({ endpoint: '/graphql', identitiesUrl: '/development/identities' });
      response.writeHead(200, { ...PAGE_HEADERS }).end(html);
    } else {
      await yoga(request, response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    origin: `http://127.0.0.1:${port}`,
    asked: () => asked,
    lifetime(seconds) {
      lifetime = seconds;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await yoga.dispose();
    },
  };
}
