import { diaValido, MENSAGEM_DE_DIA } from '@fluxo/shared/dia'
import { FormatoSchema } from '@fluxo/shared/http/csv-format'
import { z } from '@hono/zod-openapi'
import { diasEntre } from './dia.ts'

/** Days of one period at most (API.md): a leap year. */
export const PERIODO_DIAS_MAX = 366

const DiaSchema = z
  .string({ error: (issue) => (issue.input === undefined ? 'Campo obrigatório.' : undefined) })
  .refine(diaValido, { error: MENSAGEM_DE_DIA })
  .openapi({ format: 'date', example: '2025-10-15' })

export const ParamsDoDiaSchema = z.strictObject({ data: DiaSchema })

/** A day takes no query parameter: a misspelt one must not be ignored in silence. */
export const SemParametrosSchema = z.strictObject({})

const ehPeriodo = ({ de, ate }: { de: string; ate: string }) => diaValido(de) && diaValido(ate)

export const PeriodoQuerySchema = z
  .strictObject({ de: DiaSchema, ate: DiaSchema, formato: FormatoSchema })
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
  'fluxo-posicao': z.string().optional().openapi({
    description: 'A resposta contém estas posições, como as escritas as devolveram. As de outro log não contam.',
    example: '0:1234, 1:55',
  }),
  prefer: z
    .string()
    .optional()
    .openapi({ description: 'Segundos de espera pela posição: 2 por padrão, 10 no máximo.', example: 'wait=2' }),
  'if-none-match': z.string().optional().openapi({ description: 'ETag de uma resposta anterior: 304 se nada mudou.' }),
})

const valor = z.number().openapi({ description: 'Reais, com exatamente duas casas.', example: 150.5 })

export const SaldoSchema = z
  .object({
    data: z.iso.date(),
    total_creditos: valor,
    total_debitos: valor,
    saldo_final: valor.openapi({ description: 'Créditos menos débitos deste dia.' }),
    quantidade: z.int(),
    atualizado_em: z.iso.datetime().nullable().openapi({ description: 'Nulo em um dia sem lançamentos.' }),
  })
  .openapi('SaldoDoDia')

export const PeriodoSchema = z
  .object({
    de: z.iso.date(),
    ate: z.iso.date(),
    saldo_inicial: valor.openapi({ description: 'Tudo o que veio antes de `de`.' }),
    total_creditos: valor,
    total_debitos: valor,
    saldo_final: valor.openapi({ description: '`saldo_inicial` mais o período.' }),
    dias: z
      .array(
        z.object({
          data: z.iso.date(),
          total_creditos: valor,
          total_debitos: valor,
          saldo_do_dia: valor,
          saldo_acumulado: valor.openapi({ description: '`saldo_inicial` mais os dias até este.' }),
          quantidade: z.int(),
        }),
      )
      .openapi({ description: 'Os dias com lançamentos, em ordem; dias sem lançamentos não são listados.' }),
  })
  .openapi('Periodo')

const cabecalho = (description: string, example: string) => ({
  description,
  schema: { type: 'string' as const, example },
})

/** Headers of every answer here. */
export const CABECALHOS = {
  ETag: cabecalho('Muda quando a resposta muda.', '"1099511627777-loja-1"'),
  'Cache-Control': cabecalho('Guardar só no cliente, e perguntar antes de usar.', 'private, no-cache'),
  'Fluxo-Cache': cabecalho('hit, miss, stale (o banco está fora: o último valor conhecido) ou bypass.', 'hit'),
}
