// The client ids of the caller's tenant (src/auth/client-id.ts), which need the tenant's slug.

import { clientIdOf } from '../auth/client-id.ts';
import { type Context, rows } from '../context.ts';
import type { KeyId } from '../ids.ts';

const slugs = new WeakMap<Context, Promise<string>>();

/** The slug of the caller's tenant. A token says it; for a caller with an API key it is asked for, once per request. */
async function slugOf(context: Context): Promise<string> {
  const { caller } = context;
  if ('tenant' in caller) {
    return caller.tenant;
  }
  const asked =
    slugs.get(context) ??
    rows(context)
      .tenant.findFirstOrThrow({ select: { slug: true } })
      .then(({ slug }) => slug);
  slugs.set(context, asked);
  return asked;
}

/** The client id of a credential of the caller's tenant. */
export async function ownClientId(context: Context, id: KeyId): Promise<string> {
  return clientIdOf(id, await slugOf(context));
}
