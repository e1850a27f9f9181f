import type { FeedClient } from '@fluxo/shared/repair/feed-client'
import { chaveDoSaldo } from '../domain/saldo.ts'
import type { Dia } from '../projetar/saldo-store.ts'
import { avancar, TOCADOS_MAX } from './avancar.ts'
import { createCauda } from './cauda.ts'
import type { ConferenciaStore, Instante, Par } from './conferencia-store.ts'
import { conferirDia, conferirMarca, type Diferenca, type MarcaCrua, type Soma } from './verificar.ts'

export type ConferirDeps = {
  store: ConferenciaStore
  feed: FeedClient
  particoes: number
  /** Compares cached days with their rows; gives nothing while Redis is away. */
  conferirCache: (dias: readonly Dia[]) => Promise<Diferenca[]>
}

/** What one round found, and how far it came. */
export type Rodada = {
  diferencas: Diferenca[]
  /** Days compared. */
  dias: number
  /** Entries that are applied and not added up yet, by partition; above 0 the days were not compared. */
  atrasos: Map<number, number>
  /** Positions that the ledger lacks, of all that was read. */
  faltas: number
}

/** Days compared by one statement. */
const TRECHO_DIAS = 5_000
/** For walking through all days: what is left is compared in the next round. */
const TRECHOS_MS = 1_000
/** Of the touched days, those that are looked up in the cache. */
const EM_CACHE_MAX = 200
/** Days known to differ that are looked at in every round until they agree. */
const SUSPEITOS_MAX = 1_000

/**
 * The integrity check by increments (docs/decisions/0009).
 *
 * Sums of the ledger by merchant and day are kept in tables of the check's own (`conferencia`), each entry read once
 * through the feed; a round adds up what is new, then compares with the balances: first the days that were touched and
 * those that differed before, then all days in turn, as far as its time goes. Balances, inbox and sums are read in one
 * snapshot, and entries that are in one and not yet in the other are added up in memory; no transaction is open while
 * the ledger is asked.
 */
export function createConferir(deps: ConferirDeps): (signal: AbortSignal) => Promise<Rodada> {
  const suspeitos = new Map<string, Dia>()
  let depoisDe: Dia | undefined

  return async (signal) => {
    const { store, particoes } = deps
    const primeiro = await store.dias([])
    const achadas: Diferenca[] = []
    const tocados = new Map<string, Dia>()
    const atrasos = new Map<number, number>()
    for (const marca of primeiro.foto.marcas.slice(0, particoes)) {
      // Before its first event there is nothing to compare, and no epoch to compare it under.
      if (marca.epoca === null) continue
      const daMarca = await olharMarca(deps, marca)
      achadas.push(...daMarca)
      // Another log: it is told, and the days are not compared with what they do not come from.
      if (daMarca.some(({ tipo }) => tipo === 'epoca')) return rodada(achadas, 0, atrasos, primeiro)
      const atraso = await avancar(deps, { marca, epoca: marca.epoca, primeiro, tocados, signal })
      if (atraso > 0) atrasos.set(marca.particao, atraso)
    }
    if (atrasos.size > 0) return rodada(achadas, 0, atrasos, primeiro)

    const cauda = createCauda(deps.feed)
    const comparar = async (instante: Instante): Promise<Diferenca[]> => {
      const extra = await cauda.ate(instante)
      return instante.pares.flatMap((par) => compararPar(par, extra(par), instante.foto.geracao))
    }
    const primeiros = [...new Map([...suspeitos, ...tocados]).values()].slice(0, TOCADOS_MAX)
    let ultimo = await store.dias(primeiros)
    let { dias } = ultimo
    achadas.push(...(await comparar(ultimo)))
    for (const fim = performance.now() + TRECHOS_MS; performance.now() < fim && !signal.aborted; ) {
      ultimo = await store.trecho(depoisDe, TRECHO_DIAS)
      achadas.push(...(await comparar(ultimo)))
      dias += ultimo.dias
      depoisDe = ultimo.ate
      if (depoisDe === undefined) break
    }
    achadas.push(...(await deps.conferirCache(primeiros.slice(0, EM_CACHE_MAX))))
    const todas = semRepetir(achadas)
    suspeitos.clear()
    for (const d of todas) {
      if ('comercianteId' in d && suspeitos.size < SUSPEITOS_MAX)
        suspeitos.set(chaveDoSaldo(d.comercianteId, d.data), d)
    }
    return rodada(todas, dias, atrasos, ultimo)
  }
}

const rodada = (
  diferencas: Diferenca[],
  dias: number,
  atrasos: Map<number, number>,
  { conferidas }: Instante,
): Rodada => {
  return { diferencas, dias, atrasos, faltas: conferidas.reduce((soma, { faltas }) => soma + faltas, 0) }
}

const semRepetir = (achadas: readonly Diferenca[]): Diferenca[] => {
  const onde = (d: Diferenca) => ('comercianteId' in d ? `${d.comercianteId} ${d.data}` : `${d.particao} ${d.motivo}`)
  return [...new Map(achadas.map((d) => [`${d.tipo} ${onde(d)}`, d])).values()]
}

async function olharMarca({ feed }: ConferirDeps, marca: MarcaCrua): Promise<Diferenca[]> {
  const { particao, ultimaPosicao } = marca
  const page = await feed.page({ particao, depoisDe: Math.max(0, ultimaPosicao - 1), limite: 1 })
  const [evento] = page.eventos
  const id = (evento?.evento as { id?: unknown } | undefined)?.id
  const idNaUltima = evento?.posicao === ultimaPosicao && typeof id === 'string' ? id : undefined
  return conferirMarca(marca, { epoca: page.epoca, ultima: page.ultima, idNaUltima })
}

function compararPar(par: Par, extra: Soma | undefined, geracao: number): Diferenca[] {
  const { conferida, saldo } = par
  const razao = {
    creditos: conferida.creditos + (extra?.creditos ?? 0n),
    debitos: conferida.debitos + (extra?.debitos ?? 0n),
    quantidade: conferida.quantidade + (extra?.quantidade ?? 0),
  }
  return conferirDia(par, razao, saldo, geracao)
}
