import { setTimeout as delay } from 'node:timers/promises'
import type { VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { type Marca, prepareParticoes, readMarcas } from '@fluxo/shared/inbox/marca'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import type { Tx } from '@fluxo/shared/postgres/transactions'
import type { FeedClient } from '@fluxo/shared/repair/feed-client'
import { entradaDeCache } from '../projetar/projecao.ts'
import { type Diferenca, diferencas } from './comparar.ts'
import { createGeracaoStore } from './geracao-store.ts'
import { createSombra, type Sombra } from './sombra.ts'
import { apagarOutras, segurar, soltar, trocar } from './trocar.ts'

type ReconstruirDeps = {
  /** The service's own role on the database `consolidado`. */
  databaseUrl: string
  feed: FeedClient
  particoes: number
  /** Without it, days that the rebuild changed are served from the cache until their life ends. */
  cache?: Pick<VersionedCache, 'setIfNewer'>
  /** Hears of progress: entries read so far, and milliseconds since the start. */
  onProgress?: (progresso: { entradas: number; ms: number }) => void
}

export type Reconstrucao = {
  geracao: number
  entradas: number
  ms: number
  /** Milliseconds during which the projection stood still; reads never did. */
  paradaMs: number
  /** Events that cannot be applied: dead letters. */
  ilegiveis: number
  /** Days whose amounts are not as before, and the first of them. */
  diferentes: number
  diferencas: Diferenca[]
}

/** One rebuild at a time. */
const REBUILD_LOCK = 7_264_203
/** Comparing and deleting generations of millions of days takes its time; nobody waits for it. */
const STATEMENT_TIMEOUT_MS = 600_000
/** Rounds of catching up before the projection is stopped: each is shorter than the one before. */
const ROUNDS_MAX = 5
/** What may be left to read while the projection stands still: a page, some 100 ms. */
const REST_MAX = 5_000
/** A hole closes as soon as the other batch under way is applied; one that stays is not waited for. */
const HOLDS_MAX = 20
const HOLD_AGAIN_MS = 25
/** Differences told one by one. */
const DIFERENCAS_MAX = 100

/**
 * Builds the projection anew from position 0 of the ledger, beside the one that is read, and swaps them (DESIGN part 6).
 *
 * The new generation is filled to where the projection stands; then the projection is held, the rest is read with no
 * transaction open, and one transaction swaps generation and inbox. It reads exactly what had been applied, so that the
 * two must be equal, unless the log was exchanged: then all of the new one. Rejects where the ledger ends before what
 * was applied; then nothing has changed.
 */
export async function reconstruir(deps: ReconstruirDeps): Promise<Reconstrucao> {
  const { databaseUrl: url } = deps
  const limites = { max: 1, statementTimeoutMs: STATEMENT_TIMEOUT_MS }
  const pool = createSql({ url, name: 'reconstruir', ...limites })
  // `fetchTypes`, without which postgres.js never hands a new connection to `reserve()` (see createTransactions).
  const fechado = createSql({ url, name: 'reconstruir troca', fetchTypes: true, ...limites })
  let conexao: Awaited<ReturnType<Sql['reserve']>> | undefined
  try {
    conexao = await fechado.reserve()
    const [row] = await conexao<{ won: boolean }[]>`select pg_try_advisory_lock(${REBUILD_LOCK}, 0) as won`
    if (row?.won !== true) throw new Error('another rebuild is running')
    return await construir(deps, pool, conexao)
  } finally {
    conexao?.release()
    // Closing the connection also gives back whatever locks an error left.
    await Promise.all([closeSql(pool), closeSql(fechado)])
  }
}

async function construir(deps: ReconstruirDeps, pool: Sql, conexao: Tx): Promise<Reconstrucao> {
  const { feed, particoes, onProgress = () => {} } = deps
  const inicio = performance.now()
  const desde = (instante: number) => performance.now() - instante
  await prepareParticoes(pool, particoes)
  const store = createGeracaoStore(pool)
  const { atual, nova } = await store.geracoes()
  // What an earlier rebuild left behind when it was stopped.
  await store.apagarOutras(atual)

  let entradas = 0
  const onEntradas = (quantidade: number) => {
    entradas += quantidade
    onProgress({ entradas, ms: desde(inicio) })
  }
  const sombras = Array.from({ length: particoes }, (_, particao) =>
    createSombra({ feed, store, geracao: nova, particao, onEntradas }),
  )
  for (const sombra of sombras) await sombra.reconhecer()
  await alcancar(pool, sombras)

  const parada = performance.now()
  await segurarSemBuracos(pool, conexao, particoes)
  try {
    await completar(await readMarcas(pool), sombras)
    await trocar(conexao, nova, sombras)
    // A snapshot of the moment of the swap, to compare at leisure while the projection goes on.
    await conexao`begin isolation level repeatable read read only`
    await conexao`select 1 from projecao`
  } finally {
    await soltar(conexao, particoes).catch(() => {})
  }
  const paradaMs = desde(parada)
  const mudou = await contar(deps, conexao, atual, nova)
  await conexao`commit`
  await apagarOutras(conexao, nova)
  const ilegiveis = sombras.reduce((soma, sombra) => soma + sombra.ilegiveis.length, 0)
  return { geracao: nova, entradas, ms: desde(inicio), paradaMs, ilegiveis, ...mudou }
}

/** Whether the projection follows the very log that the feed tells, so that the two generations can be compared. */
const mesmoLog = (marca: Marca, sombra: Sombra): boolean => marca.divergente === null && marca.epoca === sombra.epoca

/** Where the new generation has to go: as far as the old one, or to the head of another log. */
const alvoDe = (marca: Marca | undefined, sombra: Sombra): number | undefined =>
  marca !== undefined && mesmoLog(marca, sombra) ? marca.ultimaPosicao : undefined

/** Reads until little is left; the projection goes on meanwhile. */
async function alcancar(pool: Sql, sombras: readonly Sombra[]): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const marcas = await readMarcas(pool)
    let lidas = 0
    for (const sombra of sombras) {
      const antes = sombra.posicao
      const marca = marcas[sombra.particao]
      await sombra.avancar(alvoDe(marca, sombra))
      await sombra.gravar()
      lidas += sombra.posicao - antes
    }
    if (lidas <= REST_MAX) return
  }
}

/**
 * Holds the projection at a moment without holes, if there is one: entries that are missing below the last one applied
 * would be in the new generation only, and its days would be told as changed.
 */
async function segurarSemBuracos(pool: Sql, conexao: Tx, particoes: number): Promise<void> {
  for (let vez = 1; ; vez += 1) {
    await segurar(conexao, particoes)
    const inteira = (await readMarcas(pool)).every(
      ({ buracos, divergente }) => buracos.length === 0 || divergente !== null,
    )
    if (inteira || vez === HOLDS_MAX) return
    await soltar(conexao, particoes)
    await delay(HOLD_AGAIN_MS)
  }
}

/** Reads the rest while the projection is held. */
async function completar(marcas: readonly Marca[], sombras: readonly Sombra[]): Promise<void> {
  for (const sombra of sombras) {
    const alvo = alvoDe(marcas[sombra.particao], sombra)
    await sombra.avancar(alvo)
    await sombra.gravar()
    if (alvo !== undefined && sombra.posicao < alvo) {
      const { particao, posicao } = sombra
      throw new Error(`partition ${particao}: the ledger ends at ${posicao}, before ${alvo}, which was applied`)
    }
  }
}

/** Counts what changed and puts the cache right. A day that is gone becomes a cached zero, newer than what it replaces. */
async function contar({ cache }: ReconstruirDeps, conexao: Tx, atual: number, nova: number) {
  const primeiras: Diferenca[] = []
  let diferentes = 0
  for await (const portion of diferencas(conexao, atual, nova)) {
    diferentes += portion.length
    primeiras.push(...portion.slice(0, DIFERENCAS_MAX - primeiras.length))
    await cache?.setIfNewer(portion.map(({ depois }) => entradaDeCache(depois)))
  }
  return { diferentes, diferencas: primeiras }
}
