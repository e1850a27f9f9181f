import { setTimeout as delay } from 'node:timers/promises'
import type { FeedClient } from '@fluxo/shared/repair/feed-client'
import { chaveDoSaldo } from '../domain/saldo.ts'
import type { Lancado } from '../projetar/efeito.ts'
import type { Dia } from '../projetar/saldo-store.ts'
import { createAgregado } from '../reconstruir/agregado.ts'
import type { ConferenciaStore, Conferida, Instante } from './conferencia-store.ts'
import { lerRazao, PAGE_ROWS_DE_FUNDO } from './ler-razao.ts'
import type { MarcaCrua } from './verificar.ts'

/** After each page the process has its time for itself, twice as long: a third of one core at most. */
const REST_FACTOR = 2
/** Events added up in one round, and so days in memory; what is left is for the next, which then follows at once. */
const EVENTS_MAX = 50_000
/** Days that are noted as touched; further ones are compared in their turn. */
export const TOCADOS_MAX = 5_000

type AvancarDeps = {
  marca: MarcaCrua
  epoca: string
  primeiro: Instante
  tocados: Map<string, Dia>
  signal: AbortSignal
}

/** Adds up what the inbox has applied without a hole and this check has not read; gives how many entries are left. */
export async function avancar(
  deps: { store: ConferenciaStore; feed: FeedClient },
  { marca, epoca, primeiro, tocados, signal }: AvancarDeps,
): Promise<number> {
  const { store, feed } = deps
  const { particao, aplicadaAte } = marca
  const { geracao, puladas } = primeiro.foto
  const antes = primeiro.conferidas.find((uma) => uma.particao === particao)
  const nova: Conferida = {
    particao,
    posicao: 0,
    ultimoId: null,
    faltas: 0,
    epoca,
    geracao,
    redirigidas: primeiro.redirigidas,
  }
  let conferida = antes
  if (antes === undefined || !(await continua(feed, antes, nova, aplicadaAte))) {
    await store.recomecar(nova)
    conferida = nova
  }
  if (conferida === undefined || conferida.posicao >= aplicadaAte) return 0
  const agregado = createAgregado()
  const ate = Math.min(aplicadaAte, conferida.posicao + EVENTS_MAX)
  const semEfeito = puladas.get(particao)
  let lidoEm = performance.now()
  const leitura = await lerRazao(
    feed,
    { particao, depoisDe: conferida.posicao, ate, linhas: PAGE_ROWS_DE_FUNDO },
    ({ posicao, lancado }) => {
      if (lancado === undefined || semEfeito?.has(posicao)) return
      agregado.add(lancado)
      if (tocados.size < TOCADOS_MAX) tocados.set(chaveDoSaldo(lancado.comercianteId, lancado.data), diaDe(lancado))
    },
    async () => {
      signal.throwIfAborted()
      await delay((performance.now() - lidoEm) * REST_FACTOR, undefined, { signal })
      lidoEm = performance.now()
    },
  )
  const faltas = leitura.faltas.reduce((soma, { de, ate: fim }) => soma + fim - de + 1, 0)
  const posicao = leitura.ate
  const depois = {
    ...conferida,
    posicao,
    ultimoId: leitura.ultimoId ?? conferida.ultimoId,
    faltas: conferida.faltas + faltas,
  }
  if (leitura.lidos > 0 && !(await store.gravar(conferida, depois, agregado.take()))) {
    throw new Error('another instance verifies too')
  }
  return leitura.lidos === 0 ? 0 : aplicadaAte - posicao
}

const diaDe = ({ comercianteId, data }: Lancado): Dia => ({ comercianteId, data })

/** Whether what was added up is still of the log and the generation that are compared now. */
async function continua(feed: FeedClient, antes: Conferida, agora: Conferida, aplicadaAte: number): Promise<boolean> {
  const { particao, posicao, ultimoId } = antes
  const mesma =
    antes.epoca === agora.epoca && antes.geracao === agora.geracao && antes.redirigidas === agora.redirigidas
  if (!mesma || posicao > aplicadaAte) return false
  if (posicao === 0 || ultimoId === null) return true
  const { eventos } = await feed.page({ particao, depoisDe: posicao - 1, limite: 1 })
  return (eventos[0]?.evento as { id?: unknown } | undefined)?.id === ultimoId
}
