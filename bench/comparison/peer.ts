// The peer: PostGraphile 5 with its Amber preset, as its documentation has it for production, on the same database, as the same role, under the
// same policies. In a process of its own; prints where it listens.
//
// It has no sealed context, so its statement that sets settings is replaced by the one that opens ours: as many round trips, and less to do for
// PostgreSQL than its own. It verifies a token of its caller too, the cheapest sort (HS256).

import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';
import pg, { type QueryConfig } from 'pg';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { pgSmartTags } from 'postgraphile/utils';
import { issueTicket, ticketKey } from '../../src/db/ticket.ts';
import { newId } from '../../src/ids.ts';

const {
  PEER_URL: url = '',
  PEER_SECRET: secret = '',
  TICKET_FILE: ticketFile = '',
  POOL_SIZE: size = '10',
} = process.env;
const key = createSecretKey(Buffer.from(secret, 'base64url'));
const tickets = ticketKey(Buffer.from(readFileSync(ticketFile, 'utf8').trim(), 'base64url'));
const OPEN = { name: 'bailiwick_open', text: 'select bailiwick.open($1, $2)' };

class PeerClient extends pg.Client {
  // biome-ignore lint/suspicious/noExplicitAny: it stands for all of node-postgres's forms
  override query(statement: any, ...rest: any[]): any {
    const { text, values } = statement as QueryConfig;
    if (text?.startsWith('select set_config(el->>0')) {
      const [[, ticket], [, mac]] = JSON.parse(values?.[0]) as [[string, string], [string, string]];
      return super.query({ ...OPEN, values: [ticket, mac] });
    }
    return super.query(statement, ...rest);
  }
}

const pool = new pg.Pool({ connectionString: url, max: Number(size), Client: PeerClient } as pg.PoolConfig);
pool.on('error', () => undefined);

const claimsOf = async (authorization: string | undefined) => {
  const { payload } = await jwtVerify((authorization ?? '').slice('Bearer '.length), key);
  const { iss = '', sub = '', tenant, delegation, scopes, iat = 0, exp = 0 } = payload;
  return issueTicket(
    {
      kind: 'token',
      tenant: String(tenant),
      issuer: iss,
      subject: sub,
      ...(delegation === undefined ? {} : { delegation: delegation as never }),
      scopes: scopes as string[],
      tokenIssuedAt: new Date(iat * 1000),
      tokenExpiresAt: new Date(exp * 1000),
      requestId: newId(),
    },
    tickets,
  );
};

// it calls every key rowId, so a column of that name needs another
const renamed = pgSmartTags(
  ['access_receipts', 'audit_entries'].map((table) => ({
    kind: 'attribute' as const,
    match: `${table}.row_id`,
    tags: { name: 'concerned' },
  })),
);

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [renamed],
  pgServices: [makePgService({ pool, schemas: ['public', 'bench'] })],
  grafast: {
    explain: false,
    async context({ node }) {
      const [ticket, mac] = await claimsOf(node?.req.headers.authorization);
      return { pgSettings: { 'bench.ticket': ticket, 'bench.mac': mac } };
    },
  },
  grafserv: {
    graphqlPath: '/graphql',
    graphiql: false,
    websockets: false,
    watch: false,
    dangerouslyAllowAllCORSRequests: false,
  },
});
const served = instance.createServ(grafserv);
const server = createServer();
await served.addTo(server);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql\n`);
});
process.once('SIGTERM', () => process.exit(0));
