import { isRejection } from '@fluxo/shared/resilience/rejection'
import { eventoJson } from '../domain/evento.ts'
import { eventoDe } from '../mover/evento-table.ts'
import { cabecalhosDa, segredosVigentes } from './assinatura.ts'
import { corpoDoAviso, desfechoDe } from './avisar.ts'
import type { Terminado } from './aviso-store.ts'
import type { Circuito, Circuitos } from './circuitos.ts'
import type { Enviado, Remetente } from './enviar.ts'
import { esperaMs, PRAZO_MS } from './prazo.ts'
import type { Tomado } from './tomar-store.ts'

type TentarDeps = {
  remetente: Remetente
  agora: () => Date
  circuitos: Circuitos
  esperas: readonly number[]
  descansoMs: number
}

/** A receiver that is unwell, as the circuit breaker hears of it. */
class AlvoDoente extends Error {
  readonly enviado: Enviado
  constructor(enviado: Enviado) {
    super('the receiver is unwell')
    this.enviado = enviado
  }
}

/** What came of a delivery in hand, and whether its webhook rests. */
export type Feito = { terminado: Terminado; descansar?: boolean }

/** One attempt. A circuit that is open, a name that nobody resolves, or an instance that leaves, gives the delivery back: that was none. */
export async function tentar(
  { remetente, agora, circuitos, descansoMs, esperas }: TentarDeps,
  aviso: Tomado,
  parar: AbortSignal,
): Promise<Feito> {
  const { id, url, comercianteId } = aviso
  const corpo = corpoDe(aviso)
  const quando = agora()
  const mensagem = { id: idDoAviso(id), timestamp: Math.floor(quando.getTime() / 1_000), corpo }
  const cabecalhos = cabecalhosDa(mensagem, segredosVigentes(aviso, quando))
  const circuito = circuitos.de(aviso)
  const postar = async (): Promise<Enviado> => {
    const enviado = await remetente.enviar({ url, comercianteId, cabecalhos, corpo }, parar)
    if (!enviado.interrompido && desfechoDe(enviado) === 'tentar') throw new AlvoDoente(enviado)
    return enviado
  }
  const prazos = { esperas, descansoMs, quando }
  const feito = (enviado: Enviado): Feito => ({ terminado: terminado(aviso, prazos, enviado) })
  try {
    return feito(await circuito.breaker.execute(postar, parar))
  } catch (error) {
    if (isRejection(error)) {
      return { terminado: devolvido(aviso, prazos, motivoDoDescanso(circuito)), descansar: true }
    }
    if (!(error instanceof AlvoDoente)) throw error
    circuito.falha = error.enviado.erro ?? `status ${error.enviado.status}`
    return feito(error.enviado)
  }
}

/** Why nothing is tried for a moment, in words for the merchant. */
const motivoDoDescanso = ({ falha }: Circuito): string => `em pausa: o destino vem falhando (${falha})`

type Prazos = { esperas: readonly number[]; descansoMs: number; quando: Date }

/** Gives a delivery back untried, until it has been so for as long as all attempts take together. */
function devolvido({ id, tentativa, devolvidoEm }: Tomado, { descansoMs, quando }: Prazos, motivo: string): Terminado {
  const acabou = devolvidoEm !== undefined && quando.getTime() - devolvidoEm.getTime() > PRAZO_MS
  const comum = { id, tentativa, devolver: true as const, motivo }
  return acabou
    ? { ...comum, situacao: 'exhausted', esperaMs: undefined }
    : { ...comum, situacao: 'pending', esperaMs: descansoMs }
}

function terminado(aviso: Tomado, prazos: Prazos, enviado: Enviado): Terminado {
  const { id, tentativa, passo } = aviso
  const { status, erro, duracaoMs, resposta, interrompido, semEndereco } = enviado
  if (interrompido) return { id, tentativa, devolver: true, situacao: 'pending', esperaMs: 0, motivo: undefined }
  if (semEndereco) return devolvido(aviso, prazos, String(erro))
  const desfecho = desfechoDe(enviado)
  const espera = desfecho === 'tentar' ? esperaMs(passo + 1, Math.random(), prazos.esperas) : undefined
  const fim = desfecho === 'entregue' ? 'delivered' : desfecho === 'desativar' ? 'cancelled' : 'exhausted'
  const situacao = espera === undefined ? fim : 'pending'
  return { id, tentativa, devolver: false, situacao, esperaMs: espera, duracaoMs, status, erro, resposta }
}

/** What is sent: the event, or the merchant's own test. */
function corpoDe({ evento, tipo, criadoEm, id }: Tomado): string {
  if (evento === null) return corpoDoAviso(tipo, criadoEm.toISOString(), { id })
  const acontecido = eventoDe(evento)
  return corpoDoAviso(tipo, acontecido.createdAt.toISOString(), eventoJson(acontecido))
}

/** The id of a delivery as receivers and merchants see it: the key by which a receiver knows a repeated one. */
export const idDoAviso = (id: string): string => `msg_${id}`
