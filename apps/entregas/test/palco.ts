import { createHmac } from 'node:crypto'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { json } from './bancada.ts'
import { createCasa, type Pedir } from './casa.ts'
import { createReceptor, type Recebida } from './receptor.ts'

export type Criado = { id: string; secret: string; events: string[] | null }
export type Entrega = {
  id: string
  type: string
  status: string
  next_attempt_at?: string
  held_since?: string
  held_reason?: string
  attempts: { attempt: number; status?: number; error?: string; response?: string }[]
}

/** A house with one instance, a merchant, and a receiver of its webhooks. */
export async function createPalco() {
  const casa = await createCasa()
  const sql = createSql({ url: casa.database.ownerUrl, max: 2, name: 'teste' })
  const receptor = await createReceptor()
  const uma = await casa.abrir('a', { permiteLoopback: true, pollMs: 20, descansoMs: 50 })
  const pedir = await uma.como('loja')
  const entregas = async (id: string, consulta = ''): Promise<Entrega[]> =>
    ((await (await pedir(`/webhooks/${id}/deliveries${consulta}`)).json()) as { itens: Entrega[] }).itens
  return {
    casa,
    sql,
    receptor,
    uma,
    pedir,
    entregas,
    criar: async (corpo: object = {}, por: Pedir = pedir): Promise<Criado> => {
      const resposta = await por('/webhooks', json({ url: receptor.url, ...corpo }))
      if (resposta.status !== 201) throw new Error(`${resposta.status}: ${await resposta.text()}`)
      return (await resposta.json()) as Criado
    },
    chegaram: (quantas: number) =>
      waitFor(() => receptor.recebidas.length >= quantas, { timeoutMs: 20_000, what: `${quantas} webhooks` }),
    situacoes: async (id: string, esperadas: readonly string[]): Promise<Entrega[]> => {
      await waitFor(async () => (await entregas(id)).map(({ status }) => status).join() === esperadas.join(), {
        timeoutMs: 20_000,
        what: `deliveries ${esperadas.join()}`,
      })
      return entregas(id)
    },
    /** What waits for its next attempt is due now. */
    vencer: () => sql`update aviso set vence_em = now() where vence_em is not null`,
    fechar: async () => {
      await casa.fechar()
      await receptor.fechar()
      await closeSql(sql)
    },
  }
}

export type Palco = Awaited<ReturnType<typeof createPalco>>

/** Whether a message is signed with this secret, as a receiver finds out. */
export const assinadaCom = (segredo: string, { headers, body, id }: Recebida): boolean => {
  const chave = Buffer.from(segredo.slice('whsec_'.length), 'base64')
  const texto = `${id}.${String(headers['webhook-timestamp'])}.${body}`
  const assinatura = `v1,${createHmac('sha256', chave).update(texto).digest('base64')}`
  return String(headers['webhook-signature']).split(' ').includes(assinatura)
}
