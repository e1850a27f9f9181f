import type { EventoLido } from './ler-evento.ts'

/** An event as it arrived, already read. `body` gives its text, for the dead letters. */
export type Recebido = { posicao: number; tentativas: number; lido: EventoLido; body: () => string }

/** Which way it came: delivered by the stream, or pulled from the ledger's feed. */
export type Origem = 'stream' | 'feed'
