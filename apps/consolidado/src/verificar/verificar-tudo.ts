import { particaoDe } from '@fluxo/shared/log/particao'
import type { Publisher } from '@fluxo/shared/log/publisher'
import type { FeedClient } from '@fluxo/shared/repair/feed-client'
import type { Lancado } from '../projetar/efeito.ts'
import { type ConferirCacheDeps, conferirCache, diasEmCache } from './conferir-cache.ts'
import { type Foto, type Recorte, tirarFoto } from './foto.ts'
import { type Leitura, lerRazao } from './ler-razao.ts'
import {
  conferirDia,
  conferirMarca,
  type Diferenca,
  estaAplicada,
  type MarcaCrua,
  type SaldoGuardado,
  type Soma,
  semNada,
} from './verificar.ts'

/** How far the relay says it has published, and the head of the same moment: read where the ledger's database may be. */
export type CursorDoRelay = { particao: number; cursor: number; ultima: number }

type VerificarDeps = {
  /** The service's own role on the database `consolidado`. */
  databaseUrl: string
  feed: FeedClient
  recorte?: Recorte
  /** Without it nothing of Redis is looked at. */
  cache?: ConferirCacheDeps & { stream: Pick<Publisher, 'tail'>; amostra: number }
  /** For who may read the ledger's database. */
  cursores?: (() => Promise<CursorDoRelay[]>) | undefined
  onProgress?: (progresso: { entradas: number; ms: number }) => void
}

export type Verificacao = {
  diferencas: Diferenca[]
  entradas: number
  dias: number
  emCache: number
  ms: number
}

type Dia = { comercianteId: string; data: string; razao: Soma; saldo: SaldoGuardado | undefined }

/**
 * Re-derives the balances from the ledger and compares everything that is stored.
 *
 * The services go on meanwhile: the balances are read in one snapshot, with the inbox of the same moment, and the ledger
 * is added up over exactly the positions that this inbox holds. Memory grows with the number of merchants' days only,
 * some 0.4 KB each. Rejects where the ledger or the database does not answer.
 */
export async function verificarTudo(deps: VerificarDeps): Promise<Verificacao> {
  const { feed, databaseUrl, recorte = {}, onProgress = () => {} } = deps
  const inicio = performance.now()
  const desde = () => performance.now() - inicio
  const { particoes = 1 } = await feed.page({ particao: 0, depoisDe: 0, limite: 1 })
  const livro = createLivro(recorte)
  const foto = await tirarFoto(databaseUrl, recorte, livro.guardar)

  const diferencas: Diferenca[] = []
  let entradas = 0
  const { comercianteId } = recorte
  const unica = comercianteId === undefined ? undefined : particaoDe(comercianteId, particoes)
  for (let particao = 0; particao < particoes; particao += 1) {
    if (unica !== undefined && unica !== particao) continue
    const marca = foto.marcas.find((uma) => uma.particao === particao) ?? vazia(particao)
    const puladas = foto.puladas.get(particao) ?? new Set()
    const leitura = await lerRazao(
      feed,
      { particao },
      ({ posicao, lancado }) => {
        if (lancado && estaAplicada(marca, posicao) && !puladas.has(posicao)) livro.somar(lancado)
      },
      (lidos) => {
        entradas += lidos
        onProgress({ entradas, ms: desde() })
      },
    )
    diferencas.push(...(await conferirParticao(deps, { marca, leitura, puladas: puladas.size })))
  }
  const dias = livro.conferir(foto)
  diferencas.push(...dias.diferencas, ...(await conferirCursores(deps)))
  const cache = await conferirAmostra(deps)
  diferencas.push(...cache.diferencas)
  return { diferencas, entradas, dias: dias.total, emCache: cache.vistos, ms: desde() }
}

const vazia = (particao: number): MarcaCrua => ({
  particao,
  aplicadaAte: 0,
  adiante: [],
  epoca: null,
  ultimaPosicao: 0,
  ultimoId: null,
  divergente: null,
})

/** Merchants' days, from both sides. */
function createLivro({ comercianteId, de, ate }: Recorte) {
  const dias = new Map<string, Dia>()
  const diaDe = (dono: string, data: string): Dia => {
    // The day first: it has a fixed length, so the two can be told apart.
    const chave = data + dono
    let dia = dias.get(chave)
    if (dia === undefined) {
      dia = { comercianteId: dono, data, razao: { ...semNada }, saldo: undefined }
      dias.set(chave, dia)
    }
    return dia
  }
  const dentro = (l: Lancado): boolean =>
    (comercianteId === undefined || l.comercianteId === comercianteId) &&
    (de === undefined || l.data >= de) &&
    (ate === undefined || l.data <= ate)
  return {
    guardar: (dia: { comercianteId: string; data: string }, saldo: SaldoGuardado) => {
      diaDe(dia.comercianteId, dia.data).saldo = saldo
    },
    somar: (lancado: Lancado) => {
      if (!dentro(lancado)) return
      const { razao } = diaDe(lancado.comercianteId, lancado.data)
      if (lancado.valor > 0n) razao.creditos += lancado.valor
      else razao.debitos -= lancado.valor
      razao.quantidade += 1
    },
    conferir: ({ geracao }: Foto) => {
      const diferencas: Diferenca[] = []
      for (const dia of dias.values()) diferencas.push(...conferirDia(dia, dia.razao, dia.saldo, geracao))
      return { total: dias.size, diferencas: diferencas.sort(porDia) }
    },
  }
}

const chave = (d: Diferenca): string => ('comercianteId' in d ? `${d.comercianteId} ${d.data}` : '')
const porDia = (a: Diferenca, b: Diferenca): number => (chave(a) < chave(b) ? -1 : 1)

type Lida = { marca: MarcaCrua; leitura: Leitura; puladas: number }

/** The ledger's own sequence, the inbox against it, and the stream that was published from it. */
async function conferirParticao(deps: VerificarDeps, { marca, leitura, puladas }: Lida): Promise<Diferenca[]> {
  const { feed } = deps
  const { particao, ultimaPosicao } = marca
  const diferencas: Diferenca[] = leitura.faltas.map(({ de, ate }) => {
    const quais = de === ate ? `position ${de}` : `positions ${de} to ${ate}`
    return { tipo: 'razao', particao, motivo: `the ledger lacks ${quais}` }
  })
  // The counter was read after the rows, so whatever it promised then must be there when the rows are read again.
  const depois = await feed.page({ particao, depoisDe: leitura.ate, limite: 1 })
  if (leitura.ultima > leitura.ate && depois.eventos[0]?.posicao !== leitura.ate + 1) {
    const motivo = `the counter stands at ${leitura.ultima}, and the last entry is ${leitura.ate}`
    diferencas.push({ tipo: 'razao', particao, motivo })
  }
  if (depois.ultima < leitura.ate) {
    const motivo = `the counter stands at ${depois.ultima}, below the entry ${leitura.ate}`
    diferencas.push({ tipo: 'razao', particao, motivo })
  }
  if (puladas > 0) {
    const motivo = `${puladas} entries wait as dead letters and are in no balance: \`npm run dlq -- list\``
    diferencas.push({ tipo: 'carta', particao, motivo })
  }
  const naUltima = await idEm(feed, particao, ultimaPosicao)
  const ultima = Math.max(depois.ultima, leitura.ate)
  diferencas.push(...conferirMarca(marca, { epoca: depois.epoca, ultima, idNaUltima: naUltima }))
  return [...diferencas, ...(await conferirStream(deps, particao))]
}

const idEm = async (feed: FeedClient, particao: number, posicao: number): Promise<string | undefined> => {
  if (posicao < 1) return undefined
  const { eventos } = await feed.page({ particao, depoisDe: posicao - 1, limite: 1 })
  if (eventos[0]?.posicao !== posicao) return undefined
  const id = (eventos[0].evento as { id?: unknown } | null)?.id
  return typeof id === 'string' ? id : undefined
}

/** What was published is in the ledger: the stream ends at or before its head, with the same event. */
async function conferirStream({ cache, feed }: VerificarDeps, particao: number): Promise<Diferenca[]> {
  const fim = await cache?.stream.tail(particao)
  if (fim === undefined || fim.posicao === 0) return []
  const { ultima } = await feed.page({ particao, depoisDe: fim.posicao, limite: 1 })
  if (fim.posicao > ultima) {
    return [{ tipo: 'relay', particao, motivo: `the stream ends at ${fim.posicao}, and the ledger at ${ultima}` }]
  }
  const id = await idEm(feed, particao, fim.posicao)
  if (fim.id === undefined || id === undefined || fim.id === id) return []
  return [{ tipo: 'relay', particao, motivo: `the stream holds another event at ${fim.posicao} than the ledger` }]
}

async function conferirCursores({ cursores }: VerificarDeps): Promise<Diferenca[]> {
  const todos = (await cursores?.()) ?? []
  return todos
    .filter(({ cursor, ultima }) => cursor > ultima)
    .map(({ particao, cursor, ultima }) => {
      return { tipo: 'relay', particao, motivo: `the relay's cursor is at ${cursor}, and the ledger ends at ${ultima}` }
    })
}

async function conferirAmostra({ cache, recorte = {} }: VerificarDeps) {
  if (cache === undefined) return { vistos: 0, diferencas: [] }
  const { de = '', ate = '9999' } = recorte
  const dias = await diasEmCache(cache, { limite: cache.amostra, comercianteId: recorte.comercianteId })
  return conferirCache(
    cache,
    dias.filter(({ data }) => data >= de && data <= ate),
  )
}
