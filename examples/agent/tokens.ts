// Where the example gets its tokens. The identities are those of the demo; of a real installation, tokens come from its issuer. The
// exchange (RFC 8693) is the real one: the answer is a token of this server that names owner, agent and delegation.

type Identity = { readonly id: string; readonly token: string; readonly delegationId: string };

/** Alice in person, and her agent Scout with the delegation that it holds. */
export async function identities(origin: string) {
  const answer = await fetch(`${origin}/development/identities`);
  if (!answer.ok) {
    throw new Error(`${origin} is no development server: start one with npm start`);
  }
  const { identities: all } = (await answer.json()) as { identities: Identity[] };
  const find = (id: string): Identity => {
    const found = all.find((one) => one.id === id);
    if (found === undefined) {
      throw new Error(`there is no demo identity ${id}`);
    }
    return found;
  };
  return { alice: find('alice'), scout: find('scout') };
}

/**
 * Exchanges the owner's token and the agent's for one that is good under one delegation alone.
 *
 * @returns an access token of fifteen minutes: `sub` the owner, `act` the agent.
 */
export async function exchange(
  origin: string,
  {
    subjectToken,
    actorToken,
    delegationId,
  }: { subjectToken: string; actorToken: string; delegationId: string },
): Promise<string> {
  const type = 'urn:ietf:params:oauth:token-type:access_token';
  const response = await fetch(`${origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: 'bailiwick',
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: subjectToken,
      subject_token_type: type,
      actor_token: actorToken,
      actor_token_type: type,
      delegation_id: delegationId,
    }),
  });
  const answer = (await response.json()) as { access_token?: string; error?: string };
  if (answer.access_token === undefined) {
    throw new Error(`the exchange was refused: ${answer.error}`);
  }
  return answer.access_token;
}
