import type { Evento } from '../domain/evento.ts'
import { ehFinal, type Motivo, type Status } from '../domain/status.ts'
import type { Icone } from './icones.ts'
import { localVisivel } from './local.ts'

/** One step of a parcel's way as the public page shows it. */
export type PassoVisivel = { titulo: string; detalhe: string | undefined; quando: Date }

/** One of the four stages of the usual way. */
export type Fase = { titulo: string; estado: 'feita' | 'atual' | 'futura' }

/** What the public page shows: nothing about who buys, where they live, what it costs, or what somebody noted. */
export type Rastreio = {
  titulo: string
  frase: string
  /** When it came to this. */
  desde: Date
  icone: Icone
  /** The stages of the usual way; none where the parcel has left it. */
  fases: Fase[]
  /** Nothing more will happen. */
  encerrado: boolean
  /** Newest first. */
  passos: PassoVisivel[]
}

const TITULOS: Readonly<Record<Status, string>> = {
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

const FRASES: Readonly<Record<Status, string>> = {
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

const ICONES: Readonly<Record<Status, Icone>> = {
  RECEIVED: 'caixa',
  SEPARATED: 'caixa',
  IN_TRANSIT: 'caminho',
  OUT_FOR_DELIVERY: 'caminho',
  DELIVERY_FAILED: 'aviso',
  AVAILABLE_FOR_PICKUP: 'caixa',
  DELIVERED: 'certo',
  RETURNING: 'volta',
  RETURNED: 'volta',
  CANCELLED: 'aviso',
  LOST: 'aviso',
  DAMAGED: 'aviso',
}

const FASES = ['Recebido', 'A caminho', 'Perto de você', 'Entregue']
/** At which stage of the usual way a status stands. */
const FASE_DO_STATUS: Readonly<Partial<Record<Status, number>>> = {
  RECEIVED: 0,
  SEPARATED: 0,
  IN_TRANSIT: 1,
  OUT_FOR_DELIVERY: 2,
  DELIVERY_FAILED: 2,
  AVAILABLE_FOR_PICKUP: 2,
  DELIVERED: 3,
}

function fasesDe(status: Status): Fase[] {
  const em = FASE_DO_STATUS[status]
  if (em === undefined) return []
  return FASES.map((titulo, i) => ({ titulo, estado: i < em ? 'feita' : i === em ? 'atual' : 'futura' }))
}

const MOTIVOS: Readonly<Record<Motivo, string>> = {
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
const localDe = ({ source, location }: Evento): string | undefined =>
  source === 'correios' && location !== undefined ? localVisivel(location) : undefined

/** Makes of an order's history what its page shows. Notes are the merchant's own, and stay out; so do their corrections. */
export function rastreioDe(status: Status, eventos: readonly Evento[]): Rastreio {
  const passos = eventos
    .filter(({ especie }) => especie !== 'nota')
    .map((evento): PassoVisivel => {
      const titulo = evento.especie === 'correcao' ? `Correção: ${TITULOS[evento.status]}` : TITULOS[evento.status]
      const motivo = evento.reason && MOTIVOS[evento.reason]
      const detalhe = [motivo, localDe(evento)].filter((um) => um !== undefined).join(' ')
      return { titulo, detalhe: detalhe === '' ? undefined : detalhe, quando: evento.occurredAt }
    })
    .reverse()
  return {
    titulo: TITULOS[status],
    frase: FRASES[status],
    desde: passos[0]?.quando ?? new Date(0),
    icone: ICONES[status],
    fases: fasesDe(status),
    encerrado: ehFinal(status),
    passos,
  }
}
