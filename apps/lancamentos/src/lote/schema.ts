import { z } from '@hono/zod-openapi'
import { ID_DE_EXEMPLO, NovoLancamentoSchema } from '../registrar/schema.ts'
import { ENTRADAS_MAX } from './lote.ts'

/** The body of a batch, for its documentation: it is read entry by entry. */
export const NovoLoteSchema = z
  .array(NovoLancamentoSchema)
  .min(1)
  .max(ENTRADAS_MAX)
  .openapi('NovoLote', {
    description: 'Os lançamentos, na ordem em que os resultados os dizem.',
    example: [
      { valor: '150.50', tipo: 'CREDITO', descricao: 'Venda produto X', data: '2025-10-15' },
      { valor: '20', tipo: 'DEBITO', descricao: 'Frete', data: '2025-10-15', referencia: 'CT-9' },
    ],
  })

const ErroSchema = z
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

const linha = z.int().min(1).describe('O lugar no lote, a partir de 1.')
const registrado = (situacao: 'criado' | 'repetido', component: string, description: string) =>
  z
    .object({ linha, situacao: z.literal(situacao), id: z.uuid() })
    .openapi(component, { description, example: { linha: 1, situacao, id: ID_DE_EXEMPLO } })

const ItemSchema = z
  .discriminatedUnion('situacao', [
    registrado('criado', 'ItemCriado', 'O lançamento foi registrado agora.'),
    registrado('repetido', 'ItemRepetido', 'O lançamento já estava registrado, o mesmo.'),
    z.object({ linha, situacao: z.literal('recusado'), erro: ErroSchema }).openapi('ItemRecusado', {
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
    example: { linha: 1, situacao: 'criado', id: ID_DE_EXEMPLO },
  })

/** What a batch is answered with. */
export const ResultadoDoLoteSchema = z.array(ItemSchema).openapi('ResultadoDoLote', {
  description: 'Um item por lançamento, na ordem do lote.',
  example: [{ linha: 1, situacao: 'criado', id: ID_DE_EXEMPLO }],
})
