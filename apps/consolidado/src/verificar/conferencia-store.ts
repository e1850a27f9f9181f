import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import type { Transactions, Tx } from '@fluxo/shared/postgres/transactions'
import { VERSOES_POR_GERACAO } from '../domain/saldo.ts'
import type { Dia } from '../projetar/saldo-store.ts'
import type { DiaAgregado } from '../reconstruir/agregado.ts'
import { type Foto, lerFoto } from './foto.ts'
import type { SaldoGuardado, Soma } from './verificar.ts'

/** How far a partition was added up, and of what. */
export type Conferida = {
  particao: number
  posicao: number
  ultimoId: string | null
  faltas: number
  epoca: string
  geracao: number
  redirigidas: number
}

/** A day on both sides: what was added up of the ledger until `Conferida.posicao`, and its row (undefined: none). */
export type Par = { comercianteId: string; data: string; conferida: Soma; saldo: SaldoGuardado | undefined }

/** One snapshot of everything that is compared: how many days, and up to which (undefined where the table ended). */
export type Instante = {
  foto: Foto
  redirigidas: number
  conferidas: Conferida[]
  pares: Par[]
  dias: number
  ate: Dia | undefined
}

export type ConferenciaStore = {
  /** The given days, all of them. */
  dias(dias: readonly Dia[]): Promise<Instante>
  /** The next `limite` days after `depoisDe` in the order of their key; of them those that differ. */
  trecho(depoisDe: Dia | undefined, limite: number): Promise<Instante>
  /** Adds days and moves the position, both or neither. False where another instance was here first. */
  gravar(antes: Conferida, depois: Conferida, dias: readonly DiaAgregado[]): Promise<boolean>
  /** Forgets a partition's sums and begins anew. */
  recomecar(nova: Conferida): Promise<void>
}

type LinhaDePar = { comerciante_id: string; data: string } & Record<
  'creditos' | 'debitos' | 'creditos_c' | 'debitos_c',
  string | null
> &
  Record<'quantidade' | 'quantidade_c' | 'versao', number | null>

const CONFERIDAS = `
select particao::int as particao, posicao::float8 as posicao, ultimo_id::text as "ultimoId", faltas::float8 as faltas,
  epoca::text as epoca, geracao, redirigidas::float8 as redirigidas
from conferencia_particao order by conferencia_particao.particao`

const COLUNAS = `data::text as data, s.creditos::text as creditos, s.debitos::text as debitos,
  s.quantidade::float8 as quantidade, s.versao::float8 as versao,
  c.creditos::text as creditos_c, c.debitos::text as debitos_c, c.quantidade::float8 as quantidade_c`

const DIAS = `
select k.comerciante_id, k.${COLUNAS}
from unnest($2::text::text[], $3::text::date[]) as k(comerciante_id, data)
left join saldo s on s.geracao = $1::int and s.comerciante_id = k.comerciante_id and s.data = k.data
left join conferencia c on c.comerciante_id = k.comerciante_id and c.data = k.data`

/** Both tables from the same day on, to the day that both have reached: the first of the two ends that are full. */
const TRECHO = `
with s as materialized (
  select * from saldo where geracao = $1::int and (comerciante_id, data) > ($2, $3::date)
  order by comerciante_id, data limit $4::int
), c as materialized (
  select * from conferencia where (comerciante_id, data) > ($2, $3::date) order by comerciante_id, data limit $4::int
), fim as materialized (
  select comerciante_id, data from (
    (select comerciante_id, data from s order by comerciante_id, data offset $4::int - 1)
    union all (select comerciante_id, data from c order by comerciante_id, data offset $4::int - 1)) f
  order by comerciante_id, data limit 1
)
select comerciante_id, ${COLUNAS}, false as fim
from (select * from s where (comerciante_id, data) <= (select comerciante_id, data from fim) or not exists (select from fim)) s
full join (select * from c where (comerciante_id, data) <= (select comerciante_id, data from fim) or not exists (select from fim)) c
  using (comerciante_id, data)
where (s.creditos, s.debitos, s.quantidade) is distinct from (c.creditos, c.debitos, c.quantidade)
  or s.versao - $1::bigint * ${VERSOES_POR_GERACAO}::bigint not between 1 and s.quantidade
union all
select f.comerciante_id, f.data::text, null, null, (select count(*) from s)::float8, null, null, null, null, true
from (select 1) uma left join fim f on true`

const GRAVAR = `
with passo as (
  update conferencia_particao set posicao = $3::text::bigint, ultimo_id = $4::text::uuid, faltas = $5::text::bigint
  where particao = $1::smallint and conferencia_particao.posicao = $2::text::bigint and epoca = $6::text::uuid and geracao = $7::int
  returning particao
), soma as (
  insert into conferencia as c (particao, comerciante_id, data, creditos, debitos, quantidade)
  select p.particao, d.* from passo p,
    unnest($8::text::text[], $9::text::date[], $10::text::numeric[], $11::text::numeric[], $12::text::bigint[]) as d
  on conflict (comerciante_id, data) do update set
    creditos = c.creditos + excluded.creditos,
    debitos = c.debitos + excluded.debitos,
    quantidade = c.quantidade + excluded.quantidade
)
select count(*)::int as passos from passo`

const ESTADO = `
insert into conferencia_particao (particao, posicao, ultimo_id, faltas, epoca, geracao, redirigidas)
values ($1::smallint, 0, null, 0, $2::text::uuid, $3::int, $4::text::bigint)
on conflict (particao) do update set posicao = 0, ultimo_id = null, faltas = 0, epoca = excluded.epoca,
  geracao = excluded.geracao, redirigidas = excluded.redirigidas`

/** Rows deleted at once: a fraction of a second. */
const DELETE_ROWS = 10_000
/** No generation has this number, so what is half deleted is never taken for valid. */
const NENHUMA_GERACAO = 0

/** Reads both sides in one snapshot, and writes the check's own. */
export function createConferenciaStore(transactions: Transactions): ConferenciaStore {
  const instante = <T extends Pick<Instante, 'pares' | 'dias' | 'ate'>>(ler: (tx: Tx, geracao: number) => Promise<T>) =>
    transactions.run(async (tx): Promise<Instante> => {
      await tx`set transaction isolation level repeatable read read only`
      const foto = await lerFoto(tx)
      const [letras] = await tx<{ redirigidas: number }[]>`
        select count(redirigida_em)::float8 as redirigidas from carta_morta`
      const conferidas = await tx.unsafe<Conferida[]>(CONFERIDAS)
      return {
        foto,
        redirigidas: letras?.redirigidas ?? 0,
        conferidas: [...conferidas],
        ...(await ler(tx, foto.geracao)),
      }
    })
  return {
    dias: (dias) =>
      instante(async (tx, geracao) => {
        if (dias.length === 0) return { pares: [], dias: 0, ate: undefined }
        const chaves = [arrayLiteral(dias.map((d) => d.comercianteId)), arrayLiteral(dias.map((d) => d.data))]
        const linhas = await tx.unsafe<LinhaDePar[]>(DIAS, [geracao, ...chaves])
        return { pares: linhas.map(parDe), dias: dias.length, ate: undefined }
      }),
    trecho: (depoisDe, limite) =>
      instante(async (tx, geracao) => {
        const { comercianteId, data } = depoisDe ?? { comercianteId: '', data: '0001-01-01' }
        const parametros = [geracao, comercianteId, data, limite]
        const linhas = await tx.unsafe<(LinhaDePar & { fim: boolean })[]>(TRECHO, parametros)
        const fim = linhas.find((linha) => linha.fim)
        // The statement's own closing line: how many days it looked at, and where it stopped before the end.
        const ate = fim?.comerciante_id ? { comercianteId: fim.comerciante_id, data: fim.data } : undefined
        return { pares: linhas.filter((linha) => !linha.fim).map(parDe), dias: fim?.quantidade ?? 0, ate }
      }),
    gravar: (antes, depois, dias) =>
      transactions.run(async (tx) => {
        const colunas = [
          dias.map((d) => d.comercianteId),
          dias.map((d) => d.data),
          dias.map((d) => d.creditos),
          dias.map((d) => d.debitos),
          dias.map((d) => d.quantidade),
        ]
        const { particao, posicao, ultimoId, faltas, epoca, geracao } = depois
        const estado = [particao, String(antes.posicao), String(posicao), ultimoId, String(faltas), epoca, geracao]
        const [feito] = await tx.unsafe<{ passos: number }[]>(GRAVAR, [...estado, ...colunas.map(arrayLiteral)])
        return feito?.passos === 1
      }),
    recomecar: async ({ particao, epoca, geracao, redirigidas }) => {
      const escrever = (g: number) =>
        transactions.run((tx) => tx.unsafe(ESTADO, [particao, epoca, g, String(redirigidas)]))
      await escrever(NENHUMA_GERACAO)
      const apagar = `delete from conferencia where ctid = any
        (array(select ctid from conferencia where particao = $1::smallint limit ${DELETE_ROWS}))`
      for (let apagadas = DELETE_ROWS; apagadas === DELETE_ROWS; ) {
        apagadas = (await transactions.run((tx) => tx.unsafe(apagar, [particao]))).count
      }
      await escrever(geracao)
    },
  }
}

const parDe = (linha: LinhaDePar): Par => ({
  comercianteId: linha.comerciante_id,
  data: linha.data,
  conferida: {
    creditos: BigInt(linha.creditos_c ?? 0),
    debitos: BigInt(linha.debitos_c ?? 0),
    quantidade: linha.quantidade_c ?? 0,
  },
  saldo:
    linha.creditos === null
      ? undefined
      : {
          creditos: BigInt(linha.creditos),
          debitos: BigInt(linha.debitos ?? 0),
          quantidade: linha.quantidade ?? 0,
          versao: linha.versao ?? 0,
        },
})
