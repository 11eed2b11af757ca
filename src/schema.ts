// The schema: imports every feature for effect and builds. Imported by the server and by what prints it, by no feature.

import './agents/mutations.ts';
import './api/node.ts';
import './api/scalars.ts';
import './delegations/ending.ts';
import './delegations/mutations.ts';
import './credentials/mutations.ts';
import './memories/mutations.ts';
import './memories/search.ts';
import './services/mutations.ts';
import './tenants/tenant.ts';
import './users/user.ts';
import './viewer/viewer.ts';
import './worlds/mutations.ts';
import { builder } from './builder.ts';

export const schema = builder.toSchema();
