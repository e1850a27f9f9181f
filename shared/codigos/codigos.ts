import { DA_REQUISICAO } from './da-requisicao.ts'
import { DO_CONTEUDO } from './do-conteudo.ts'
import { DO_SERVICO } from './do-servico.ts'

/** What a problem's code means: its status, and in Portuguese its title, what has happened and what helps. */
export type Significado = { status: number; titulo: string; significa: string; oQueFazer: string }

/**
 * Every code that an answer may have, the only place that gives them statuses and words.
 *
 * Problem documents, the pages at `/problemas/{codigo}` and the API document take theirs from here. A code is for ever: its meaning does
 * not change, and it goes only with a new version of the API.
 */
export const CODIGOS = { ...DA_REQUISICAO, ...DO_CONTEUDO, ...DO_SERVICO } satisfies Record<string, Significado>

/** What a program branches on. */
export type Codigo = keyof typeof CODIGOS

/** Whether a text from outside is a code. */
export const ehCodigo = (texto: string): texto is Codigo => Object.hasOwn(CODIGOS, texto)
