import { icone } from './icones.ts'
import type { Fase, PassoVisivel, Rastreio } from './rastrear.ts'

/** Where the page's own files are; beside the pages and not below them, so that no token can look like a file. */
export const ESTILO_PATH = '/rastreio/pagina.css'
export const SCRIPT_PATH = '/rastreio/pagina.js'

const ENTIDADES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as HTML shows it, in elements and in quoted attributes. */
export const escapar = (texto: string): string => texto.replace(/[&<>"']/g, (um) => ENTIDADES[um] ?? um)

/** Everybody who waits for a parcel of ours lives by this clock. */
const FORMATO = new Intl.DateTimeFormat('pt-BR', {
  timeZone: 'America/Sao_Paulo',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})

const momento = (quando: Date): string =>
  `<time datetime="${quando.toISOString()}">${escapar(FORMATO.format(quando))}</time>`

const passo = ({ titulo, detalhe, quando }: PassoVisivel): string => `<li>
<p class="titulo">${escapar(titulo)}</p>
<p class="quando">${momento(quando)}</p>${detalhe === undefined ? '' : `\n<p class="detalhe">${escapar(detalhe)}</p>`}
</li>`

const fase = ({ titulo, estado }: Fase): string =>
  estado === 'atual'
    ? `<li class="atual" aria-current="step">${escapar(titulo)}</li>`
    : `<li class="${estado}">${escapar(titulo)}<span class="oculto">${estado === 'feita' ? ': concluído' : ': ainda não'}</span></li>`

/** Where the parcel is on its usual way; nothing where it has left that way. */
const andamento = (fases: readonly Fase[]): string =>
  fases.length === 0 ? '' : `<ol class="fases" aria-label="Andamento">${fases.map(fase).join('')}</ol>`

const documento = (titulo: string, cabeca: string, main: string): string => `<!doctype html>
<html lang="pt-BR">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="color-scheme" content="light dark">
<title>${escapar(titulo)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${ESTILO_PATH}">${cabeca}
</head>
<body>
${main}
</body>
</html>
`

/**
 * The public page of an order. Without JavaScript it is read anew by its own link; with it, what changed is taken from the server's next
 * version whenever something happens, so there is one place that writes HTML, and it escapes everything.
 */
export const paginaDoRastreio = ({ titulo, frase, desde, icone: qual, fases, encerrado, passos }: Rastreio): string =>
  documento(
    `${titulo} · Rastreio do pedido`,
    encerrado ? '' : `\n<script src="${SCRIPT_PATH}" defer></script>`,
    `<main>
<h1>Rastreio do pedido</h1>
<div class="cartao">
<div id="situacao" role="status" aria-live="polite" aria-atomic="true">
${icone(qual)}
<p class="agora">${escapar(titulo)}</p>
<p>${escapar(frase)}</p>
<p class="quando">${momento(desde)}</p>
</div>
<div id="andamento">${andamento(fases)}</div>
</div>
<h2 id="historico">Histórico</h2>
<div class="cartao">
<ol id="passos" class="passos" aria-labelledby="historico" reversed>
${passos.map(passo).join('\n')}
</ol>
</div>
<p id="atualizar"${encerrado ? ' hidden' : ''}><a href="">Atualizar agora</a></p>
<p class="nota">Horários de Brasília.</p>
</main>`,
  )

/** What a token that opens nothing leads to; it does not say whether it ever did. */
export const paginaNaoEncontrada = (): string =>
  documento(
    'Rastreio não encontrado',
    '',
    `<main>
<h1>Rastreio não encontrado</h1>
<p class="cartao">Este endereço não abre nenhum pedido, ou deixou de abrir. Peça um novo à loja.</p>
</main>`,
  )
