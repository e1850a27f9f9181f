import { createHmac } from 'node:crypto'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { type Ask, json } from '@fluxo/tests/stage/doors'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { createCluster } from './cluster.ts'
import { createReceiver, type ReceivedMessage } from './receiver.ts'

export type CreatedWebhook = { id: string; secret: string; events: string[] | null }
export type AvisoAnswer = {
  id: string
  type: string
  status: string
  next_attempt_at?: string
  held_since?: string
  held_reason?: string
  attempts: { attempt: number; status?: number; error?: string; response?: string }[]
}

/** A house with one instance, a merchant, and a receiver of its webhooks. */
export async function createWebhookStage() {
  const cluster = await createCluster()
  const sql = createSql({ url: cluster.database.ownerUrl, max: 2, name: 'teste' })
  const receiver = await createReceiver()
  const node = await cluster.open('a', { allowsLoopback: true, pollMs: 20, restMs: 50 })
  const ask = await node.askAs('loja')
  const avisos = async (id: string, query = ''): Promise<AvisoAnswer[]> =>
    ((await (await ask(`/webhooks/${id}/deliveries${query}`)).json()) as { itens: AvisoAnswer[] }).itens
  return {
    cluster,
    sql,
    receiver,
    node,
    ask,
    avisos,
    create: async (fields: object = {}, by: Ask = ask): Promise<CreatedWebhook> => {
      const answer = await by('/webhooks', json({ url: receiver.url, ...fields }))
      if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as CreatedWebhook
    },
    arrived: (count: number) =>
      waitFor(() => receiver.messages.length >= count, { timeoutMs: 20_000, what: `${count} webhooks` }),
    statuses: async (id: string, expected: readonly string[]): Promise<AvisoAnswer[]> => {
      await waitFor(async () => (await avisos(id)).map(({ status }) => status).join() === expected.join(), {
        timeoutMs: 20_000,
        what: `deliveries ${expected.join()}`,
      })
      return avisos(id)
    },
    /** What waits for its next attempt is due now. */
    makeDue: () => sql`update aviso set vence_em = now() where vence_em is not null`,
    close: async () => {
      await cluster.close()
      await receiver.close()
      await closeSql(sql)
    },
  }
}

export type WebhookStage = Awaited<ReturnType<typeof createWebhookStage>>

/** Whether a message is signed with this secret, as a receiver finds out. */
export const isSignedWith = (secret: string, { headers, body, id }: ReceivedMessage): boolean => {
  const chave = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const text = `${id}.${String(headers['webhook-timestamp'])}.${body}`
  const signature = `v1,${createHmac('sha256', chave).update(text).digest('base64')}`
  return String(headers['webhook-signature']).split(' ').includes(signature)
}
