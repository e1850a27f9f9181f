import { createHttpApp } from '@fluxo/shared/http/app'
import { serveHttp } from '@fluxo/shared/http/server'
import { signToken } from '@fluxo/shared/http/tokens'
import type { LimitsEnv } from '@fluxo/shared/ratelimit/settings'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { createServiceDatabase, uniquePrefix } from '@fluxo/tests/stage/databases'
import { Registry } from 'prom-client'
import type { AvisosOptions } from '../src/avisar/avisos.ts'
import type { FluxoOptions } from '../src/fluir/fluir.ts'
import { createInstance, SECRET } from './instance.ts'
import { json, type PedidoAnswer } from './test-app.ts'

const SCOPES = ['entregas:escrever', 'entregas:ler']
const log = createLogger({ service: 'teste', level: 'silent' })

type ClusterOptions = {
  fluxo?: FluxoOptions
  /** By which way the instances reach the database; straight, by default. */
  route?: (databaseUrl: string) => string
}

/** A database of entregas and as many whole instances on it as a test opens, each behind the HTTP application of a process. */
export async function createCluster(options: ClusterOptions = {}) {
  const { fluxo = { automatic: false, delayMs: 0 }, route: path = (url) => url } = options
  const database = await createServiceDatabase('entregas')
  const streamPrefix = uniquePrefix('pedidos')
  const opened: { close: () => Promise<void> }[] = []

  const open = async (
    instance: string,
    avisos: AvisosOptions = { allowsLoopback: true, pollMs: 20 },
    limits?: LimitsEnv,
  ) => {
    const node = await createInstance({
      databaseUrl: path(database.appUrl),
      streamPrefix,
      instance,
      fluxo,
      avisos,
      ...(limits && { limits }),
    })
    const app = createHttpApp({
      modules: [node.module],
      registry: new Registry(),
      log,
      leaving: () => false,
      started: () => true,
    })
    const server = await serveHttp({ app, port: 0, hostname: '127.0.0.1', log })
    const url = `http://127.0.0.1:${server.port}`
    const close = async () => {
      const stopped = server.stop(1_000)
      node.module.leave?.()
      await stopped
      await node.close()
    }
    opened.push({ close })
    const askAs = async (comercianteId: string, scopes: readonly string[] = SCOPES) => {
      const token = await signToken({ secret: SECRET, comercianteId, scopes, expiresInSeconds: 600 })
      return async (target: string, init: RequestInit = {}): Promise<Response> =>
        fetch(url + target, {
          ...init,
          headers: { ...Object.fromEntries(new Headers(init.headers)), authorization: `Bearer ${token}` },
        })
    }
    /** Cuts every connection, as the end of a killed process does. */
    const cut = () => server.stop(0)
    return { ...node, url, askAs, close, cut }
  }
  return {
    database,
    streamPrefix,
    open,
    close: async () => {
      await Promise.all(opened.map((node) => node.close()))
      await database.drop()
    },
  }
}

export type Cluster = Awaited<ReturnType<typeof createCluster>>
export type Instance = Awaited<ReturnType<Cluster['open']>>
export type Ask = Awaited<ReturnType<Instance['askAs']>>

/** Receives an order and gives its id. */
export const receber = async (ask: Ask, fields: object = {}): Promise<string> => {
  const answer = await ask('/orders', json({ customer_name: 'Ana', address: 'Rua A, 1', ...fields }))
  if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as PedidoAnswer).id
}

/** Moves an order. */
export const mover = async (ask: Ask, id: string, status: string, fields: object = {}): Promise<void> => {
  const answer = await ask(`/orders/${id}/transitions`, json({ status, ...fields }))
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`)
}
