import { decimalFromCents } from '@fluxo/shared/money'
import { createRandom } from '../tests/stage/random.ts'
import { MERCHANTS } from './entries.ts'

/** One order as a merchant would send it; `valor` in cents, on half of them. */
export type Order = {
  comercianteId: string
  customerName: string
  address: string
  valor: bigint | undefined
  withReferencia: boolean
  withChave: boolean
}

/** Of the length and the letters that such texts have. */
const NAMES = ['Ana Souza', 'João da Silva Pereira', 'Maria Aparecida Gonçalves', 'Padaria São José Ltda', 'Zé Ramos']
const STREETS = ['Rua das Flores', 'Avenida Paulista', 'Travessa Nossa Senhora da Conceição', 'Rua XV de Novembro']
const CITIES = ['São Paulo - SP', 'Belo Horizonte - MG', 'Ribeirão Preto - SP', 'Rio de Janeiro - RJ', 'Recife - PE']
const NUMBER_MAX = 3_000
const VALOR_MAX = 250_000

/**
 * Makes orders without end, the same for the same seed: merchants mixed, half paid on delivery, half with a `referencia` and
 * half with an idempotency key unless they are `plain`.
 */
export const createOrders = ({ seed, plain }: { seed: number; plain: boolean }): (() => Order) => {
  const random = createRandom(seed, 'orders')
  return () => ({
    comercianteId: random.pick(MERCHANTS),
    customerName: random.pick(NAMES),
    address: `${random.pick(STREETS)}, ${random.int(1, NUMBER_MAX)}, ${random.pick(CITIES)}`,
    valor: random.chance(0.5) ? BigInt(random.int(1, VALOR_MAX)) : undefined,
    withReferencia: !plain && random.chance(0.5),
    withChave: !plain && random.chance(0.5),
  })
}

/** An order as the body of a POST. `mark` makes its `referencia` unique. */
export const orderJson = ({ customerName, address, valor, withReferencia }: Order, mark: string): string =>
  `{"customer_name":${JSON.stringify(customerName)},"address":${JSON.stringify(address)}` +
  `${valor === undefined ? '' : `,"valor":${decimalFromCents(valor)}`}${withReferencia ? `,"referencia":"PED-${mark}"` : ''}}`
