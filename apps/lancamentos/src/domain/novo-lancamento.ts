import { DaySchema, textSchema, ValorSchema } from '@fluxo/shared/fields'
import { z } from 'zod'
import { DESCRICAO_CHARS_MAX, REFERENCIA_CHARS_MAX, TIPOS } from './lancamento.ts'

export const DescricaoSchema = textSchema(DESCRICAO_CHARS_MAX).meta({
  example: 'Venda produto X',
})

export const ReferenciaSchema = textSchema(REFERENCIA_CHARS_MAX).meta({
  description: 'Nome do lançamento no sistema do comerciante, único por comerciante.',
  example: 'NF-123',
})

export const TipoSchema = z.enum(TIPOS, {
  error: (issue) => (issue.input === undefined ? 'Campo obrigatório.' : 'Deve ser CREDITO ou DEBITO.'),
})

/**
 * The body of `POST /lancamentos` and of every line of a batch: strict, since a misspelt optional field that is silently
 * dropped is a wrong book. Its output is a `Pedido`.
 */
export const NovoLancamentoSchema = z.strictObject(
  {
    valor: ValorSchema,
    tipo: TipoSchema,
    descricao: DescricaoSchema,
    data: DaySchema,
    referencia: ReferenciaSchema.optional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? undefined : 'Deve ser um objeto JSON com os campos do lançamento.',
  },
)
