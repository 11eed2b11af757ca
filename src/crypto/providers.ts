// The configured key providers as one: the first of them wraps, each unwraps what it wrapped. So a key moves from one to the
// next by wrapping it again, while both are there.
//
// A provider that is not configured is not loaded: the libraries of Vault and AWS are large, and most never need them. How
// each of them works is in its own file; what is wrapped, and when anew, is for the caller.

import { PostureError } from '../errors.ts';
import { type KeyProvider, KeyProviderError, SCHEMES, type Scheme } from './provider.ts';
import type { AwsSettings } from './providers/aws.ts';
import { openEnvironmentProvider } from './providers/environment.ts';
import { openLocalProvider } from './providers/local.ts';
import type { VaultSettings } from './providers/vault.ts';

export type ProviderSettings = {
  /** The providers in use; the first wraps, all unwrap. */
  readonly order: readonly Scheme[];
  /** The key file of `local`. */
  readonly file: string;
  /** The keys of `env`, in base64url; the first wraps. */
  readonly keys: readonly string[];
  readonly vault?: VaultSettings | undefined;
  readonly aws?: AwsSettings | undefined;
};

/** scheme -> how it is opened, and what it takes to configure it. */
const PROVIDERS: Readonly<
  Record<
    Scheme,
    {
      readonly open: (settings: ProviderSettings) => Promise<KeyProvider | undefined> | KeyProvider;
      readonly needs: string;
    }
  >
> = {
  local: { open: ({ file }) => openLocalProvider(file), needs: 'its key file' },
  env: { open: ({ keys }) => openEnvironmentProvider(keys), needs: 'its keys in KEY_ENCRYPTION_KEY' },
  vault: {
    open: async ({ vault }) => vault && (await import('./providers/vault.ts')).openVaultProvider(vault),
    needs: "Vault's address, and a token or a file that holds one",
  },
  aws: {
    open: async ({ aws }) => aws && (await import('./providers/aws.ts')).openAwsProvider(aws),
    needs: 'the id of a KMS key',
  },
};

/**
 * Opens the providers in `order`.
 *
 * @throws {PostureError} when there is none, when one is named twice or lacks its settings, and for what each finds wrong itself.
 */
export async function openKeyProviders(settings: ProviderSettings): Promise<KeyProvider> {
  const opened = new Map<Scheme, KeyProvider>();
  try {
    for (const scheme of settings.order) {
      const provider = opened.has(scheme) ? undefined : await PROVIDERS[scheme].open(settings);
      if (provider === undefined) {
        throw unusable(
          opened.has(scheme) ? `${scheme} is named twice` : `${scheme} needs ${PROVIDERS[scheme].needs}`,
        );
      }
      opened.set(scheme, provider);
    }
    return composed(opened);
  } catch (error) {
    closeAll(opened);
    throw error;
  }
}

function composed(opened: ReadonlyMap<Scheme, KeyProvider>): KeyProvider {
  const [first] = opened.values();
  if (first === undefined) {
    throw unusable('none is named');
  }
  // no two of them keep keys of their own
  const pruned = [...opened.values()].find(({ prune }) => prune !== undefined)?.prune;
  return {
    scheme: first.scheme,
    current: () => first.current(),
    wrap: (key, binding) => first.wrap(key, binding),
    async unwrap(wrapped, binding) {
      const scheme = SCHEMES.find((each) => wrapped.startsWith(`${each}:`));
      const provider = scheme && opened.get(scheme);
      if (provider === undefined) {
        throw new KeyProviderError(
          'refused',
          scheme === undefined
            ? 'not a wrapped key of any provider'
            : `wrapped by the key provider ${scheme}, and configured are ${[...opened.keys()].join(', ')}: add ${scheme} behind them, with ${PROVIDERS[scheme].needs}`,
        );
      }
      return await provider.unwrap(wrapped, binding);
    },
    rotate: () => first.rotate(),
    ...(pruned === undefined ? {} : { prune: pruned }),
    close: () => closeAll(opened),
  };
}

function closeAll(opened: ReadonlyMap<Scheme, KeyProvider>): void {
  for (const provider of opened.values()) {
    provider.close?.();
  }
}

function unusable(finding: string): PostureError {
  return new PostureError('The key providers are not usable as configured:', [finding]);
}
