import { z } from 'zod'
import type { Answer } from './wire.ts'

/** What the answers say was registered. */
export type Books = {
  note: (method: string, target: string, answers: readonly Answer[]) => void
  /** Entries, or orders, by their own ids, and those that imports counted. */
  entries: () => number
}

/** The calls whose 201 is one more entry or order, each with an id of its own. */
const REGISTERS = new Set(['/lancamentos', '/lancamentos/{id}/estorno', '/orders'])
const CreatedSchema = z.object({ id: z.uuid() })
const BatchSchema = z.array(z.object({ situacao: z.string(), id: z.uuid().optional() }))
const ImportSchema = z.object({ criados: z.int() })

/** Keeps count of every entry that an answer acknowledged. */
export const createBooks = (): Books => {
  const ids = new Set<string>()
  let imported = 0
  return {
    note: (method, target, answers) => {
      if (method !== 'POST') return
      for (const { status, body } of answers) {
        if (status === 201 && REGISTERS.has(target)) ids.add(CreatedSchema.parse(JSON.parse(body)).id)
        else if (status === 200 && target.includes('/lote')) {
          for (const { situacao: outcome, id } of BatchSchema.parse(JSON.parse(body))) {
            if (outcome === 'criado' && id !== undefined) ids.add(id)
          }
        } else if (status === 200 && target.includes('/importacoes'))
          imported += ImportSchema.parse(JSON.parse(body)).criados
      }
    },
    entries: () => ids.size + imported,
  }
}
