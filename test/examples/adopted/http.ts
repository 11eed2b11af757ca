// Asks an example's API as somebody, by the header that stands for a session in all of them.

/** A request to a JSON API: its status and what it says. */
export async function ask(
  url: string,
  user: string,
  call: string,
  body?: object,
): Promise<[status: number, answer: unknown]> {
  const [method = 'GET', path = '/'] = call.split(' ');
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'x-user': user, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return [response.status, await response.json()];
}

/** A GraphQL operation: its data, and the codes and messages of its errors. */
export async function operate<Data>(
  url: string,
  headers: Readonly<Record<string, string>>,
  query: string,
): Promise<{ readonly data?: Data; readonly errors?: readonly { message: string }[] }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as { data: Data };
}
