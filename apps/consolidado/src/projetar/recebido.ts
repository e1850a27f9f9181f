import type { EventoLido } from './ler-evento.ts'

/** An event, already read, and as it arrived: its JSON text from a stream, parsed from the feed. */
export type Recebido = { posicao: number; tentativas: number; lido: EventoLido; evento: unknown }

/** The event's JSON text, for the dead letters. */
export const textoDe = ({ evento }: Recebido): string => (typeof evento === 'string' ? evento : JSON.stringify(evento))

/** Which way it came: delivered by the stream, or pulled from the ledger's feed. */
export type Origem = 'stream' | 'feed'
