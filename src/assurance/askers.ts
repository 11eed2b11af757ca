// Who asks in a world, and by what they show who they are: with tokens as everybody has them, with the keys there are, with
// tokens of our own on the clients and sessions there are, with tokens of a tenant's own issuer, and the server itself. What of it opens a context is not said here.

import { SCOPES } from '../capabilities.ts';
import { type Asker, type Principal, principals, type Tenant, type Token, type World } from './world.ts';

/**
 * Everybody who can ask in a world with a token of the installation's: each principal as itself, each delegate under its delegation, and those who try it
 * under a delegation that is not theirs or for an owner who is not its.
 */
export function askersOf({ tenants, tokens }: World): Asker[] {
  const found = tenants.flatMap((tenant, at) => {
    const all = principals(tenant);
    const asker = (
      actor: Principal,
      delegation: number | null = null,
      onBehalfOf: Principal | null = null,
    ) => ({
      tenant: at,
      actor,
      delegation,
      onBehalfOf,
    });
    return [
      ...all.map((actor) => asker(actor)),
      ...tenant.delegations.flatMap(({ delegate, owner }, n) => [
        asker(`a${delegate}`, n, n % 2 === 0 ? `u${owner}` : null),
        asker(all[(tenant.users.length + delegate + 1) % all.length] ?? 'u0', n),
        ...(n === 0 ? [asker(`a${delegate}`, n, `u${(owner + 1) % tenant.users.length}`)] : []),
      ]),
    ];
  });
  return found.map((asker, n) => ({
    ...asker,
    token: tokens[n % tokens.length] ?? { scopes: [], expired: false },
  }));
}

/** Names the owner, or at every second delegation the delegate, who is not. */
const namedBy = ({ delegations }: Tenant, n: number): Pick<Asker, 'onBehalfOf'> => ({
  onBehalfOf: n % 2 === 0 ? `u${delegations[n]?.owner ?? 0}` : `a${delegations[n]?.delegate ?? 0}`,
});
const ALL: Token = { scopes: SCOPES, expired: false };

/** The same, and whoever comes with something else: a credential, a token of a tenant's own issuer, or as the server itself. */
export function everybody(world: World): Asker[] {
  const { tenants, tokens } = world;
  const token = tokens[0] ?? { scopes: [], expired: false };
  const others = tenants.flatMap((tenant, at): Asker[] => {
    const asker = (
      actor: Principal,
      by: NonNullable<Asker['by']>,
      delegation: number | null = null,
    ): Asker => ({
      ...{ tenant: at, actor, delegation, onBehalfOf: null, token, by },
    });
    return [
      ...tenant.keys.flatMap(({ kind, entity, pinned }, key) => {
        // under its own delegation or another's, as the ticket of a bound one may name it or not
        const under = tenant.delegations.flatMap(({ delegate }, n) =>
          `a${delegate}` === entity || n === 0 || pinned !== null ? [n] : [],
        );
        const whole = { ...asker(entity, { issued: key, spent: false }), token: ALL };
        return kind === 'key'
          ? [asker(entity, { key }), ...under.map((n) => asker(entity, { key }, n)), whole]
          : [
              asker(entity, { key }),
              whole,
              { ...whole, by: { issued: key, spent: true } },
              { ...whole, onBehalfOf: entity, token: tokens[(key + 1) % tokens.length] ?? ALL },
              ...under.map((n) => ({ ...whole, delegation: n, ...namedBy(tenant, n), token })),
            ];
      }),
      ...tenants.flatMap((_, issuer) =>
        tenant.agents.length > 0 && issuer === at
          ? [asker('u0', { issuer }), asker('a0', { issuer })]
          : [asker('u0', { issuer })],
      ),
    ];
  });
  const service: Asker = {
    tenant: 0,
    actor: 'u0',
    delegation: null,
    onBehalfOf: null,
    token,
    by: { service: 'identity' },
  };
  return [...askersOf(world), ...others, service];
}
