import { parseMultirange } from '@fluxo/shared/inbox/runs'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import type { MarcaCrua, SaldoGuardado } from './verificar.ts'

/** Which days to look at; all where nothing is said. */
export type Recorte = { comercianteId?: string | undefined; de?: string | undefined; ate?: string | undefined }

/** The balances at one moment, in one snapshot: what they are, and which entries they are made of. */
export type Foto = {
  geracao: number
  marcas: MarcaCrua[]
  /** Positions that were passed over without effect, by partition: dead letters that wait. */
  puladas: Map<number, Set<number>>
}

type Linha = { comerciante_id: string; data: string } & Record<'creditos' | 'debitos', string> &
  Record<'quantidade' | 'versao', number>

/** Rows fetched at once. */
const ROWS_AT_ONCE = 5_000
/** Millions of rows take a while, and nobody waits for this statement. */
const STATEMENT_TIMEOUT_MS = 600_000

const MARCAS = `
select particao::int as particao, aplicada_ate::float8 as "aplicadaAte", adiante::text as adiante, epoca::text as epoca,
  ultima_posicao::float8 as "ultimaPosicao", ultimo_id::text as "ultimoId", divergente
from inbox_particao order by inbox_particao.particao`

const PULADAS = `
select particao::int as particao, posicao::float8 as posicao from carta_morta
where pulada_em is not null and redirigida_em is null`

const SALDOS = `
select comerciante_id, data::text as data, creditos::text as creditos, debitos::text as debitos,
  quantidade::float8 as quantidade, versao::float8 as versao
from saldo where geracao = $1::int and ($2::text is null or comerciante_id = $2)
  and ($3::date is null or data >= $3) and ($4::date is null or data <= $4)`

/** Reads generation, inbox and waiting letters, on `sql` whether it is a pool or a transaction's connection. */
export async function lerFoto(sql: Pick<Sql, 'unsafe'>): Promise<Foto> {
  const [projecao] = await sql.unsafe<{ geracao: number }[]>('select geracao from projecao')
  if (projecao === undefined) throw new Error('the database has no projection: run `npm run migrate`')
  const marcas = await sql.unsafe<(Omit<MarcaCrua, 'adiante'> & { adiante: string })[]>(MARCAS)
  const puladas = new Map<number, Set<number>>()
  for (const { particao, posicao } of await sql.unsafe<{ particao: number; posicao: number }[]>(PULADAS)) {
    const posicoes = puladas.get(particao) ?? new Set()
    puladas.set(particao, posicoes.add(posicao))
  }
  return {
    geracao: projecao.geracao,
    marcas: marcas.map((marca) => ({ ...marca, adiante: parseMultirange(marca.adiante) })),
    puladas,
  }
}

/**
 * Takes the picture and gives every balance in it to `ver`. One read-only transaction, open for as long as the rows take
 * to arrive: no other question is asked meanwhile.
 */
export async function tirarFoto(
  databaseUrl: string,
  { comercianteId, de, ate }: Recorte,
  ver: (dia: { comercianteId: string; data: string }, saldo: SaldoGuardado) => void,
): Promise<Foto> {
  // `fetchTypes`, without which postgres.js never hands a new connection to `reserve()` (see createTransactions).
  const options = { max: 1, name: 'verificar', statementTimeoutMs: STATEMENT_TIMEOUT_MS, fetchTypes: true }
  const sql = createSql({ url: databaseUrl, ...options })
  try {
    const conexao = await sql.reserve()
    await conexao`begin isolation level repeatable read read only`
    const foto = await lerFoto(conexao)
    const parametros = [foto.geracao, comercianteId ?? null, de ?? null, ate ?? null]
    for await (const linhas of conexao.unsafe<Linha[]>(SALDOS, parametros).cursor(ROWS_AT_ONCE)) {
      for (const { comerciante_id, data, creditos, debitos, quantidade, versao } of linhas) {
        const saldo = { creditos: BigInt(creditos), debitos: BigInt(debitos), quantidade, versao }
        ver({ comercianteId: comerciante_id, data }, saldo)
      }
    }
    await conexao`commit`
    conexao.release()
    return foto
  } finally {
    await closeSql(sql)
  }
}
