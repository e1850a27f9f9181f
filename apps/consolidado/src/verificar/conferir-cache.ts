import { setTimeout as delay } from 'node:timers/promises'
import { createServerRun } from '@fluxo/shared/cache/server-run'
import { parseStored } from '@fluxo/shared/cache/set-if-newer'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Redis } from 'ioredis'
import { chaveDoSaldo, type Saldo, saldoJson, saldoVazio } from '../domain/saldo.ts'
import { type Dia, lerDias } from '../projetar/saldo-store.ts'
import { conferirEmCache, type Diferenca, diz, type EmCache } from './verificar.ts'

export type ConferirCacheDeps = {
  redis: Redis
  /** Keys are `<prefix>:{<comerciante>}:<data>`. */
  prefix: string
  /** On the database `consolidado`. */
  sql: Sql
  /** How long a value that is behind may take to be written: the write-through follows the commit. */
  atrasoMs?: number
}

/** Keys asked for at once. */
const KEYS_AT_ONCE = 500
const SCAN_COUNT = 1_000
/** Longer than a write that failed is repeated for, on a busy machine. */
const ATRASO_MS = 5_000
const LOOK_EVERY_MS = 100
const CHAVE = /:\{([A-Za-z0-9._-]{1,64})\}:(\d{4}-\d\d-\d\d)$/

/** The days that the cache holds, `limite` of them at most. */
export async function diasEmCache(
  { redis, prefix }: ConferirCacheDeps,
  { limite, comercianteId = '*' }: { limite: number; comercianteId?: string | undefined },
): Promise<Dia[]> {
  const dias = new Map<string, Dia>()
  for await (const keys of redis.scanStream({ match: `${prefix}:{${comercianteId}}:*`, count: SCAN_COUNT })) {
    for (const key of keys as string[]) {
      const [, dono, data] = CHAVE.exec(key) ?? []
      if (dono !== undefined && data !== undefined) dias.set(key, { comercianteId: dono, data })
      if (dias.size >= limite) return [...dias.values()]
    }
  }
  return [...dias.values()]
}

/**
 * Compares cached days with their rows: never newer, and the same where the version is. Gives how many of the days were
 * in the cache. What was written under another run of the server is not served as current, so it is left out.
 */
export async function conferirCache(
  deps: ConferirCacheDeps,
  dias: readonly Dia[],
): Promise<{ vistos: number; diferencas: Diferenca[] }> {
  const { redis, atrasoMs = ATRASO_MS } = deps
  const serverRun = createServerRun(redis)
  const run = await serverRun.known()
  serverRun.close()
  const diferencas: Diferenca[] = []
  let vistos = 0
  for (let de = 0; de < dias.length; de += KEYS_AT_ONCE) {
    let pendentes = await comparar(deps, run, dias.slice(de, de + KEYS_AT_ONCE))
    vistos += pendentes.vistos
    diferencas.push(...pendentes.erradas)
    // What was behind a moment ago: only the version that its row had then is waited for, newer ones may follow.
    const devidas = new Map(pendentes.atrasados.map((um) => [chaveDoSaldo(um.dia.comercianteId, um.dia.data), um]))
    for (const fim = performance.now() + atrasoMs; devidas.size > 0 && performance.now() < fim; ) {
      await delay(LOOK_EVERY_MS)
      pendentes = await comparar(
        deps,
        run,
        [...devidas.values()].map(({ dia }) => dia),
      )
      const ainda = new Map(pendentes.atrasados.map((um) => [chaveDoSaldo(um.dia.comercianteId, um.dia.data), um]))
      for (const [chave, { saldo }] of devidas) {
        const agora = ainda.get(chave)
        if (agora === undefined || agora.emCache.versao >= saldo.versao) devidas.delete(chave)
      }
      diferencas.push(...pendentes.erradas)
    }
    for (const { dia, emCache, saldo } of devidas.values()) {
      diferencas.push({ tipo: 'cache', ...dia, motivo: diz(emCache, saldoJson(saldo)) })
    }
  }
  return { vistos, diferencas }
}

type Atrasado = { dia: Dia; emCache: EmCache; saldo: Saldo }

async function comparar({ redis, prefix, sql }: ConferirCacheDeps, run: string, dias: readonly Dia[]) {
  const chaves = dias.map(({ comercianteId, data }) => chaveDoSaldo(comercianteId, data))
  // The cache first and the rows after it: only so must the cache not be the newer one.
  const textos = await Promise.all(chaves.map((chave) => redis.get(`${prefix}:${chave}`)))
  const linhas = await lerDias(sql, dias)
  const [projecao] = await sql.unsafe<{ geracao: number }[]>('select geracao from projecao')
  const porChave = new Map(linhas.map((saldo) => [chaveDoSaldo(saldo.comercianteId, saldo.data), saldo]))
  const erradas: Diferenca[] = []
  const atrasados: Atrasado[] = []
  let vistos = 0
  for (const [i, dia] of dias.entries()) {
    const texto = textos[i]
    if (texto === null || texto === undefined) continue
    vistos += 1
    const emCache = parseStored(texto)
    if (emCache === undefined) erradas.push({ tipo: 'cache', ...dia, motivo: 'cached as something that is no entry' })
    if (emCache?.run !== run) continue
    const vazio = saldoVazio(dia.comercianteId, dia.data, projecao?.geracao ?? 0)
    const saldo = porChave.get(chaves[i] ?? '') ?? vazio
    const juizo = conferirEmCache(emCache, saldo)
    if (juizo.estado === 'errado') erradas.push({ tipo: 'cache', ...dia, motivo: juizo.motivo })
    if (juizo.estado === 'atrasado') atrasados.push({ dia, emCache, saldo })
  }
  return { vistos, erradas, atrasados }
}
