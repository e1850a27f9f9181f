import { MUNICIPIOS } from './municipios.ts'

/** A name without what is written in different ways: accents, capitals, spaces, apostrophes. */
const chaveDe = (nome: string): string =>
  nome
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toUpperCase()

const LOCAIS: ReadonlyMap<string, string> = new Map(
  Object.entries(MUNICIPIOS).flatMap(([uf, nomes]) =>
    nomes.split('|').map((nome) => [`${chaveDe(nome)}/${uf}`, `${nome}/${uf}`] as const),
  ),
)

const CIDADE = /^[\p{Script=Latin}\p{Mn} '’.-]+$/u
const UF_LETRAS = 2

/**
 * The city and state that a carrier's word about a place names, in IBGE's words: `São Paulo/SP`, or `CDD BUTANTA - SAO PAULO / SP`.
 * `undefined` where it names none. Whoever may tell of a carrier's events may write anything there, so nothing that was written is
 * ever shown, and a unit's own name is left out.
 */
export function localVisivel(texto: string): string | undefined {
  const antes = texto.slice(0, -UF_LETRAS).trimEnd()
  if (!antes.endsWith('/') && !antes.endsWith('-')) return undefined
  const cidade =
    antes
      .slice(0, -1)
      .split(/, | - /)
      .at(-1) ?? ''
  if (!CIDADE.test(cidade)) return undefined
  return LOCAIS.get(`${chaveDe(cidade)}/${texto.slice(-UF_LETRAS).toUpperCase()}`)
}
