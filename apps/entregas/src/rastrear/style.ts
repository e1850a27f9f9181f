/**
 * Contrast is 7:1 or more in both schemes; nothing is told by colour alone, and nothing moves. The page is read on a phone in the street
 * first: one column, large words, 44 px under a finger.
 */
export const STYLE = `:root {
  color-scheme: light dark;
  --fundo: #f4f6f8;
  --cartao: #ffffff;
  --borda: #d5dce2;
  --texto: #16202a;
  --suave: #3f4b57;
  --linha: #75808c;
  --marca: #0b4f7d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --fundo: #10161c;
    --cartao: #19222b;
    --borda: #35414d;
    --texto: #f1f5f8;
    --suave: #c3ccd5;
    --linha: #8794a1;
    --marca: #9bd0f7;
  }
}
*, ::before, ::after { box-sizing: border-box; }
body {
  margin: 0;
  background: var(--fundo);
  color: var(--texto);
  font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere;
}
main { max-width: 40rem; margin: 0 auto; padding: 1.25rem 1rem 3rem; }
h1 { margin: 0 0 0.75rem; color: var(--suave); font-size: 1rem; font-weight: 600; }
h2 { margin: 2rem 0 1rem; font-size: 1.125rem; }
p { margin: 0; }
.oculto { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.cartao { padding: 1.25rem; border: 1px solid var(--borda); border-radius: 0.75rem; background: var(--cartao); }
#situacao { display: grid; grid-template-columns: auto 1fr; gap: 0 1rem; }
.icone { grid-row: span 3; width: 3rem; height: 3rem; padding: 0.625rem; border-radius: 50%; color: var(--cartao); background: var(--marca); }
.agora { font-size: 1.5rem; font-weight: 700; line-height: 1.25; }
#andamento:not(:empty) { margin-top: 1.25rem; padding-top: 1.25rem; border-top: 1px solid var(--borda); }
.fases { display: grid; grid-template-columns: repeat(4, 1fr); margin: 0 -0.75rem; padding: 0; list-style: none; overflow-wrap: normal; }
.fases li { position: relative; padding: 2rem 0 0; color: var(--suave); font-size: 0.75rem; line-height: 1.3; text-align: center; }
.fases li::before {
  content: "";
  position: absolute;
  z-index: 1;
  top: 0;
  left: calc(50% - 0.8125rem);
  width: 1.625rem;
  height: 1.625rem;
  border: 0.125rem solid var(--linha);
  border-radius: 50%;
  background: var(--cartao);
  font-size: 0.8125rem;
  line-height: 1.375rem;
}
.fases li + li::after {
  content: "";
  position: absolute;
  top: 0.6875rem;
  right: calc(50% + 0.8125rem);
  width: calc(100% - 1.625rem);
  border-top: 0.25rem dotted var(--linha);
}
.fases .done::before, .fases .current::before { border-color: var(--marca); color: var(--cartao); background: var(--marca); }
.fases .done::before { content: "\u2713" / ""; }
.fases .current::before { box-shadow: inset 0 0 0 0.25rem var(--cartao); }
.fases .done + li::after { border-top: 0.25rem solid var(--marca); }
.fases .current { color: var(--texto); font-weight: 700; }
.passos { margin: 0; padding: 0; list-style: none; }
.passos li { position: relative; padding: 0 0 1.25rem 1.75rem; }
.passos li::before {
  content: "";
  position: absolute;
  left: 0;
  top: 0.3125rem;
  width: 0.875rem;
  height: 0.875rem;
  border: 0.125rem solid var(--marca);
  border-radius: 50%;
  background: var(--cartao);
}
.passos li::after {
  content: "";
  position: absolute;
  left: 0.375rem;
  top: 1.375rem;
  bottom: -0.125rem;
  border-left: 0.125rem solid var(--borda);
}
.passos li:first-child::before { background: var(--marca); }
.passos li:last-child { padding-bottom: 0; }
.passos li:last-child::after { content: none; }
.titulo { font-weight: 600; }
.quando, .detalhe, .nota { color: var(--suave); }
.quando, .nota { font-size: 0.875rem; }
.nota { margin-top: 1rem; }
#atualizar { margin-top: 0.5rem; }
a { display: inline-block; padding: 0.625rem 0; color: var(--marca); text-underline-offset: 0.1875rem; }
a:focus-visible { outline: 0.1875rem solid var(--marca); outline-offset: 0.1875rem; border-radius: 0.125rem; }
@media (min-width: 48rem) {
  main { padding-top: 3rem; }
  .cartao { padding: 1.75rem; }
  .agora { font-size: 1.875rem; }
  .fases li { font-size: 0.9375rem; }
}
@media (forced-colors: active) {
  .fases .current::before { border-width: 0.375rem; }
  .icone { border: 0.125rem solid; }
}
@media print {
  #atualizar { display: none; }
}
`
