// What this installation may be told about an issuer of tokens: where its keys are, for whom it speaks, and which claim
// of its tokens names the tenant.
//
// One shape for the environment and for rows of the database, so that what the one refuses the other cannot let in.
// Says what a configuration must look like, not whether its addresses may be reached (outgoing/address.ts). Imports
// nothing of ours.

import { z } from 'zod';

const name = z.string().min(1).max(255);

// RFC 8141 section 2: NID, NSS, and the components that may follow them.
const PCHAR = "(?:[a-z0-9._~!$&'()*+,;=:@-]|%[0-9a-f]{2})";
const URN = new RegExp(
  `^urn:[a-z0-9][a-z0-9-]{0,30}[a-z0-9]:${PCHAR}(?:${PCHAR}|/)*` +
    String.raw`(?:\?\+${PCHAR}(?:${PCHAR}|[/?])*)?(?:\?=${PCHAR}(?:${PCHAR}|[/?])*)?(?:#(?:${PCHAR}|[/?])*)?$`,
  'i',
);

const tenantStrategy = z.discriminatedUnion('strategy', [
  /** The value of a claim, whatever its name. */
  z.strictObject({ strategy: z.literal('provider_claim'), claim: name }),
  /** The value of a claim whose name is a URN, or what `path` leads to in it. */
  z.strictObject({
    strategy: z.literal('urn_claim'),
    claim: name.regex(URN, 'must be a URN (RFC 8141)'),
    path: z.array(name).min(1).max(8).optional(),
  }),
  /** What follows the prefix in the one group that begins with it. */
  z.strictObject({ strategy: z.literal('group_prefix'), claim: name, prefix: name }),
  /** Always the same: an issuer that knows one tenant only. */
  z.strictObject({ strategy: z.literal('fixed'), tenant: name }),
]);

/** How an issuer's tokens say which tenant their subject belongs to. */
export type TenantStrategy = Readonly<z.infer<typeof tenantStrategy>>;

const address = z.string().check((context) => {
  const uri = URL.parse(context.value);
  const message = uri === null ? 'must be a URL' : addressProblem(uri);
  if (message !== undefined) {
    context.issues.push({ code: 'custom', input: context.value, message });
  }
});

/** An issuer as the environment may configure it. */
export const configuredIssuer = z
  .strictObject({
    /** Exact value of the `iss` claim. */
    issuer: name,
    /** Exact value that `aud` must contain. */
    audience: name,
    /** Where the issuer publishes its keys (RFC 7517) ... */
    jwksUri: address.optional(),
    /** ... or the document that says where (OpenID Connect Discovery 1.0, RFC 8414). */
    discovery: address.optional(),
    /**
     * Accepted `typ` headers. With `JWT` only the audience tells this server's tokens from others of the issuer: never
     * where the audience is also the id of a client.
     */
    types: z
      .array(z.enum(['at+jwt', 'JWT']))
      .min(1)
      .default(['at+jwt']),
    /** Accepted algorithms; each key is bound to one of them by what it is. */
    algorithms: z
      .array(z.enum(['RS256', 'ES256']))
      .min(1)
      .default(['RS256', 'ES256']),
    tenant: tenantStrategy.default({ strategy: 'provider_claim', claim: 'tenant' }),
    /** Tenants (slugs) this issuer may speak for; left out, every tenant in which its subjects are registered. */
    tenants: z.array(name).min(1).optional(),
  })
  .refine(({ jwksUri, discovery }) => (jwksUri === undefined) !== (discovery === undefined), {
    path: ['jwksUri'],
    message: 'or discovery must be given, and not both',
    // Also when something else is wrong: all problems are named at once.
    when: ({ value }) => typeof value === 'object' && value !== null,
  });

/** An issuer as a row of the database describes it. */
export const registeredIssuer = configuredIssuer.safeExtend({
  /** The row's id. */
  id: z
    .string()
    .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'must be a UUID in lower case'),
});

/** An issuer of tokens that this installation trusts. */
export type IssuerConfig = Readonly<z.infer<typeof configuredIssuer>> & {
  /** Id of the row it comes from; undefined for one of the environment. */
  readonly id?: string | undefined;
};

/** What is wrong with an address that keys would be fetched from, or undefined. Plain HTTP does not leave this machine. */
export function addressProblem(uri: URL): string | undefined {
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(uri.hostname);
  if (uri.protocol !== 'https:' && !(uri.protocol === 'http:' && loopback)) {
    return 'must be HTTPS; plain HTTP is for loopback addresses only';
  }
  return uri.username + uri.password === '' ? undefined : 'must not contain a user name or password';
}
