// The schema: imports every feature for effect and builds. Imported by the server and by what prints it, by no feature.

import './api/scalars.ts';
import './api/node.ts';
import './viewer/viewer.ts';
import './tenants/tenant.ts';
import './users/user.ts';
import './agents/agent.ts';
import { builder } from './builder.ts';

export const schema = builder.toSchema();
