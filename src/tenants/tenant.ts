// The caller's tenant, as far as callers need to know it. Seen by whoever is signed in to it: prisma/policies/10-tenants.sql.

import { NodeInterface, registerNode } from '../api/node.ts';
import { builder } from '../builder.ts';

export const Tenant = builder.prismaObject('Tenant', {
  interfaces: [NodeInterface],
  description: 'A customer of this installation. Nothing crosses from one tenant to another.',
  // the runtime role may see these columns and no others
  select: { id: true },
  fields: (t) => ({
    slug: t.exposeString('slug', { description: 'The name by which tokens name it.' }),
    name: t.exposeString('name', { description: 'What people call it.' }),
  }),
});

registerNode('Tenant');
