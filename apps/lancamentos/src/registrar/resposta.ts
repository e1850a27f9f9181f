import { DomainError } from '@fluxo/shared/errors'
import { jsonText } from '@fluxo/shared/http/json'
import { lancamentoJson } from '../domain/resposta.ts'
import type { Registro } from './registro.ts'

const CRIADO = 201

/** The headers of a stored entry: where it is, and where it stands in the log. */
const cabecalhos = ({ lancamento, particao, posicao }: Registro) => ({
  Location: `/lancamentos/${lancamento.id}`,
  'Fluxo-Posicao': `${particao}:${posicao}`,
})

/**
 * Answers for one entry: 201 where it is in the books as asked for, also when it was there before.
 *
 * Throws the refusal of each conflict, with the `id` of the entry that was there first.
 */
export const respostaDoRegistro = (registro: Registro): Response => {
  const { lancamento, desfecho } = registro
  switch (desfecho) {
    case 'criado':
      return jsonText(lancamentoJson(lancamento), CRIADO, cabecalhos(registro))
    case 'repetido':
      return jsonText(lancamentoJson(lancamento), CRIADO, { ...cabecalhos(registro), 'Idempotent-Replayed': 'true' })
    case 'conflito-de-chave':
      throw new DomainError('chave-reutilizada', 'Esta Idempotency-Key já registrou outro lançamento.')
    case 'conflito-de-referencia':
      throw new DomainError('referencia-duplicada', 'Já existe um lançamento com esta referência.', {
        id: lancamento.id,
      })
    case 'ja-estornado':
      throw new DomainError('ja-estornado', 'Este lançamento já foi estornado.', { id: lancamento.id })
  }
}
