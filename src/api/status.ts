// The status of users, agents and worlds, kept on their common supertype. Who may change it: prisma/policies/11-entities.sql.

import { builder } from '../builder.ts';

export const StatusEnum = builder.enumType('Status', {
  description:
    'Whether an entity takes part. Anything but ACTIVE has no rights from the very next statement on.',
  values: {
    ACTIVE: { value: 'active', description: 'Takes part.' },
    SUSPENDED: { value: 'suspended', description: 'Has no rights until it is active again.' },
    ARCHIVED: {
      value: 'archived',
      description: 'Gone for good as far as its owner is concerned; kept for the record.',
    },
  } as const,
});

export const OrderDirectionEnum = builder.enumType('OrderDirection', {
  description: 'Which end comes first.',
  values: {
    ASC: { value: 'asc', description: 'Smallest, oldest or alphabetically first comes first.' },
    DESC: { value: 'desc', description: 'Largest, newest or alphabetically last comes first.' },
  } as const,
});
