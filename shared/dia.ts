/** First and last year of a calendar day that anything here may have (API.md). */
const ANO_MIN = 1900
const ANO_MAX = 2199
const DIAS_NO_MES = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

const ZERO = 48
const HIFEN = 45

/** Adds up to NaN where it is no digit, which fails every comparison below. */
const digito = (texto: string, i: number): number => {
  const d = texto.charCodeAt(i) - ZERO
  return d >= 0 && d <= 9 ? d : Number.NaN
}

const bissexto = (ano: number): boolean => ano % 4 === 0 && (ano % 100 !== 0 || ano % 400 === 0)

/** True for a real calendar day `YYYY-MM-DD` of 1900–2199. Arithmetic only, 30 ns: it is on the path of every entry and every read. */
export function diaValido(texto: string): boolean {
  if (texto.length !== 10 || texto.charCodeAt(4) !== HIFEN || texto.charCodeAt(7) !== HIFEN) return false
  const ano = digito(texto, 0) * 1000 + digito(texto, 1) * 100 + digito(texto, 2) * 10 + digito(texto, 3)
  const mes = digito(texto, 5) * 10 + digito(texto, 6)
  const dia = digito(texto, 8) * 10 + digito(texto, 9)
  if (!(ano >= ANO_MIN && ano <= ANO_MAX && mes >= 1 && mes <= 12 && dia >= 1)) return false
  return dia <= (mes === 2 && bissexto(ano) ? 29 : (DIAS_NO_MES[mes - 1] ?? 0))
}

/** What the merchant reads where `diaValido` is false. */
export const MENSAGEM_DE_DIA = 'Deve ser um dia real do calendário no formato AAAA-MM-DD, entre 1900 e 2199.'

/** Swedish writes days as ISO 8601 does. */
const CALENDARIO = new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/Sao_Paulo' })

/** As `CALENDARIO`, with the time of day. */
const RELOGIO = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'America/Sao_Paulo',
  dateStyle: 'short',
  timeStyle: 'medium',
})

/**
 * The instant at which clocks in São Paulo show `hora` (`HH:mm:ss`) of `dia` (`YYYY-MM-DD`).
 * Two steps, since the offset (summer time until 2019) is that of the instant that is looked for.
 */
export function instanteEmSaoPaulo(dia: string, hora: string): Date {
  const alvo = Date.parse(`${dia}T${hora}Z`)
  const mostrado = (ms: number): number => Date.parse(`${RELOGIO.format(ms).replace(' ', 'T')}Z`)
  let instante = alvo
  for (let passo = 0; passo < 2; passo += 1) instante += alvo - mostrado(instante)
  return new Date(instante)
}

/** The calendar day, `YYYY-MM-DD`, that clocks in São Paulo show at `instante`. */
export const diaEmSaoPaulo = (instante: Date): string => CALENDARIO.format(instante)
