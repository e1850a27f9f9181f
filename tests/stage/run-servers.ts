import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { ensureRole } from '../../scripts/local/ensure-database.ts'
import { startPostgres } from '../../scripts/local/postgres.ts'
import { startRedis } from '../../scripts/local/redis.ts'
import { ROLE_PASSWORD, SERVICE_NAMES } from './services.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser URL of the run's PostgreSQL, on the database `postgres`. */
    postgresUrl: string
    redisUrl: string
  }
}

type Servers = { postgresUrl: string; redisUrl: string; stop: () => Promise<void> }

const start = async (): Promise<Servers> => {
  const dir = await mkdtemp(join(tmpdir(), 'fluxo-test-'))
  const [postgres, redis] = await Promise.all([
    startPostgres({
      dataDir: join(dir, 'postgres'),
      durable: false,
      ownGroup: false,
      settings: { max_connections: '400' },
    }),
    startRedis({ dir: join(dir, 'redis'), appendonly: false, ownGroup: false }),
  ])
  // Before any migration: two that made the same role at once would fail each other.
  for (const role of SERVICE_NAMES) await ensureRole(postgres.url(), role, ROLE_PASSWORD)
  const stop = async () => {
    await Promise.all([postgres.stop(), redis.stop()])
    await rm(dir, { recursive: true, force: true })
  }
  return { postgresUrl: postgres.url(), redisUrl: redis.url, stop }
}

/** One pair of servers for the whole run: each project of vitest loads this module for itself, so the memo is global. */
const memo = globalThis as typeof globalThis & { fluxoTestServers?: { servers: Promise<Servers>; users: number } }

/** vitest's globalSetup: one PostgreSQL and one Redis on free ports for the run, ended by pid when the last project is done. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  memo.fluxoTestServers ??= { servers: start(), users: 0 }
  const shared = memo.fluxoTestServers
  shared.users += 1
  const servers = await shared.servers
  project.provide('postgresUrl', servers.postgresUrl)
  project.provide('redisUrl', servers.redisUrl)
  return async () => {
    shared.users -= 1
    if (shared.users > 0) return
    delete memo.fluxoTestServers
    await servers.stop()
  }
}
