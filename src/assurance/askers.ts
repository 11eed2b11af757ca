// Who asks in a world, and by what they show who they are: with tokens as everybody has them, with the keys there are, with
// tokens of a tenant's own issuer, and the server itself. What of it opens a context is not said here.

import { type Asker, type Principal, principals, type World } from './world.ts';

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

/** The same, and whoever comes with something else: a key, a token of a tenant's own issuer, or as the server itself. */
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
      ...tenant.keys.flatMap(({ entity, pinned }, key) => [
        asker(entity, { key }),
        // under its own delegation or another's, as the ticket of a bound key may name it or not
        ...tenant.delegations.flatMap(({ delegate }, n) =>
          `a${delegate}` === entity || n === 0 || pinned !== null ? [asker(entity, { key }, n)] : [],
        ),
      ]),
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
