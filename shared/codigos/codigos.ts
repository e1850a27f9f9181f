import { OF_CONTENT } from './content.ts'
import { OF_REQUESTS } from './request.ts'
import { OF_SERVICE } from './service.ts'

/** What a problem's code means: its status, and in Portuguese its title, what has happened and what helps. */
export type Meaning = { status: number; titulo: string; significa: string; remedy: string }

/**
 * Every code that an answer may have, the only place that gives them statuses and words.
 *
 * Problem documents, the pages at `/problemas/{codigo}` and the API document take theirs from here. A code is for ever: its meaning does
 * not change, and it goes only with a new version of the API.
 *
 * @example
 * CODIGOS['chave-reutilizada'].status // 422
 */
export const CODIGOS = { ...OF_REQUESTS, ...OF_CONTENT, ...OF_SERVICE } satisfies Record<string, Meaning>

/** What a program branches on. */
export type Codigo = keyof typeof CODIGOS

/** Whether a text from outside is a code. */
export const isCodigo = (text: string): text is Codigo => Object.hasOwn(CODIGOS, text)
