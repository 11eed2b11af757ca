// The client of a transaction, made when it is asked for something: what is answered directly never does.
//
// For each interactive transaction Prisma puts a client together out of proxies and a table of all its names: a tenth of what a session
// costs this process, and more than half of what it leaves to the garbage collector. There is no public way to have it made later, so this
// overrides what makes it. Where a version of Prisma has nothing of that name, everything is as it would be without this file
// (test/db/late-client.test.ts says so when it comes to that).

type Make = (...of: unknown[]) => object;

/** Has the clients of a client's transactions made late. @returns the same client. */
export function lateClients<Client extends object>(client: Client): Client {
  const { _createItxClient: make } = client as { readonly _createItxClient?: Make };
  return make === undefined
    ? client
    : Object.defineProperty(client, '_createItxClient', {
        configurable: true,
        value: (...of: unknown[]) => late(() => make.apply(client, of)),
      });
}

function late(make: () => object): object {
  let made: object | undefined;
  const client = () => {
    made ??= make();
    return made;
  };
  return new Proxy(
    {},
    {
      get: (_, name) => Reflect.get(client(), name),
      has: (_, name) => Reflect.has(client(), name),
    },
  );
}
