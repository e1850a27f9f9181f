import { AmountSchema, InstantSchema } from '@fluxo/shared/fields'
import { z } from '@hono/zod-openapi'
import { NovoLancamentoSchema } from '../domain/novo-lancamento.ts'

/** An example of an entry's id. */
export const EXAMPLE_ID = '019a1fbc-ba2f-7586-87df-5a5af2a5a67c'

/** An entry as every answer shows it. */
export const LancamentoSchema = z
  .object({
    id: z.uuid(),
    valor: AmountSchema,
    tipo: z.enum(['CREDITO', 'DEBITO']),
    descricao: z.string(),
    data: z.iso.date(),
    referencia: z.string().optional(),
    estorna: z.uuid().optional().openapi({ description: 'O lançamento que este estorna.' }),
    created_at: InstantSchema,
  })
  .openapi('Lancamento', {
    description: 'Um lançamento.',
    example: {
      id: EXAMPLE_ID,
      valor: 150.5,
      tipo: 'CREDITO',
      descricao: 'Venda produto X',
      data: '2025-10-15',
      referencia: 'NF-123',
      created_at: '2025-10-15T12:34:56.789Z',
    },
  })

/** An entry as it is asked for. */
export const NovoLancamentoBodySchema = NovoLancamentoSchema.openapi('NovoLancamento', {
  description: 'Um lançamento a registrar. Campos desconhecidos são recusados.',
  example: {
    valor: '150.50',
    tipo: 'CREDITO',
    descricao: 'Venda produto X',
    data: '2025-10-15',
    referencia: 'NF-123',
  },
})
