/** What a token may allow, each with what a merchant reads about it. */
export const SCOPES = {
  'lancamentos:escrever': 'Registrar, importar e estornar lançamentos.',
  'lancamentos:ler': 'Ler lançamentos.',
  'consolidado:ler': 'Ler saldos.',
  'entregas:escrever': 'Criar e mover pedidos, abrir páginas de rastreio; manter webhooks que só ouvem pedidos.',
  'entregas:ler': 'Ler pedidos e sua história; ler webhooks que só ouvem pedidos.',
  'avisos:escrever': 'Manter webhooks.',
  'avisos:ler': 'Ler webhooks e suas entregas; escutar ao vivo tudo o que acontece.',
  'eventos:ler': 'Ler os logs e os saldos de todos os comerciantes: para serviços, dentro da rede.',
} as const

export type Scope = keyof typeof SCOPES
