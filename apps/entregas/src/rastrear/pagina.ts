import { html } from 'hono/html'
import { icone } from './icones.ts'
import type { Fase, PassoVisivel, Rastreio } from './rastrear.ts'

/** Where the page's own files are; beside the pages and not below them, so that no token can look like a file. */
export const ESTILO_PATH = '/rastreio/pagina.css'
export const SCRIPT_PATH = '/rastreio/pagina.js'

type Html = ReturnType<typeof html>

/** All times on the page are São Paulo time. */
const FORMATO = new Intl.DateTimeFormat('pt-BR', {
  timeZone: 'America/Sao_Paulo',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})

const momento = (quando: Date): Html => html`<time datetime="${quando.toISOString()}">${FORMATO.format(quando)}</time>`

const passo = ({ titulo, detalhe, quando }: PassoVisivel): Html => html`<li>
<p class="titulo">${titulo}</p>
<p class="quando">${momento(quando)}</p>${detalhe === undefined ? '' : html`\n<p class="detalhe">${detalhe}</p>`}
</li>`

const fase = ({ titulo, estado }: Fase): Html =>
  estado === 'atual'
    ? html`<li class="atual" aria-current="step">${titulo}</li>`
    : html`<li class="${estado}">${titulo}<span class="oculto">${estado === 'feita' ? ': concluído' : ': ainda não'}</span></li>`

/** Where the parcel is on its usual way; nothing where it has left that way. */
const andamento = (fases: readonly Fase[]): Html | '' =>
  fases.length === 0 ? '' : html`<ol class="fases" aria-label="Andamento">${fases.map(fase)}</ol>`

const documento = (titulo: string, cabeca: Html | '', main: Html): Html => html`<!doctype html>
<html lang="pt-BR">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="color-scheme" content="light dark">
<title>${titulo}</title>
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
export const paginaDoRastreio = ({ titulo, frase, desde, icone: qual, fases, encerrado, passos }: Rastreio): Html =>
  documento(
    `${titulo} · Rastreio do pedido`,
    encerrado ? '' : html`\n<script src="${SCRIPT_PATH}" defer></script>`,
    html`<main>
<h1>Rastreio do pedido</h1>
<div class="cartao">
<div id="situacao" role="status" aria-live="polite" aria-atomic="true">
${icone(qual)}
<p class="agora">${titulo}</p>
<p>${frase}</p>
<p class="quando">${momento(desde)}</p>
</div>
<div id="andamento">${andamento(fases)}</div>
</div>
<h2 id="historico">Histórico</h2>
<div class="cartao">
<ol id="passos" class="passos" aria-labelledby="historico" reversed>
${passos.map(passo)}
</ol>
</div>
<p id="atualizar"${encerrado ? ' hidden' : ''}><a href="">Atualizar agora</a></p>
<p class="nota">Horários de Brasília.</p>
</main>`,
  )

/** What a token that opens nothing leads to; it does not say whether it ever did. */
export const paginaNaoEncontrada = (): Html =>
  documento(
    'Rastreio não encontrado',
    '',
    html`<main>
<h1>Rastreio não encontrado</h1>
<p class="cartao">Este endereço não abre nenhum pedido, ou deixou de abrir. Peça um novo à loja.</p>
</main>`,
  )
