// What the model says of every mutation of credentials for services of third parties: keeping, changing, replacing and deleting one,
// reading its secret, and having it called.
//
// Behind this stage no service is reached, so an allowed call ends without an answer; that it was made must have been kept before.
// What a service answers is the business of test/services.

import { CALL, PARAMETERS } from '../../../../src/assurance/actions.ts';
import { type Principal, slugOf } from '../../../../src/assurance/world.ts';
import { mayDelete, mayInsert, maySee } from '../rules.ts';
import { CALLED, usedAs } from '../services.ts';
import { askedFor, readsRequest } from './outside.ts';
import {
  BAD_INPUT,
  changeable,
  changed,
  DESTROYED,
  FORBIDDEN,
  found,
  globalId,
  gone,
  namesOf,
  opens,
  rowOf,
  type Scene,
  sealingFor,
  seesNew,
  type Tried,
  UNREADABLE,
} from './scene.ts';

const TYPE = 'ServiceCredential';
/** As a header may hold it. */
const SECRET = 'new-0123456789';
/** No world has a key for blind indexes, so the first secret that is written makes one. */
const INDEXED = '+tenant_keys';

const idOfService = (name: string) => globalId(TYPE, name);
/** The secret of a credential, where there is one and the asker may read it. */
function secretOf(scene: Scene, name: string) {
  const row = rowOf(scene, 'service_secrets', name);
  return row !== undefined && maySee(scene.a, row) ? row : undefined;
}

function createServiceCredential(scene: Scene): Tried[] {
  const { a, world } = scene;
  const row = { tenant: a.at, owner: a.owner };
  const sealing = sealingFor(scene, a.owner);
  const service = { owner: Number(a.owner.slice(1)), agent: null, ownerOnly: true, ends: null };
  const made = !mayInsert(a, 'service_credentials', row)
    ? FORBIDDEN
    : sealing === undefined
      ? DESTROYED
      : mayInsert(a, 'service_secrets', row) && seesNew(scene, 'service_credentials', { service })
        ? TYPE
        : UNREADABLE;
  const tried = (what: string, outcome: string, more: object): Tried => ({
    what,
    input: {
      ...{ service: 'new', label: 'new', kind: 'API_KEY', origin: 'https://new.invalid', secret: SECRET },
      ...more,
    },
    outcome,
    changes: ['+service_credentials', '+service_secrets', INDEXED, ...(sealing?.made ?? [])],
  });
  return [
    tried('for all', made, {}),
    ...namesOf(world, 'Agent').map((agent) =>
      tried(`for ${agent}`, found(scene, 'Agent', agent) ? made : 'NotFound', {
        agentId: globalId('Agent', agent),
      }),
    ),
  ];
}

/** Where it leads cannot even be said. */
function updateServiceCredential(scene: Scene): Tried[] {
  return namesOf(scene.world, TYPE).flatMap((name) => {
    const may = found(scene, TYPE, name) && changeable(scene, rowOf(scene, 'service_credentials', name));
    const tried = (what: string, more: object, fits = true): Tried => ({
      what: `${name}: ${what}`,
      input: { id: idOfService(name), ...more },
      outcome: may && fits ? `${TYPE} ${name}` : 'NotFound',
      changes: [changed(scene, 'service_credentials', name)],
    });
    return [
      tried('label', { label: 'marked' }),
      tried('whose', { ownerOnly: false, agentId: null }),
      ...namesOf(scene.world, 'Agent').map((agent) =>
        tried(`for ${agent}`, { agentId: globalId('Agent', agent) }, found(scene, 'Agent', agent)),
      ),
    ];
  });
}

function rotateServiceCredential(scene: Scene): Tried[] {
  return namesOf(scene.world, TYPE).map((name) => {
    const secret = secretOf(scene, name);
    const sealable = secret !== undefined && sealingFor(scene, secret.holder as Principal) !== undefined;
    const may = secret !== undefined && changeable(scene, rowOf(scene, 'service_credentials', name));
    return {
      what: name,
      input: { id: idOfService(name), secret: SECRET },
      outcome: !may ? 'NotFound' : sealable ? `${TYPE} ${name}` : DESTROYED,
      changes: [
        INDEXED,
        changed(scene, 'service_secrets', name),
        changed(scene, 'service_credentials', name),
      ],
    };
  });
}

function deleteServiceCredential(scene: Scene): Tried[] {
  const { a } = scene;
  return namesOf(scene.world, TYPE).map((name) => {
    const secret = secretOf(scene, name);
    const row = rowOf(scene, 'service_credentials', name);
    const both = row !== undefined && maySee(a, row) && mayDelete(a, row);
    const first = secret !== undefined && mayDelete(a, secret);
    return {
      what: name,
      input: { id: idOfService(name) },
      // whoever may not see the credential does not take its secret away alone
      outcome: !first ? 'NotFound' : both ? `DeletedServiceCredential ${name}` : FORBIDDEN,
      changes: [gone(scene, 'service_secrets', name), gone(scene, 'service_credentials', name)],
    };
  });
}

function revealServiceSecret(scene: Scene): Tried[] {
  return namesOf(scene.world, TYPE).map((name) => {
    const secret = secretOf(scene, name);
    const inClear = secret && (opens(scene, secret) ? `${name} of ${slugOf(scene.a.at)}` : null);
    return {
      what: name,
      input: { id: idOfService(name) },
      outcome: secret === undefined ? 'NotFound' : `RevealedSecret ${inClear}`,
      changes: [],
    };
  });
}

/** What fits no call (stage.ts). */
const UNFIT = { plot: 'lower' };

type Called = { readonly call: string; readonly fits: boolean; readonly approval?: string };

function callService(scene: Scene): Tried[] {
  const calls: Called[] = [
    { call: CALL, fits: true },
    { call: CALL, fits: false },
    { call: 'fly', fits: true },
    { call: CALL, fits: false, approval: 'q0' },
  ];
  const redeeming = namesOf(scene.world, 'Approval').map((approval) => ({
    call: CALL,
    fits: true,
    approval,
  }));
  return namesOf(scene.world, TYPE).flatMap((name) =>
    // what is approved is approved for the first
    [...calls, ...redeeming.slice(0, name === 's0' ? undefined : 1)].map((wanted): Tried => {
      const { call, fits, approval } = wanted;
      const parameters = fits ? PARAMETERS : UNFIT;
      return {
        what: [`${name}: ${call}`, Object.keys(parameters).join(), approval ?? []].flat().join(' '),
        input: {
          ...{ credentialId: idOfService(name), call, parameters },
          ...(approval === undefined ? {} : { approvalId: globalId('Approval', approval) }),
        },
        ...calling(scene, name, wanted),
      };
    }),
  );
}

function calling(
  scene: Scene,
  name: string,
  { call, fits, approval }: Called,
): Pick<Tried, 'outcome' | 'changes' | 'noted'> {
  const { a } = scene;
  // what agents have asked for is the call with the first credential
  const usual = name === 's0';
  // what is to be redeemed is worked out first, of what can be sent
  if (approval !== undefined && !fits && call === CALL && found(scene, TYPE, name)) {
    return { outcome: BAD_INPUT, changes: [] };
  }
  const redeeming = approval === undefined ? null : Number(approval.slice(1));
  const used = usedAs(a, Number(name.slice(1)), call, redeeming, usual ? CALLED : -1);
  const [word = '', detail = ''] = used.split(' ');
  const logged = a.chain.length > 0 ? ['+activity_entries'] : [];
  switch (word) {
    case 'used': {
      const redeemed = used.includes(' redeemed ') ? [changed(scene, 'approvals', approval ?? '')] : [];
      const called = `+service.called t${a.at}/${name} by ${a.actor}`;
      return {
        outcome: fits ? 'ServiceUnanswered ADDRESS' : BAD_INPUT,
        changes: [changed(scene, 'service_credentials', name), called, ...logged, ...redeemed],
      };
    }
    case 'ask': {
      const { error, there, changes } = askedFor(scene, CALLED, usual);
      const asked = there !== undefined || readsRequest(scene) ? 'ApprovalRequired' : UNREADABLE;
      return {
        outcome: fits ? (error ?? [asked, there ?? []].flat().join(' ')) : BAD_INPUT,
        changes: [...logged, ...changes],
      };
    }
    case 'credential':
      return { outcome: 'NotFound', changes: [] };
    case 'redeem': {
      const refused = `ApprovalRefused ${detail.toUpperCase()}`;
      return { outcome: detail === 'approval' ? 'NotFound' : refused, changes: [] };
    }
    default: {
      const noted = word === 'denied' ? logged : [];
      return { outcome: `ServiceCallRefused ${word.toUpperCase()}`, changes: [], noted };
    }
  }
}

export const OF_SERVICES = {
  createServiceCredential,
  updateServiceCredential,
  rotateServiceCredential,
  deleteServiceCredential,
  revealServiceSecret,
  callService,
};
