// /healthz: the process is up. /readyz: it can also reach its database. Neither needs a credential or shows a thing.

import type { SealedPool } from './db/pool.ts';
import { BailiwickError } from './errors.ts';
import type { Page } from './server.ts';

const OK = { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'ok\n' };

export function healthPages(pool: SealedPool): [route: string, page: Page][] {
  return [
    ['GET /healthz', async () => OK],
    [
      'GET /readyz',
      async () => {
        await pool.ping().catch((error: unknown) => {
          throw new BailiwickError('UNAVAILABLE', 'The database does not answer', { cause: error });
        });
        return OK;
      },
    ],
  ];
}
