import { DAY_MESSAGE, isDay } from '@fluxo/shared/day'
import { AmountSchema } from '@fluxo/shared/fields'
import { FormatSchema } from '@fluxo/shared/http/page/csv-format'
import { parameter } from '@fluxo/shared/openapi/documented'
import { z } from '@hono/zod-openapi'
import { daysBetween } from './days.ts'

/** Days of one period at most: a leap year. */
const PERIOD_DAYS_MAX = 366

export const DaySchema = z
  .string({ error: (issue) => (issue.input === undefined ? 'Campo obrigatório.' : undefined) })
  .refine(isDay, { error: DAY_MESSAGE })
  .openapi({ format: 'date', example: '2025-10-15' })

export const DayParamsSchema = z.strictObject({
  data: parameter('Dia', DaySchema.openapi({ description: 'O dia.' })),
})

/** A day takes no query parameter: a misspelt one must not be ignored in silence. */
export const NoParametersSchema = z.strictObject({})

const isPeriod = ({ de, ate }: { de: string; ate: string }) => isDay(de) && isDay(ate)

export const PeriodQuerySchema = z
  .strictObject({
    de: parameter('DeDoPeriodo', DaySchema.openapi({ description: 'Primeiro dia, inclusive.' })),
    ate: parameter(
      'AteDoPeriodo',
      DaySchema.openapi({ description: 'Último dia, inclusive; até 366 dias depois do primeiro.' }),
    ),
    formato: FormatSchema,
  })
  .refine((period) => !isPeriod(period) || period.de <= period.ate, {
    path: ['ate'],
    error: 'Não pode ser anterior a de.',
  })
  .refine((period) => !isPeriod(period) || daysBetween(period.de, period.ate) <= PERIOD_DAYS_MAX, {
    path: ['ate'],
    error: `O período pode ter no máximo ${PERIOD_DAYS_MAX} dias.`,
  })

/** Documentation only: these headers are read where they decide, `readWait` and `etagMatches`. */
export const WaitHeadersSchema = z.object({
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
    total_creditos: AmountSchema,
    total_debitos: AmountSchema,
    saldo_final: AmountSchema.openapi({ description: 'Créditos menos débitos deste dia.' }),
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

/** What others are told of a day. */
export const StateSchema = z
  .object({
    data: z.iso.date(),
    total_creditos: AmountSchema,
    total_debitos: AmountSchema,
    saldo_final: AmountSchema,
    quantidade: z.int(),
    versao: z.int().openapi({ description: 'Cresce a cada mudança do dia: de dois estados vale o de versão maior.' }),
  })
  .openapi('EstadoDoDia', {
    description: 'O estado de um dia.',
    example: {
      data: '2025-10-15',
      total_creditos: 150.5,
      total_debitos: 20,
      saldo_final: 130.5,
      quantidade: 2,
      versao: 1099511627778,
    },
  })

const EXAMPLE_DAY = {
  data: '2025-10-15',
  total_creditos: 150.5,
  total_debitos: 20,
  saldo_do_dia: 130.5,
  saldo_acumulado: 1130.5,
  quantidade: 2,
}

const PeriodDaySchema = z
  .object({
    data: z.iso.date(),
    total_creditos: AmountSchema,
    total_debitos: AmountSchema,
    saldo_do_dia: AmountSchema,
    saldo_acumulado: AmountSchema.openapi({ description: '`saldo_inicial` mais os dias até este.' }),
    quantidade: z.int(),
  })
  .openapi('DiaDoPeriodo', { description: 'Um dia com lançamentos.', example: EXAMPLE_DAY })

export const PeriodSchema = z
  .object({
    de: z.iso.date(),
    ate: z.iso.date(),
    saldo_inicial: AmountSchema.openapi({ description: 'Tudo o que veio antes de `de`.' }),
    total_creditos: AmountSchema,
    total_debitos: AmountSchema,
    saldo_final: AmountSchema.openapi({ description: '`saldo_inicial` mais o período.' }),
    dias: z
      .array(PeriodDaySchema)
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
      dias: [EXAMPLE_DAY],
    },
  })

/** The same as a file. */
export const PeriodCsvSchema = z.string().openapi('PeriodoCsv', {
  description: 'Os dias do período, um por linha (RFC 4180).',
  example:
    'data,total_creditos,total_debitos,saldo_do_dia,saldo_acumulado,quantidade\r\n2025-10-15,150.50,20.00,130.50,1130.50,2\r\n',
})
