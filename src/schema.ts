// The schema: imports every feature for effect and builds. Imported by the server and by what prints it, by no feature.

import './access/effective.ts';
import './access/explanation.ts';
import './activity/listening.ts';
import './activity/mutations.ts';
import './agents/listening.ts';
import './agents/mutations.ts';
import './api/node.ts';
import './approvals/listening.ts';
import './baselines/comparing.ts';
import './baselines/listening.ts';
import './baselines/mutations.ts';
import './approvals/mutations.ts';
import './api/scalars.ts';
import './delegations/ending.ts';
import './delegations/listening.ts';
import './delegations/mutations.ts';
import './credentials/mutations.ts';
import './memories/listening.ts';
import './memories/mutations.ts';
import './memories/search.ts';
import './permissions/mutations.ts';
import './permissions/preview.ts';
import './receipts/receipt.ts';
import './services/mutations.ts';
import './tenants/tenant.ts';
import './users/user.ts';
import './viewer/viewer.ts';
import './worlds/mutations.ts';
import { builder } from './builder.ts';

export const schema = builder.toSchema();
