// The names of services and actions, and how a rule may speak of many. The database holds the same forms. Imports nothing of ours.

import { z } from 'zod';

export const serviceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be a lower-case name such as github, of at most 64 characters');
export const actionName = z
  .string()
  .regex(
    /^[a-z][a-z0-9._-]{0,62}$/,
    'must be a lower-case name such as issues.create, of at most 63 characters',
  );
export const servicePattern = z.union([z.literal('*'), serviceName], 'must be a lower-case name, or *');
export const actionPattern = z
  .string()
  .regex(
    /^(?:\*|[a-z][a-z0-9._-]{0,62}|[a-z][a-z0-9._-]{0,60}\.\*)$/,
    'must be a name such as issues.create, what many begin with such as issues.*, or *',
  );
