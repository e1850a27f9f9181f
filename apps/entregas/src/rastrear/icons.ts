import { html } from 'hono/html'

/** The picture beside the words of a status; screen readers skip it. */
export type PageIcon = 'box' | 'road' | 'check' | 'back' | 'warning'

/** Drawn for this page on a field of 24 by 24. */
const PATHS: Readonly<Record<PageIcon, string>> = {
  box: 'M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8',
  road: 'M2 6h11v10H2zM13 10h4l4 3v3h-8zM6.5 19a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3M17 19a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3',
  check: 'M5 13l5 5L19.5 7',
  back: 'M9 6L4 11l5 5M4 11h10a5 5 0 0 1 0 10h-3',
  warning: 'M12 5v9M12 18.5v.5',
}

/** The picture as HTML; whoever listens to the page hears nothing of it. */
export const icon = (kind: PageIcon): ReturnType<typeof html> =>
  html`<svg class="icone" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><path d="${PATHS[kind]}"/></svg>`
