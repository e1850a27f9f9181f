import type { Mudanca } from '../domain/mudanca.ts'
import { codigoDe, passoAutomatico, type Status } from '../domain/status.ts'

/** What the automatic flow needs of an event: whose order it was, where it left it, and when it was recorded. */
export type Acontecido = {
  posicao: number
  id: string
  pedidoId: string
  comercianteId: string
  seq: number
  status: Status
  registradoEm: number
  rastro: string | undefined
}

/** A step to be taken: from the order's version and status to the next one, once it is due. */
export type Passo = {
  pedidoId: string
  comercianteId: string
  versao: number
  de: Status
  para: Status
  rastro: string | undefined
}

/** An event and the step that follows from it, `atrasoMs` later; `para` is null where the order's way ends, or is not automatic. */
export type Planejado = Acontecido & { para: number | null; atrasoMs: number }

/** Decides which step an event leads to, and how long it waits. */
export function planejar(acontecido: Acontecido, { automatico, atrasoMs }: FluxoOptions): Planejado {
  const para = automatico ? passoAutomatico(acontecido.status) : undefined
  return {
    ...acontecido,
    para: para === undefined ? null : codigoDe(para),
    atrasoMs,
  }
}

export type FluxoOptions = {
  /** Off where only what is asked for over HTTP moves an order. */
  automatico: boolean
  /** From an event to the step after it, in ms. */
  atrasoMs: number
}

/** The change that a due step asks for: only from the version at which it was planned, so it can happen once. */
export const mudancaDoPasso = ({ pedidoId, comercianteId, versao, de, para }: Passo, agora: Date): Mudanca => ({
  pedidoId,
  comercianteId,
  para,
  de: [de],
  versao,
  relato: { actor: 'fluxo', source: 'fluxo', occurredAt: agora },
})
