import { DomainError } from '@fluxo/shared/errors'
import { caminhoAte, informeDe } from '../domain/correios.ts'
import type { Mudanca, Relato } from '../domain/mudanca.ts'
import type { Pedido } from '../domain/pedido.ts'

/** A carrier's event, already parsed. */
type InformeRecebido = {
  type: string
  status: number
  occurred_at: Date
  location?: string | undefined
  tracking_code?: string | undefined
}

/**
 * Decides what a carrier's event does to an order: the changes in their order, each on top of the one before.
 *
 * The carrier's word is about what happened, so it is always kept. It moves the order forward, with the steps that the
 * carrier left out filled in; it never moves it backwards: an event that is late, or that no path leads to, becomes a note
 * with the status that was reported. `EST` takes the carrier's own last change back.
 */
export function mudancasDoInforme(pedido: Pedido, informe: InformeRecebido): Mudanca[] {
  const { type, status: codigo, occurred_at: occurredAt, location, tracking_code: objeto } = informe
  const diz = informeDe(type, codigo)
  if (diz === undefined) {
    throw new DomainError('evento-desconhecido', `O evento ${type} ${codigo} dos Correios não é conhecido.`)
  }
  const palavras = objeto === undefined ? `${type} ${codigo}` : `${type} ${codigo} ${objeto}`
  const relato: Relato = { location, actor: 'correios', source: 'correios', occurredAt, codigo: palavras }
  const base = { pedidoId: pedido.id, comercianteId: pedido.comercianteId }
  const nota = (dito: Partial<Relato> = {}): Mudanca[] => [
    { ...base, de: [pedido.status], versao: pedido.version, relato: { ...relato, ...dito } },
  ]
  if (diz === 'nota') return nota()
  if (diz === 'correcao') {
    const { corrigivel: para } = pedido
    if (para === undefined) return nota()
    return [{ ...base, para, de: [pedido.status], versao: pedido.version, correcao: true, relato }]
  }
  const atrasado = occurredAt < pedido.ocorridoEm
  const caminho = atrasado ? [] : caminhoAte(pedido.status, diz.para)
  if (caminho.length === 0) return nota({ informado: diz.para, reason: diz.reason })
  return caminho.map((para, i) => ({
    ...base,
    para,
    de: [i === 0 ? pedido.status : (caminho[i - 1] ?? pedido.status)],
    versao: pedido.version + i,
    relato: i === caminho.length - 1 ? { ...relato, reason: diz.reason } : relato,
  }))
}
