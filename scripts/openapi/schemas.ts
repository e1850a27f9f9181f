import { CODIGOS } from '@fluxo/shared/codigos/codigos'
import { z } from '@hono/zod-openapi'

/** One wrong field of a request. */
const FieldErrorSchema = z
  .object({
    campo: z.string().openapi({ description: 'Onde: os nomes até o campo, com pontos entre eles.' }),
    mensagem: z.string().openapi({ description: 'O que está errado, em português.' }),
  })
  .openapi('ErroDeCampo', {
    description: 'Um campo errado.',
    example: { campo: 'valor', mensagem: 'Deve ser maior que zero.' },
  })

/** The RFC 9457 document of every refusal. */
export const ProblemSchema = z
  .object({
    type: z.string().openapi({ description: 'O endereço da página que diz o que o código significa e o que fazer.' }),
    title: z.string().openapi({ description: 'O código em palavras.' }),
    status: z.int().openapi({ description: 'O status da resposta.' }),
    detail: z.string().openapi({ description: 'O que aconteceu, em português.' }),
    instance: z.string().openapi({ description: 'O caminho da requisição.' }),
    codigo: z.string().openapi({
      description: 'O que aconteceu, para programas. Códigos novos podem aparecer; os que há não mudam de sentido.',
      'x-codigos': Object.keys(CODIGOS).sort((a, b) => a.localeCompare(b)),
    }),
    erros: z.array(FieldErrorSchema).optional().openapi({ description: 'Os campos errados, onde há.' }),
  })
  .openapi('Problema', {
    description: 'Por que não deu (RFC 9457). Alguns códigos trazem mais campos, como id, permitidas ou resultados.',
    example: {
      type: '/problemas/dados-invalidos',
      title: CODIGOS['dados-invalidos'].titulo,
      status: CODIGOS['dados-invalidos'].status,
      detail: 'Há campos inválidos.',
      instance: '/lancamentos',
      codigo: 'dados-invalidos',
      erros: [{ campo: 'valor', mensagem: 'Deve ser maior que zero.' }],
    },
  })
