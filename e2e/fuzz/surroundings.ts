import { z } from 'zod'
import type { Fluxo } from '../fluxo.ts'
import type { Surroundings } from './case.ts'
import type { Operation, operationsOf } from './document.ts'

const SEEDED = 20
const CreatedSchema = z.object({ id: z.uuid() })
const PageSchema = z.object({ proximo: z.string() })

type Urls = Readonly<Record<Operation['service'], string>>

/** Registers some entries, and gathers what cases are made of. */
export const prepare = async (fluxo: Fluxo, urls: Urls, read: typeof operationsOf): Promise<Surroundings> => {
  const [merchant, other, service] = [
    (await fluxo.as('loja-do-caos')).Authorization,
    (await fluxo.as('outra-loja')).Authorization,
    await fluxo.asService(),
  ]
  const post = async (n: number): Promise<string> => {
    const answer = await fetch(`${urls.lancamentos}/lancamentos`, {
      method: 'POST',
      headers: { Authorization: merchant, 'Content-Type': 'application/json' },
      body: JSON.stringify({ tipo: 'CREDITO', valor: `${n + 1}.00`, data: '2025-10-15', descricao: 'Venda' }),
    })
    return CreatedSchema.parse(await answer.json()).id
  }
  const ids = await Promise.all(Array.from({ length: SEEDED }, (_, n) => post(n)))
  const page = await fetch(`${urls.lancamentos}/lancamentos?limite=5`, { headers: { Authorization: merchant } })
  const document = async (name: Operation['service']) => (await fetch(`${urls[name]}/openapi.json`)).json()
  const [first, ...more] = [
    ...read('lancamentos', await document('lancamentos')),
    ...read('consolidado', await document('consolidado')),
  ]
  if (first === undefined) throw new Error('the documents describe no call')
  return {
    operations: [first, ...more],
    ids,
    tokens: { merchant, other, service },
    cursor: PageSchema.parse(await page.json()).proximo,
  }
}
