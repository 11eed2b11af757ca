// The provider `vault`: a key in the Transit engine of HashiCorp Vault or OpenBao, which never leaves it. What is to be wrapped
// goes there and comes back wrapped, with the binding as associated data (/transit/encrypt and /transit/decrypt of its API).
//
// Written as `vault:<key>.v3:<base64>` where Vault says `vault:v3:<base64>`: the version is part of the key's id, so that whoever
// wraps again can tell old from new. Makes no key, renews no token (an agent does, and this reads what it writes), goes
// through no proxy and follows no redirect to another server. None of the library's errors is passed on: they hold the request.

import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import NodeVault from 'node-vault';
import { z } from 'zod';
import { PostureError } from '../../errors.ts';
import { addressProblem } from '../../trust.ts';
import { encodeParts } from '../primitives.ts';
import { type Binding, type KeyProvider, KeyProviderError } from '../provider.ts';
import { bindingParts, fromBase64, parseWrapped } from './wrapping.ts';

export type VaultSettings = {
  /** `https://vault.example:8200`; plain HTTP to loopback only, for what goes over it are token and keys. */
  readonly address: string;
  /** The token, or ... */
  readonly token?: string | undefined;
  /** ... the file that holds it, read again when Vault does not accept the token any more. */
  readonly tokenFile?: string | undefined;
  /** Where the Transit engine is mounted; `transit` unless given. */
  readonly mount?: string | undefined;
  /** Name of the key, of the type aes256-gcm96; `bailiwick` unless given. */
  readonly key?: string | undefined;
  readonly namespace?: string | undefined;
  /** Longest wait for one piece of work, a second attempt included, in milliseconds. */
  readonly timeoutMs: number;
};

/** What is asked of Vault: `what` in words, for errors. */
type Request = {
  readonly what: string;
  readonly path: string;
  /** Absent for reading. */
  readonly body?: Readonly<Record<string, string>>;
  /** Whether doing it twice does no more than doing it once. */
  readonly repeatable: boolean;
};

/** What Vault answered, or why it did not. */
type Answer =
  | { readonly status: 200; readonly body: unknown }
  | { readonly status: number | undefined; readonly why: string };

const NAME = /^(?!\.+$)[\w.-]+$/;
const ID = /^([\w.-]+)\.v([1-9]\d{0,8})$/;

const encrypted = z.object({ data: z.object({ ciphertext: z.string() }) });
const decrypted = z.object({ data: z.object({ plaintext: z.string() }) });
const described = z.object({ data: z.object({ latest_version: z.int().min(1) }) });

/** An odd number of parts, which no binding has. */
const NO_BINDING = encodeParts('no binding').toString('base64');

/**
 * The provider of one Transit key. Asks nothing of Vault yet.
 *
 * @throws {PostureError} for settings that no Vault could serve.
 */
export function openVaultProvider(settings: VaultSettings): KeyProvider {
  const { mount = 'transit', key: name = 'bailiwick' } = settings;
  checkSettings(settings, mount, name);
  const ask = asking(settings);
  let bindingHolds = false;

  const decrypt = (ciphertext: string, associated: string): Request => ({
    what: `decrypt with ${mount}/${name}`,
    path: `${mount}/decrypt/${name}`,
    body: { ciphertext, associated_data: associated },
    repeatable: true,
  });

  /** A Vault from before associated data (hashicorp/vault#17638) takes no notice of it, and would wrap for every place. */
  const proveBinding = async (ciphertext: string): Promise<void> => {
    const request = decrypt(ciphertext, NO_BINDING);
    const answer = await ask(request);
    if (answer.status === 200) {
      throw new KeyProviderError(
        'refused',
        'Vault takes no notice of associated data: it is too old for this',
      );
    }
    if (answer.status !== 400) {
      throw failure(request, answer);
    }
    bindingHolds = true;
  };

  const current = async (): Promise<string> => {
    const request = { what: `read ${mount}/keys/${name}`, path: `${mount}/keys/${name}`, repeatable: true };
    const { data } = bodyOf(described, request, await ask(request));
    return `vault:${name}.v${data.latest_version}`;
  };

  return {
    scheme: 'vault',
    current,
    async wrap(key, binding) {
      const request = {
        what: `encrypt with ${mount}/${name}`,
        path: `${mount}/encrypt/${name}`,
        body: { plaintext: Buffer.from(key).toString('base64'), associated_data: associatedData(binding) },
        repeatable: true,
      };
      const { ciphertext } = bodyOf(encrypted, request, await ask(request)).data;
      const [, version, rest] = /^vault:(v\d+):(.+)$/.exec(ciphertext) ?? [];
      const wrapped = `vault:${name}.${version}:${rest}`;
      // never hands out what it would not take back
      parseWrapped('vault', ID, 'base64', wrapped);
      if (!bindingHolds) {
        await proveBinding(ciphertext);
      }
      return wrapped;
    },
    async unwrap(wrapped, binding) {
      const { id, rest } = parseWrapped('vault', ID, 'base64', wrapped);
      const [, under, version] = ID.exec(id) ?? [];
      if (under !== name) {
        throw new KeyProviderError(
          'refused',
          `wrapped under the key ${under} of Vault; this server is configured for ${name}`,
        );
      }
      const ciphertext = `vault:v${version}:${rest.toString('base64')}`;
      const request = decrypt(ciphertext, associatedData(binding));
      const key = fromBase64(bodyOf(decrypted, request, await ask(request)).data.plaintext, 'base64');
      if (key === undefined) {
        throw failure(request, { status: undefined, why: 'gave an answer that is not one' });
      }
      return key;
    },
    async rotate() {
      const path = `${mount}/keys/${name}/rotate`;
      const request = { what: `rotate ${mount}/keys/${name}`, path, body: {}, repeatable: false };
      const answer = await ask(request);
      if (answer.status !== 200) {
        throw failure(request, answer);
      }
      return await current();
    },
  };
}

function associatedData(binding: Binding): string {
  return encodeParts(...bindingParts(binding)).toString('base64');
}

function checkSettings({ address, token, tokenFile }: VaultSettings, mount: string, name: string): void {
  const uri = URL.parse(address);
  const problem = uri === null ? 'must be a URL' : addressProblem(uri);
  const findings = [
    problem !== undefined && `the address ${problem}`,
    uri !== null && uri.search + uri.hash !== '' && 'the address must not contain ? or #',
    !mount.split('/').every((part) => NAME.test(part)) && 'the mount must be a path such as transit',
    !NAME.test(name) && 'the name of the key must consist of letters, digits and . _ -',
    (token === undefined || token === '') === (tokenFile === undefined) &&
      'it needs a token, or a file that holds one, and not both',
  ].filter((finding) => finding !== false);
  if (findings.length > 0) {
    throw new PostureError('Vault cannot be used as configured:', findings);
  }
}

/** Asks once, and a second time where that may help, all within one time limit. */
function asking({ address, token, tokenFile, namespace, timeoutMs }: VaultSettings) {
  // The library lets variables of the environment stand in for what it is not given, and can print every key it is given.
  const client = Object.assign(NodeVault({ endpoint: address, debug: () => {} }), {
    token: '',
    pathPrefix: '',
    namespace: namespace ?? '',
  });
  let known = tokenFile === undefined ? token : undefined;

  const readToken = async (file: string): Promise<string> => {
    try {
      return (await readFile(file, 'utf8')).trim();
    } catch (cause) {
      throw new KeyProviderError('refused', 'the file with the token for Vault cannot be read', { cause });
    }
  };

  /** Whether there is another token now than the one that was used. */
  const renewed = async (used: string | undefined): Promise<boolean> => {
    known = tokenFile === undefined ? known : await readToken(tokenFile);
    return known !== used;
  };

  const send = async ({ path, body }: Request, end: number): Promise<Answer> => {
    const line = openLine(new URL(address), end - performance.now());
    const options = { ...line.agents, headers: { 'X-Vault-Token': known } };
    try {
      const answer: unknown = await (body === undefined
        ? client.read(path, options)
        : client.write(path, body, options));
      return { status: 200, body: answer };
    } catch (error) {
      const { response, code } = error as { response?: { statusCode?: number }; code?: unknown };
      const status = response?.statusCode;
      const why =
        line.fault() ?? `cannot be reached (${typeof code === 'string' ? code : 'no reason given'})`;
      return { status, why: status === undefined ? why : `answered ${status}` };
    } finally {
      line.close();
    }
  };

  return async (request: Request): Promise<Answer> => {
    const end = performance.now() + timeoutMs;
    if (known === undefined) {
      await renewed(undefined);
    }
    const used = known;
    const answer = await send(request, end);
    const again = answer.status === 403 ? await renewed(used) : request.repeatable && isAbsent(answer);
    return again && performance.now() < end ? await send(request, end) : answer;
  };
}

/**
 * Agents that connect to one server only, whatever a redirect or a proxy says: the library sends the token along. Every
 * request has its own, so that the end of its time ends it in whatever state it is.
 */
function openLine({ protocol, hostname, port }: URL, ms: number) {
  let fault: string | undefined;
  const plain = guard(new Agent({ proxyEnv: {} }), 'http:', '80');
  // said out loud, because an environment variable can turn the default around
  const tls = guard(new TlsAgent({ proxyEnv: {}, rejectUnauthorized: true }), 'https:', '443');

  function guard<Kind extends Agent>(agent: Kind, speaks: string, usual: string): Kind {
    const connect = agent.createConnection;
    agent.createConnection = (options, callback) => {
      const host = options.host?.replace(/^\[|\]$/g, '');
      if (
        speaks !== protocol ||
        host !== hostname.replace(/^\[|\]$/g, '') ||
        String(options.port || usual) !== (port || usual)
      ) {
        fault = 'is not asked elsewhere than at its address: it redirects';
        throw new TypeError(fault);
      }
      return connect.call(agent, options, callback);
    };
    return agent;
  }

  const close = () => {
    plain.destroy();
    tls.destroy();
  };
  const timer = setTimeout(
    () => {
      fault = 'did not answer in time';
      close();
    },
    Math.max(0, ms),
  );
  return {
    agents: { httpAgent: plain, httpsAgent: tls },
    fault: () => fault,
    close() {
      clearTimeout(timer);
      close();
    },
  };
}

/** Sealed, failing, over its limit or not there: asked later, it may do. */
function isAbsent({ status }: Answer): boolean {
  return status === undefined || status === 429 || status >= 500;
}

function bodyOf<Shape>(shape: z.ZodType<Shape>, request: Request, answer: Answer): Shape {
  if (!('body' in answer)) {
    throw failure(request, answer);
  }
  const read = shape.safeParse(answer.body);
  if (!read.success) {
    throw failure(request, { status: undefined, why: 'gave an answer that is not one' });
  }
  return read.data;
}

/** In our words only: what Vault says may repeat what it was sent. */
function failure({ what }: Request, answer: Answer): KeyProviderError {
  const why = 'why' in answer ? answer.why : 'answered';
  const hint = answer.status === undefined ? undefined : HINTS[answer.status];
  const message = `Vault, asked to ${what}, ${why}${hint === undefined ? '' : `: ${hint}`}`;
  return new KeyProviderError(isAbsent(answer) ? 'unreachable' : 'refused', message);
}

const HINTS: Readonly<Record<number, string>> = {
  400: 'another binding, another key, an altered wrapped key, or a key that is not of the type aes256-gcm96',
  403: 'the token is not valid, or its policy does not allow this',
  404: 'there is no such mount or key in this namespace',
  429: 'it is asked too often',
  503: 'it is sealed, or in maintenance',
};
