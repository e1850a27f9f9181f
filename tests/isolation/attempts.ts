import {
  comChave,
  type Entrada,
  estornar,
  importar,
  lerDia,
  lerLog,
  lerPeriodo,
  lerUm,
  listar,
  lote,
  registrar,
  type Segredos,
} from './merchant.ts'
import type { Pedido } from './world.ts'

/** What an attempt may use: the other merchant's secrets, and what it recorded under them. */
type Alvo = Segredos & { entradas: readonly Entrada[] }

const VAZIO: Entrada = { tipo: 'CREDITO', valor: '1.00', data: '2025-10-15' }
/** A valid id that was never given. */
const NUNCA = '01a00000-0000-7000-8000-000000000000'

/**
 * Everything that one merchant can try with another's secrets, at every route: the same values are sent in the world where
 * they mean something and in the one where they mean nothing.
 *
 * `eu` is the word in the descriptions of who tries.
 */
export const tentativas = (alvo: Alvo, eu: string): Pedido[] => [
  ...porId(alvo),
  ...porCursor(alvo),
  ...porConteudo(alvo, eu),
  ...porEtag(alvo),
  ...['', '?particao=0', '?particao=1&depois_de=0&limite=1'].map((consulta) => com(403, lerLog(consulta))),
]

const com = (espera: number, pedido: Pedido): Pedido => ({ ...pedido, espera })
const semDono = (pedido: Pedido): Pedido => com(404, pedido)

const porId = ({ ids, chaves }: Alvo): Pedido[] => [
  ...[...ids, NUNCA].map((id) => semDono(lerUm(id))),
  ...ids.map((id) => semDono(lerUm(id.toUpperCase()))),
  ...[...ids.slice(0, 3), NUNCA].map((id) => semDono(estornar(id))),
  ...ids.slice(0, 2).map((id) => semDono(estornar(id, chaves[0] ?? 'k'))),
]

const porCursor = ({ cursores, dias, referencias }: Alvo): Pedido[] => [
  ...cursores.map((cursor) => com(400, listar(`?cursor=${cursor}`))),
  ...dias.map((dia) => listar(`?data=${dia}`)),
  ...referencias.map((referencia) => listar(`?referencia=${encodeURIComponent(referencia)}`)),
  listar('?limite=200'),
]

/** Writes with the same keys, `referencia` and files: each is the first of its kind for who sends it now. */
const porConteudo = ({ entradas, chaves, referencias, canario }: Alvo, eu: string): Pedido[] => [
  // The very same request, description and all, and one that differs in its content.
  ...entradas.slice(0, 2).map((entrada) => registrar(entrada, canario)),
  ...chaves.slice(0, 2).map((chave) => registrar({ ...VAZIO, valor: '7.77', chave }, eu)),
  ...referencias.slice(0, 2).map((referencia) => registrar({ ...VAZIO, referencia }, eu)),
  lote(entradas, canario, chaves[0]),
  lote(entradas, eu, chaves[0], '?atomico=true'),
  lote([VAZIO, ...referencias.map((referencia) => ({ ...VAZIO, referencia }))], eu),
  importar(entradas, canario),
  importar([VAZIO, ...entradas], eu),
]

const porEtag = ({ etags, dias }: Alvo): Pedido[] => [
  // Never 304: another one's tag names nothing of one's own, however alike the days are.
  ...dias.map((dia) => com(200, lerDia(dia, { 'if-none-match': etags.join(', ') }))),
  com(200, lerPeriodo({ 'if-none-match': etags.join(', ') })),
  lerPeriodo({ accept: 'text/csv' }),
  lerPeriodo(comChave('x'), '?de=2025-10-14&ate=2025-10-16'),
  // Far beyond every position: nobody's, and the same refusal.
  com(503, lerDia('2025-10-15', { 'fluxo-posicao': '0:9000000000', prefer: 'wait=0' })),
]
