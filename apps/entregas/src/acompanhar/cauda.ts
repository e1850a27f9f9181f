import { setTimeout as delay } from 'node:timers/promises'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { backoffMs } from '@fluxo/shared/stream/backoff'
import { streamKey } from '@fluxo/shared/stream/keys'
import { streamInfo } from '@fluxo/shared/stream/publisher'
import { batchOf, flatField } from '@fluxo/shared/stream/reply'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Redis } from 'ioredis'
import { createAlarme } from '../alarme.ts'

type CaudaDeps = {
  redis: RedisConnections
  streamPrefix: string
  particoes: number
  /** Gets the JSON text of each new event, with its position. */
  onEvento: (posicao: number, body: string) => void
  /** True where somebody wants to hear; where nobody does, nothing is read. */
  procurada: () => boolean
  /** Hears that reading (re)begins: what happened before may have been missed. */
  onInicio: () => void
  log: Logger
}

type Cauda = {
  start: () => void
  /** Says that somebody wants to hear now. */
  acordar: () => void
  stop: () => Promise<void>
}

/** A finite BLOCK bounds a lost wake-up, and how long a stop waits where Redis is gone. */
const BLOCK_MS = 2_000
/** Entries of one read. */
const COUNT_MAX = 500
/** The reply to a blocked read that is this late will not come: the connection is half open. */
const GRACA_MS = 1_000

/** A bell that was missed is a minute late at most. */
const OCIOSO_MS = 60_000

type Ids = Map<string, string>

/**
 * Reads the end of the orders' streams: every instance sees every event. No group: nothing is remembered and nothing acked, and what
 * is missed while Redis is away is somebody else's to read from PostgreSQL (`onInicio`).
 */
export function createCauda(deps: CaudaDeps): Cauda {
  const { redis, streamPrefix, particoes, onEvento, procurada, onInicio, log } = deps
  const keys = Array.from({ length: particoes }, (_, particao) => streamKey(streamPrefix, particao))
  const parando = new AbortController()
  const alarme = createAlarme()
  let leitor: Redis | undefined

  const ler = async (conexao: Redis, ids: Ids): Promise<void> => {
    const leitura = conexao.xread(
      'COUNT',
      COUNT_MAX,
      'BLOCK',
      BLOCK_MS,
      'STREAMS',
      ...keys,
      ...keys.map((key) => ids.get(key) ?? '0-0'),
    )
    const resposta = await comLimite(leitura, BLOCK_MS + GRACA_MS)
    if (resposta === null) await conferirFim(conexao, ids)
    for (const [key, entradas] of resposta ?? []) {
      const { entries, ids: lidos } = batchOf(entradas)
      for (const { posicao, body } of entries) onEvento(posicao, body)
      const ultimo = lidos.at(-1)
      if (ultimo !== undefined) ids.set(key, ultimo)
    }
  }
  /** A stream that ends before our place is another one: Redis lost it, or its log began anew. It is read from its beginning. */
  const conferirFim = async (conexao: Redis, ids: Ids): Promise<void> => {
    for (const key of keys) {
      const fim = await fimDe(conexao, key)
      if (menor(fim, ids.get(key) ?? '0-0')) ids.set(key, '0-0')
    }
  }
  const sessao = async (): Promise<void> => {
    const conexao = redis.blocking()
    leitor = conexao
    try {
      const ids: Ids = new Map()
      for (const key of keys) ids.set(key, await comLimite(fimDe(conexao, key), BLOCK_MS + GRACA_MS))
      onInicio()
      while (procurada() && !parando.signal.aborted) await ler(conexao, ids)
    } finally {
      conexao.disconnect()
    }
  }
  const correr = async (): Promise<void> => {
    let falhas = 0
    while (!parando.signal.aborted) {
      const inicio = performance.now()
      try {
        if (procurada()) await sessao()
        else await alarme.esperar(OCIOSO_MS, parando.signal)
      } catch (error) {
        if (parando.signal.aborted) return
        falhas = performance.now() - inicio > BLOCK_MS ? 1 : falhas + 1
        if (falhas === 1) log.warn({ err: error }, 'live events are read from the database for now')
        await delay(backoffMs(falhas, Math.random()), undefined, { signal: parando.signal }).catch(() => {})
      }
    }
  }
  let running: Promise<void> | undefined
  return {
    start: () => {
      running ??= correr()
    },
    acordar: alarme.tocar,
    stop: async () => {
      parando.abort()
      leitor?.disconnect()
      await running
    },
  }
}

async function fimDe(conexao: Redis, key: string): Promise<string> {
  const info = await streamInfo(conexao, key)
  return info === undefined ? '0-0' : String(flatField(info, 'last-generated-id'))
}

const menor = (a: string, b: string): boolean => Number(a.split('-')[0]) < Number(b.split('-')[0])

async function comLimite<T>(trabalho: Promise<T>, ms: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no reply from Redis within ${ms} ms`)), ms)
  try {
    return await Promise.race([trabalho, promise])
  } finally {
    clearTimeout(timer)
  }
}
