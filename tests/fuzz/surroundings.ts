import { z } from 'zod'
import { type Operation, operationsOf } from '../stage/openapi-document.ts'
import type { Surroundings } from './case.ts'

const SEEDED = 20
const CreatedSchema = z.object({ id: z.uuid() })
const PageSchema = z.object({ proximo: z.string() })

/** Where a service answers, and where its document is. */
type Doors = Readonly<Record<'lancamentos' | 'consolidado', { url: string; document: string }>>

/** Registers some entries, and gathers what cases are made of: the documented calls that `known` keeps. */
export const prepare = async (
  doors: Doors,
  tokens: Surroundings['tokens'],
  known: (operation: Operation) => boolean = () => true,
): Promise<Surroundings> => {
  const { url } = doors.lancamentos
  const post = async (n: number): Promise<string> => {
    const answer = await fetch(`${url}/lancamentos`, {
      method: 'POST',
      headers: { Authorization: tokens.merchant, 'Content-Type': 'application/json' },
      body: JSON.stringify({ tipo: 'CREDITO', valor: `${n + 1}.00`, data: '2025-10-15', descricao: 'Venda' }),
    })
    return CreatedSchema.parse(await answer.json()).id
  }
  const ids = await Promise.all(Array.from({ length: SEEDED }, (_, n) => post(n)))
  const page = await fetch(`${url}/lancamentos?limite=5`, { headers: { Authorization: tokens.merchant } })
  const read = async (service: keyof Doors) =>
    operationsOf(service, await (await fetch(doors[service].document)).json()).filter(known)
  const [first, ...more] = [...(await read('lancamentos')), ...(await read('consolidado'))]
  if (first === undefined) throw new Error('the documents describe no call')
  return { operations: [first, ...more], ids, tokens, cursor: PageSchema.parse(await page.json()).proximo }
}
