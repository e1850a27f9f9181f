import { DomainError } from '@fluxo/shared/errors'
import { jsonText } from '@fluxo/shared/http/json'
import { lancamentoJson } from '../domain/lancamento-json.ts'
import type { Registration } from './registration.ts'

const CREATED = 201

/** The headers of a stored entry: where it is, and where it stands in the log. */
const headersOf = ({ lancamento, particao, posicao }: Registration) => ({
  Location: `/lancamentos/${lancamento.id}`,
  'Fluxo-Posicao': `${particao}:${posicao}`,
})

/**
 * Answers for one entry: 201 where it is in the books as asked for, also when it was there before.
 *
 * Throws the refusal of each conflict, with the `id` of the entry that was there first.
 */
export const registrationAnswer = (registration: Registration): Response => {
  const { lancamento, outcome } = registration
  switch (outcome) {
    case 'created':
      return jsonText(lancamentoJson(lancamento), CREATED, headersOf(registration))
    case 'repeated':
      return jsonText(lancamentoJson(lancamento), CREATED, {
        ...headersOf(registration),
        'Idempotent-Replayed': 'true',
      })
    case 'key-conflict':
      throw new DomainError('chave-reutilizada', 'Esta Idempotency-Key já registrou outro lançamento.')
    case 'reference-conflict':
      throw new DomainError('referencia-duplicada', 'Já existe um lançamento com esta referência.', {
        id: lancamento.id,
      })
    case 'already-reversed':
      throw new DomainError('ja-estornado', 'Este lançamento já foi estornado.', { id: lancamento.id })
  }
}
