// Prisma's schema engine as WebAssembly: loads it, and gives it connections on which it works correctly.
//
// The package expects a bundler to load it and was made for adapters that do more than `@prisma/adapter-pg` does;
// what is missing is added here, with the reason next to it. What to do with the engine is the business of engine.ts.

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  mockMigrationAwareAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';
import pg from 'pg';

/** PostgreSQL's schema that belongs to Prisma, and the only one. */
export const SCHEMA = 'public';

/**
 * Gives `work` an engine on these connections, and closes them afterwards.
 *
 * @throws whatever `work` throws; what the engine itself rejects with is an Error written for people to read.
 */
export async function withEngine<T>(
  connections: Connections,
  work: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const { SchemaEngine } = await loadEngine();
  try {
    const adapters = bindMigrationAwareSqlAdapterFactory(connections);
    const engine = await SchemaEngine.new({ datamodels: undefined }, () => undefined, adapters);
    try {
      return await work(engine);
    } finally {
      engine.free();
    }
  } finally {
    await connections.close();
  }
}

type Connections = SqlMigrationAwareDriverAdapterFactory & { close(): Promise<void> };
type Adapter = Awaited<ReturnType<PrismaPg['connect']>>;

/**
 * Prisma's own adapter, mended in three places. `executeScript` sends a script whole, because the adapter splits it
 * at every semicolon, also inside `$$` bodies. The shadow connection really goes to the shadow database: the adapter
 * lets the database of a connection string win over the shadow's name, and would replay the migrations in the live
 * one. And every connection is closed at the end, which the engine leaves to the process's exit.
 */
export class MigrationConnections extends PrismaPg implements Connections {
  readonly #url: string;
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(url: string) {
    super({ connectionString: url, max: 1, application_name: 'bailiwick migrate' }, { schema: SCHEMA });
    this.#url = url;
  }

  override async connect(): Promise<Adapter> {
    const adapter = await super.connect();
    teachChar(adapter);
    adapter.executeScript = async (script) => {
      await adapter.executeRaw({ sql: script, args: [], argTypes: [] });
    };
    const dispose = adapter.dispose.bind(adapter);
    let disposed: Promise<void> | undefined;
    adapter.dispose = () => {
      disposed ??= dispose();
      return disposed;
    };
    this.#closing.unshift(adapter.dispose);
    return adapter;
  }

  override async connectToShadowDb(): Promise<Adapter> {
    const database = `prisma_migrate_shadow_db_${randomUUID()}`;
    const maintenance = await this.connect();
    await maintenance.executeScript(`create database "${database}"`);
    this.#closing.unshift(() => maintenance.executeScript(`drop database "${database}" with (force)`));
    const url = new URL(this.#url);
    url.pathname = database;
    const shadow = new MigrationConnections(url.href);
    this.#closing.unshift(() => shadow.close());
    return await shadow.connect();
  }

  /** Closes every connection and drops every shadow database, last opened first. */
  async close(): Promise<void> {
    for (const closing of this.#closing.splice(0)) {
      await closing();
    }
  }
}

/**
 * Teaches the adapter PostgreSQL's internal type `"char"`, which it rejects and which the engine's own catalog
 * queries return as soon as there is a CHECK constraint or a foreign key: past the adapter as text, to the engine as
 * a character.
 */
function teachChar(adapter: Adapter): void {
  const columns = new Set<string>();
  const pool = adapter.underlyingDriver();
  const query: (config: pg.QueryConfig) => Promise<pg.QueryResult | pg.QueryResult[]> = pool.query.bind(pool);
  const noting = async (config: pg.QueryConfig) => {
    const result = await query(config);
    for (const field of [result].flat().flatMap(({ fields }) => fields)) {
      if (field.dataTypeID === pg.types.builtins.CHAR) {
        columns.add(field.name);
        field.dataTypeID = pg.types.builtins.TEXT;
      }
    }
    return result;
  };
  pool.query = noting as typeof pool.query;
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (sql) => {
    const { columnNames, columnTypes, rows } = await queryRaw(sql);
    const types = columnTypes.map((type, i) =>
      columns.has(columnNames[i] ?? '') ? ColumnTypeEnum.Character : type,
    );
    return { columnNames, columnTypes: types, rows };
  };
}

/** Answers the one question the engine asks on connecting, so that two schemas can be compared on paper. */
export function noDatabase(): Connections {
  const factory = mockMigrationAwareAdapterFactory('postgres');
  const connect = async () => ({
    ...(await factory.connect()),
    getConnectionInfo: () => ({ schemaName: SCHEMA, supportsRelationJoins: true }),
    queryRaw: async () => ({
      columnNames: ['exists', 'version', 'numeric_version'],
      columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
      rows: [[true, 'PostgreSQL 18.0', 180000]],
    }),
    dispose: async () => undefined,
  });
  return { ...factory, connect, close: async () => undefined };
}

/** The part of WebAssembly needed here: TypeScript has its types only together with those of a browser. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: object,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
};

type Engine = typeof import('@prisma/schema-engine-wasm');
type Glue = Engine & { __wbg_set_wasm(exports: object): void };
let engine: Promise<Engine> | undefined;

/** Loads the WebAssembly by hand, once: the package's own entry imports a `.wasm` file, which only a bundler can do. */
function loadEngine(): Promise<Engine> {
  engine ??= (async () => {
    const path = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
    const glue: Glue = await import(pathToFileURL(path).href);
    // A panic leaves a promise that never settles; this way it at least ends the process with the reason.
    const panicked = (message: string) => {
      throw new Error(`Prisma's schema engine panicked: ${message}`);
    };
    Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: panicked } });
    const wasm = await readFile(path.replace(/\.js$/, '.wasm'));
    const { instance } = await WebAssembly.instantiate(wasm, {
      './schema_engine_bg.js': withLooseTimers(glue),
    });
    glue.__wbg_set_wasm(instance.exports);
    instance.exports.__wbindgen_start();
    return glue;
  })();
  return engine;
}

/** The engine never clears the ten-second timer of its lock, which would keep the process alive for that long. */
function withLooseTimers(glue: Glue): Record<string, unknown> {
  const imports: Record<string, unknown> = { ...glue };
  const name = Object.keys(imports).find((key) => key.startsWith('__wbg_setTimeout_'));
  if (name !== undefined) {
    imports[name] = (callback: () => void, delay: number) => setTimeout(callback, delay).unref();
  }
  return imports;
}
