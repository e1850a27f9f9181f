import { z } from '@hono/zod-openapi'
import { TIPOS } from '../notar/tipos.ts'

/** The pattern of a type's log. What tells of orders has types that begin with `pedido.`. */
const patternOf = (tipo: string): string => `${tipo.startsWith('pedido.') ? 'order' : tipo.split('.')[0]}.*`

/** The types that a name stands for: itself, or all of a log. */
const typesOf = (name: string): readonly string[] => TIPOS.filter((tipo) => tipo === name || patternOf(tipo) === name)

/** What a client wants to hear: types and patterns, by commas. Read, it is the set of types. */
export const WantedSchema = z
  .string()
  .transform((text, ctx): ReadonlySet<string> => {
    const wanted = text.split(',').map(typesOf)
    if (wanted.every((types) => types.length > 0)) return new Set(wanted.flat())
    ctx.issues.push({ code: 'custom', message: 'Há um tipo de evento desconhecido.', input: text })
    return z.NEVER
  })
  .optional()
  .meta({ type: 'string' })
  .openapi({
    description: 'Tipos e padrões, separados por vírgulas; sem isso, todos.',
    example: 'order.*,lancamento.registrado',
  })
