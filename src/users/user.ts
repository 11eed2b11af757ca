// Users: their own profile, and how they change it. Who sees and edits a profile: prisma/policies/12-users.sql.

import { z } from 'zod';
import { NodeInterface, registerNode } from '../api/node.ts';
import { NotFound, recordChange, refuseAsNotFound } from '../api/problems.ts';
import { readWritten } from '../api/reading.ts';
import { StatusEnum } from '../api/status.ts';
import { checked, given, text } from '../api/validation.ts';
import { builder } from '../builder.ts';
import { rows, sessionOf } from '../context.ts';

export const User = builder.prismaObject('User', {
  interfaces: [NodeInterface],
  description:
    'A person. Seen by itself, by agents that may read users for it, and by its tenant administrators.',
  fields: (t) => ({
    displayName: t.exposeString('displayName', { description: 'What people call them.' }),
    email: t.exposeString('email', {
      nullable: true,
      description: 'As their token issuer gave it; not changed here.',
    }),
    locale: t.exposeString('locale', { nullable: true, description: 'Preferred language, a BCP 47 tag.' }),
    timeZone: t.exposeString('timeZone', {
      nullable: true,
      description: 'Preferred time zone, an IANA name.',
    }),
    administrator: t.boolean({
      description: 'Whether they administer their tenant, when acting in person.',
      resolve: ({ role }) => role === 'admin',
    }),
    status: t.field({
      type: StatusEnum,
      description: 'Whether they take part.',
      select: { entity: { select: { status: true } } },
      resolve: ({ entity }) => entity.status as 'active',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they were registered.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the profile was last changed.' }),
  }),
});

registerNode('User');

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function isLanguageTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

const UpdateProfileInput = builder.inputType('UpdateProfileInput', {
  description: 'What to change; a field left out stays, null empties it.',
  fields: (t) => ({
    displayName: t.string({ required: false, description: 'What people call you; not null.' }),
    locale: t.string({ required: false, description: 'Preferred language, a BCP 47 tag.' }),
    timeZone: t.string({ required: false, description: 'Preferred time zone, an IANA name.' }),
  }),
});

const profile = z.object({
  displayName: text(200).optional(),
  locale: text(35).refine(isLanguageTag, 'must be a language tag (BCP 47)').nullish(),
  timeZone: text(64).refine(isTimeZone, 'must be a time zone (IANA)').nullish(),
});

builder.mutationField('updateProfile', (t) =>
  t.field({
    type: User,
    errors: { types: [NotFound] },
    description: "Changes the owner's own profile: the caller's, or under a delegation its owner's.",
    args: { input: t.arg({ type: UpdateProfileInput, description: 'What to change.' }) },
    resolve: async (_root, { input }, context, info) => {
      const { ownerId } = sessionOf(context);
      const data = given(checked(profile, input));
      const { count } = await rows(context).user.updateMany({ where: { id: ownerId }, data: data as never });
      if (count === 0) {
        return refuseAsNotFound('user.update_refused', 'user', ownerId);
      }
      await recordChange('user.updated', 'user', ownerId, { fields: Object.keys(data) });
      return await readWritten(context, info, 'User', ownerId);
    },
  }),
);
