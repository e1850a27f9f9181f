import { QuantiaSchema } from '@fluxo/shared/campos'
import { diaValido, MENSAGEM_DE_DIA } from '@fluxo/shared/dia'
import { FormatoSchema } from '@fluxo/shared/http/csv-format'
import { parameter } from '@fluxo/shared/http/openapi'
import { z } from '@hono/zod-openapi'
import { diasEntre } from './dia.ts'

/** Days of one period at most (API.md): a leap year. */
const PERIODO_DIAS_MAX = 366

const DiaSchema = z
  .string({ error: (issue) => (issue.input === undefined ? 'Campo obrigatório.' : undefined) })
  .refine(diaValido, { error: MENSAGEM_DE_DIA })
  .openapi({ format: 'date', example: '2025-10-15' })

export const ParamsDoDiaSchema = z.strictObject({
  data: parameter('Dia', DiaSchema.openapi({ description: 'O dia.' })),
})

/** A day takes no query parameter: a misspelt one must not be ignored in silence. */
export const SemParametrosSchema = z.strictObject({})

const ehPeriodo = ({ de, ate }: { de: string; ate: string }) => diaValido(de) && diaValido(ate)

export const PeriodoQuerySchema = z
  .strictObject({
    de: parameter('DeDoPeriodo', DiaSchema.openapi({ description: 'Primeiro dia, inclusive.' })),
    ate: parameter(
      'AteDoPeriodo',
      DiaSchema.openapi({ description: 'Último dia, inclusive; até 366 dias depois do primeiro.' }),
    ),
    formato: FormatoSchema,
  })
  .refine((periodo) => !ehPeriodo(periodo) || periodo.de <= periodo.ate, {
    path: ['ate'],
    error: 'Não pode ser anterior a de.',
  })
  .refine((periodo) => !ehPeriodo(periodo) || diasEntre(periodo.de, periodo.ate) <= PERIODO_DIAS_MAX, {
    path: ['ate'],
    error: `O período pode ter no máximo ${PERIODO_DIAS_MAX} dias.`,
  })

/** Documentation only: these headers are read where they decide, `lerEspera` and `etagConfere`. */
export const EsperaHeadersSchema = z.object({
  'Fluxo-Posicao': z.string().optional().openapi({
    description: 'A resposta contém estas posições, como as escritas as devolveram. As de outro log não contam.',
    example: '0:1234, 1:55',
  }),
  Prefer: z
    .string()
    .optional()
    .openapi({ description: 'Segundos de espera pela posição: 2 por padrão, 10 no máximo.', example: 'wait=2' }),
  'If-None-Match': z
    .string()
    .optional()
    .openapi({ description: 'ETag de uma resposta anterior: 304 se nada mudou.', example: '"1099511627777-loja-1"' }),
})

export const SaldoSchema = z
  .object({
    data: z.iso.date(),
    total_creditos: QuantiaSchema,
    total_debitos: QuantiaSchema,
    saldo_final: QuantiaSchema.openapi({ description: 'Créditos menos débitos deste dia.' }),
    quantidade: z.int(),
    atualizado_em: z.iso.datetime().nullable().openapi({ description: 'Nulo em um dia sem lançamentos.' }),
  })
  .openapi('SaldoDoDia', {
    description: 'O saldo de um dia.',
    example: {
      data: '2025-10-15',
      total_creditos: 150.5,
      total_debitos: 20,
      saldo_final: 130.5,
      quantidade: 2,
      atualizado_em: '2025-10-15T12:34:57.001Z',
    },
  })

const UM_DIA = {
  data: '2025-10-15',
  total_creditos: 150.5,
  total_debitos: 20,
  saldo_do_dia: 130.5,
  saldo_acumulado: 1130.5,
  quantidade: 2,
}

const DiaDoPeriodoSchema = z
  .object({
    data: z.iso.date(),
    total_creditos: QuantiaSchema,
    total_debitos: QuantiaSchema,
    saldo_do_dia: QuantiaSchema,
    saldo_acumulado: QuantiaSchema.openapi({ description: '`saldo_inicial` mais os dias até este.' }),
    quantidade: z.int(),
  })
  .openapi('DiaDoPeriodo', { description: 'Um dia com lançamentos.', example: UM_DIA })

export const PeriodoSchema = z
  .object({
    de: z.iso.date(),
    ate: z.iso.date(),
    saldo_inicial: QuantiaSchema.openapi({ description: 'Tudo o que veio antes de `de`.' }),
    total_creditos: QuantiaSchema,
    total_debitos: QuantiaSchema,
    saldo_final: QuantiaSchema.openapi({ description: '`saldo_inicial` mais o período.' }),
    dias: z
      .array(DiaDoPeriodoSchema)
      .openapi({ description: 'Os dias com lançamentos, em ordem; dias sem lançamentos não são listados.' }),
  })
  .openapi('Periodo', {
    description: 'Um período, dia a dia.',
    example: {
      de: '2025-10-01',
      ate: '2025-10-31',
      saldo_inicial: 1000,
      total_creditos: 150.5,
      total_debitos: 20,
      saldo_final: 1130.5,
      dias: [UM_DIA],
    },
  })

/** The same as a file. */
export const PeriodoCsvSchema = z.string().openapi('PeriodoCsv', {
  description: 'Os dias do período, um por linha (RFC 4180).',
  example:
    'data,total_creditos,total_debitos,saldo_do_dia,saldo_acumulado,quantidade\r\n2025-10-15,150.50,20.00,130.50,1130.50,2\r\n',
})
