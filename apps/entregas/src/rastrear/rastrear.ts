import type { PedidoEvento } from '../domain/evento.ts'
import { type FailureReason, isFinal, type Status } from '../domain/status.ts'
import { visibleCity } from './city.ts'
import type { PageIcon } from './icons.ts'

/** One step of a parcel's way as the public page shows it. */
export type VisiblePasso = { title: string; detail: string | undefined; at: Date }

/** One of the four stages of the usual way. */
export type Fase = { title: string; state: 'done' | 'current' | 'coming' }

/** What the public page shows: nothing about who buys, where they live, what it costs, or what somebody noted. */
export type Rastreio = {
  title: string
  sentence: string
  /** When it came to this. */
  since: Date
  icon: PageIcon
  /** The stages of the usual way; none where the parcel has left it. */
  fases: Fase[]
  /** Nothing more will happen. */
  ended: boolean
  /** Newest first. */
  passos: VisiblePasso[]
}

const TITLES: Readonly<Record<Status, string>> = {
  RECEIVED: 'Pedido recebido',
  SEPARATED: 'Pedido separado',
  IN_TRANSIT: 'Em transporte',
  OUT_FOR_DELIVERY: 'Saiu para entrega',
  DELIVERY_FAILED: 'Tentativa de entrega sem sucesso',
  AVAILABLE_FOR_PICKUP: 'Aguardando retirada',
  DELIVERED: 'Entregue',
  RETURNING: 'Em devolução',
  RETURNED: 'Devolvido à loja',
  CANCELLED: 'Pedido cancelado',
  LOST: 'Extraviado',
  DAMAGED: 'Avariado',
}

const SENTENCES: Readonly<Record<Status, string>> = {
  RECEIVED: 'A loja recebeu o pedido e vai prepará-lo.',
  SEPARATED: 'O pedido está pronto para sair da loja.',
  IN_TRANSIT: 'O pedido está a caminho.',
  OUT_FOR_DELIVERY: 'O entregador está a caminho.',
  DELIVERY_FAILED: 'A entrega foi tentada e não deu certo.',
  AVAILABLE_FOR_PICKUP: 'O pedido pode ser retirado.',
  DELIVERED: 'O pedido foi entregue.',
  RETURNING: 'O pedido está voltando para a loja.',
  RETURNED: 'O pedido voltou para a loja.',
  CANCELLED: 'O pedido foi cancelado antes do transporte.',
  LOST: 'O pedido se perdeu no caminho. Fale com a loja.',
  DAMAGED: 'O pedido se danificou no caminho. Fale com a loja.',
}

const ICONS: Readonly<Record<Status, PageIcon>> = {
  RECEIVED: 'box',
  SEPARATED: 'box',
  IN_TRANSIT: 'road',
  OUT_FOR_DELIVERY: 'road',
  DELIVERY_FAILED: 'warning',
  AVAILABLE_FOR_PICKUP: 'box',
  DELIVERED: 'check',
  RETURNING: 'back',
  RETURNED: 'back',
  CANCELLED: 'warning',
  LOST: 'warning',
  DAMAGED: 'warning',
}

const FASES = ['Recebido', 'A caminho', 'Perto de você', 'Entregue']
/** At which stage of the usual way a status stands. */
const STATUS_FASE: Readonly<Partial<Record<Status, number>>> = {
  RECEIVED: 0,
  SEPARATED: 0,
  IN_TRANSIT: 1,
  OUT_FOR_DELIVERY: 2,
  DELIVERY_FAILED: 2,
  AVAILABLE_FOR_PICKUP: 2,
  DELIVERED: 3,
}

function fasesOf(status: Status): Fase[] {
  const at = STATUS_FASE[status]
  if (at === undefined) return []
  return FASES.map((title, i) => ({ title, state: i < at ? 'done' : i === at ? 'current' : 'coming' }))
}

const REASONS: Readonly<Record<FailureReason, string>> = {
  absent: 'Ninguém estava no local.',
  refused: 'A entrega foi recusada.',
  address_not_found: 'O endereço não foi encontrado.',
  moved: 'O destinatário se mudou.',
  unknown_recipient: 'O destinatário não é conhecido no local.',
  access_restricted: 'O acesso ao local é restrito.',
  damaged: 'O pedido estava danificado.',
  other: 'Houve um imprevisto.',
}

/** Where the carrier says that a parcel is. */
const cityOf = ({ source, location }: PedidoEvento): string | undefined =>
  source === 'correios' && location !== undefined ? visibleCity(location) : undefined

/** Makes of an order's history what its page shows. Notes are the merchant's own, and stay out; so do their corrections. */
export function rastreioOf(status: Status, eventos: readonly PedidoEvento[]): Rastreio {
  const passos = eventos
    .filter(({ especie: kind }) => kind !== 'note')
    .map((evento): VisiblePasso => {
      const title = evento.especie === 'correction' ? `Correção: ${TITLES[evento.status]}` : TITLES[evento.status]
      const reason = evento.reason && REASONS[evento.reason]
      const detail = [reason, cityOf(evento)].filter((one) => one !== undefined).join(' ')
      return { title, detail: detail === '' ? undefined : detail, at: evento.occurredAt }
    })
    .reverse()
  return {
    title: TITLES[status],
    sentence: SENTENCES[status],
    since: passos[0]?.at ?? new Date(0),
    icon: ICONS[status],
    fases: fasesOf(status),
    ended: isFinal(status),
    passos,
  }
}
