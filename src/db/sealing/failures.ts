// What went wrong with keys, in the words of the closed list of errors.

import { KeyUnavailableError } from '../../crypto/hierarchy.ts';
import { KeyProviderError } from '../../crypto/provider.ts';
import { BailiwickError } from '../../errors.ts';

/** What went wrong with keys, as a caller may know it; everything else as it is. */
export function inWords(error: unknown): unknown {
  if (error instanceof KeyProviderError) {
    return new BailiwickError(error.reason === 'unreachable' ? 'UNAVAILABLE' : 'INTERNAL', undefined, {
      cause: error,
    });
  }
  if (error instanceof KeyUnavailableError) {
    switch (error.reason) {
      case 'destroyed':
        return new BailiwickError('CONFLICT', 'The keys for this were destroyed for good.', { cause: error });
      case 'refused':
        return new BailiwickError('FORBIDDEN', undefined, { cause: error });
      default:
        return new BailiwickError('INTERNAL', undefined, { cause: error });
    }
  }
  return error;
}
