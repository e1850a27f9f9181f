import { createRandom } from '../tests/stage/random.ts'

/** One entry as a merchant would send it; `valor` in cents. */
export type Entry = {
  comercianteId: string
  tipo: 'CREDITO' | 'DEBITO'
  valor: bigint
  data: string
  descricao: string
  withReferencia: boolean
  withChave: boolean
}

/** A small town: enough merchants that their tokens and days differ, few enough that days are hot. */
export const MERCHANTS = Array.from({ length: 50 }, (_, i) => `loja-${i + 1}`)
const FIRST_DAY = Date.UTC(2025, 9, 1)
const DAY_MS = 86_400_000
const DAYS_COUNT = 30

/** The calendar day `index` days after the first one. */
export const dayOf = (index: number, first = FIRST_DAY): string =>
  new Date(first + index * DAY_MS).toISOString().slice(0, 10)

export const DAYS = Array.from({ length: DAYS_COUNT }, (_, i) => dayOf(i))

/** Of the length and the letters that such texts have. */
const DESCRICOES = [
  'Venda balcão',
  'Venda cartão débito',
  'Venda cartão crédito 2x',
  'Pix recebido - cliente',
  'Fornecedor de embalagens',
  'Conta de luz',
  'Aluguel da loja',
  'Venda produto X',
  'Entrega por motoboy',
  'Frete transportadora',
  'Troco inicial do caixa',
  'Compra de mercadoria para revenda',
  'Taxa da maquininha',
  'Salário - adiantamento quinzenal',
  'Devolução de mercadoria com defeito',
]

const VALOR_MAX = 250_000
const CREDIT_SHARE = 0.7

/**
 * Makes entries without end, the same for the same seed: merchants and days mixed, half with a `referencia` and half with an
 * idempotency key (a quarter with both) unless they are `plain`.
 */
export const createEntries = ({ seed, plain }: { seed: number; plain: boolean }): (() => Entry) => {
  const random = createRandom(seed, 'entries')
  return () => ({
    comercianteId: random.pick(MERCHANTS),
    tipo: random.chance(CREDIT_SHARE) ? 'CREDITO' : 'DEBITO',
    valor: BigInt(random.int(1, VALOR_MAX)),
    data: random.pick(DAYS),
    descricao: random.pick(DESCRICOES),
    withReferencia: !plain && random.chance(0.5),
    withChave: !plain && random.chance(0.5),
  })
}

/** What a set of entries adds up to, by merchant and day, in cents. The key is `merchant day`. */
export type Totals = Map<string, { creditos: bigint; debitos: bigint; quantidade: number }>

/** Adds one entry to the totals: the arithmetic is done here, outside the product's code. */
export const addTo = (totals: Totals, { comercianteId, data, tipo, valor }: Entry): void => {
  const key = `${comercianteId} ${data}`
  const day = totals.get(key) ?? { creditos: 0n, debitos: 0n, quantidade: 0 }
  if (tipo === 'CREDITO') day.creditos += valor
  else day.debitos += valor
  day.quantidade += 1
  totals.set(key, day)
}
