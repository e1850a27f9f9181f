import { z } from '@hono/zod-openapi'
import { EXAMPLE_ID, NovoLancamentoBodySchema } from '../registrar/schema.ts'
import { ENTRIES_MAX } from './lote.ts'

/** The body of a batch, for its documentation: it is read entry by entry. */
export const NovoLoteSchema = z
  .array(NovoLancamentoBodySchema)
  .min(1)
  .max(ENTRIES_MAX)
  .openapi('NovoLote', {
    description: 'Os lançamentos, na ordem em que os resultados os dizem.',
    example: [
      { valor: '150.50', tipo: 'CREDITO', descricao: 'Venda produto X', data: '2025-10-15' },
      { valor: '20', tipo: 'DEBITO', descricao: 'Frete', data: '2025-10-15', referencia: 'CT-9' },
    ],
  })

const EntryErrorSchema = z
  .object({
    codigo: z.string().openapi({ description: 'Um código de /problemas.' }),
    mensagem: z.string(),
    campo: z.string().optional(),
    id: z.uuid().optional().openapi({ description: 'O lançamento que está no caminho.' }),
  })
  .openapi('ErroDeEntrada', {
    description: 'Por que um lançamento foi recusado.',
    example: { codigo: 'dados-invalidos', mensagem: 'Deve ser maior que zero.', campo: 'valor' },
  })

const line = z.int().min(1).describe('O lugar no lote, a partir de 1.')
const registeredSchema = (situacao: 'criado' | 'repetido', component: string, description: string) =>
  z
    .object({ linha: line, situacao: z.literal(situacao), id: z.uuid() })
    .openapi(component, { description, example: { linha: 1, situacao, id: EXAMPLE_ID } })

const ItemSchema = z
  .discriminatedUnion('situacao', [
    registeredSchema('criado', 'ItemCriado', 'O lançamento foi registrado agora.'),
    registeredSchema('repetido', 'ItemRepetido', 'O lançamento já estava registrado, o mesmo.'),
    z.object({ linha: line, situacao: z.literal('recusado'), erro: EntryErrorSchema }).openapi('ItemRecusado', {
      description: 'O lançamento não foi registrado.',
      example: {
        linha: 2,
        situacao: 'recusado',
        erro: { codigo: 'dados-invalidos', mensagem: 'Deve ser maior que zero.', campo: 'valor' },
      },
    }),
  ])
  .openapi('ItemDoLote', {
    description: 'O que foi feito de um lançamento do lote.',
    example: { linha: 1, situacao: 'criado', id: EXAMPLE_ID },
  })

/** What a batch is answered with. */
export const LoteResultSchema = z.array(ItemSchema).openapi('ResultadoDoLote', {
  description: 'Um item por lançamento, na ordem do lote.',
  example: [{ linha: 1, situacao: 'criado', id: EXAMPLE_ID }],
})
