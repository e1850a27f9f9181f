import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { exportFollowMetrics } from './metrics.ts'

test('a group that follows two logs shows how far it is in each', async () => {
  const registry = new Registry()
  const show = (log: string, aplicadaAte: number) =>
    exportFollowMetrics({
      ...{ group: 'avisos', log, registry },
      stops: { has: () => log === 'lancamentos' },
      watermarks: async () => [
        { particao: 0, aplicadaAte, epoca: null, ultimaPosicao: 0, ultimoId: null, divergente: null, holes: [] },
      ],
      letters: async () => ({ database: 'avisos', pendentes: 2, redirigidas: 0 }),
    })
  show('pedidos', 7)
  show('lancamentos', 9)
  const text = await registry.metrics()
  expect(text).toContain('fluxo_follow_aplicada_ate{group="avisos",log="pedidos",particao="0"} 7')
  expect(text).toContain('fluxo_follow_aplicada_ate{group="avisos",log="lancamentos",particao="0"} 9')
  expect(text).toContain('fluxo_follow_parada{group="avisos",log="pedidos",particao="0"} 0')
  expect(text).toContain('fluxo_follow_parada{group="avisos",log="lancamentos",particao="0"} 1')
  // Those of both tables of letters.
  expect(text).toContain('fluxo_follow_dead_letters{database="avisos"} 4')
})
