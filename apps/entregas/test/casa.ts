import { migrate } from '@fluxo/drizzle/migrate'
import { createHttpApp } from '@fluxo/shared/http/app'
import { serveHttp } from '@fluxo/shared/http/server'
import { signToken } from '@fluxo/shared/http/tokens'
import type { LimitesEnv } from '@fluxo/shared/ratelimit/settings'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { createDatabase, uniquePrefix } from '@fluxo/tests/stage/databases'
import { Registry } from 'prom-client'
import type { AvisosOptions } from '../src/avisar/avisos.ts'
import type { FluxoOptions } from '../src/fluir/fluir.ts'
import { json, type PedidoLido } from './bancada.ts'
import { createInstancia, SEGREDO } from './instancia.ts'

const ESCOPOS = ['entregas:escrever', 'entregas:ler']
const log = createLogger({ service: 'teste', level: 'silent' })

type CasaOptions = {
  fluxo?: FluxoOptions
  /** By which way the instances reach the database; straight, by default. */
  caminho?: (databaseUrl: string) => string
}

/** A database of entregas and as many whole instances on it as a test opens, each behind the HTTP application of a process. */
export async function createCasa(options: CasaOptions = {}) {
  const { fluxo = { automatico: false, atrasoMs: 0 }, caminho = (url) => url } = options
  const database = await createDatabase({ role: 'entregas', migrate: (url) => migrate({ database: 'entregas', url }) })
  const streamPrefix = uniquePrefix('pedidos')
  const abertas: { fechar: () => Promise<void> }[] = []

  const abrir = async (
    instancia: string,
    avisos: AvisosOptions = { permiteLoopback: true, pollMs: 20 },
    limites?: LimitesEnv,
  ) => {
    const uma = await createInstancia({
      databaseUrl: caminho(database.appUrl),
      streamPrefix,
      instancia,
      fluxo,
      avisos,
      ...(limites && { limites }),
    })
    const app = createHttpApp({
      modules: [uma.modulo],
      registry: new Registry(),
      log,
      leaving: () => false,
      started: () => true,
    })
    const server = await serveHttp({ app, port: 0, hostname: '127.0.0.1', log })
    const url = `http://127.0.0.1:${server.port}`
    const fechar = async () => {
      const fechado = server.stop(1_000)
      uma.modulo.leave?.()
      await fechado
      await uma.fechar()
    }
    abertas.push({ fechar })
    const como = async (comercianteId: string, scopes: readonly string[] = ESCOPOS) => {
      const token = await signToken({ secret: SEGREDO, comercianteId, scopes, expiresInSeconds: 600 })
      return async (qual: string, init: RequestInit = {}): Promise<Response> =>
        fetch(url + qual, {
          ...init,
          headers: { ...Object.fromEntries(new Headers(init.headers)), authorization: `Bearer ${token}` },
        })
    }
    /** Cuts every connection, as the end of a killed process does. */
    const cortar = () => server.stop(0)
    return { ...uma, url, como, fechar, cortar }
  }
  return {
    database,
    streamPrefix,
    abrir,
    fechar: async () => {
      await Promise.all(abertas.map((uma) => uma.fechar()))
      await database.drop()
    },
  }
}

export type Casa = Awaited<ReturnType<typeof createCasa>>
export type Instancia = Awaited<ReturnType<Casa['abrir']>>
export type Pedir = Awaited<ReturnType<Instancia['como']>>

/** Receives an order and gives its id. */
export const receber = async (pedir: Pedir, campos: object = {}): Promise<string> => {
  const resposta = await pedir('/orders', json({ customer_name: 'Ana', address: 'Rua A, 1', ...campos }))
  if (resposta.status !== 201) throw new Error(`${resposta.status}: ${await resposta.text()}`)
  return ((await resposta.json()) as PedidoLido).id
}

/** Moves an order. */
export const mover = async (pedir: Pedir, id: string, status: string, campos: object = {}): Promise<void> => {
  const resposta = await pedir(`/orders/${id}/transitions`, json({ status, ...campos }))
  if (resposta.status !== 200) throw new Error(`${resposta.status}: ${await resposta.text()}`)
}
