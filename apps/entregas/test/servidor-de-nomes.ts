import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** What a name server says of a name: its addresses, that it fails or knows no such name, or nothing at all. */
export type Resposta = readonly string[] | 'falha' | 'desconhecido' | 'calado'

const TIPO = { A: 1, AAAA: 28 } as const
const CODIGO = { certo: 0, falha: 2, desconhecido: 3 } as const
const CABECALHO_BYTES = 12
/** Answer, recursion desired and available. */
const RESPONDE = 0x8180
/** The name of an answer is the one of the question, which begins after the header. */
const O_PERGUNTADO = 0xc00c
const TTL_S = 1

/** The question of a message: its name, its type, and where it ends. */
function perguntaDe(mensagem: Buffer): { nome: string; tipo: number; fim: number } {
  const partes: string[] = []
  let em = CABECALHO_BYTES
  for (let tamanho = mensagem.readUInt8(em); tamanho > 0; tamanho = mensagem.readUInt8(em)) {
    partes.push(mensagem.toString('latin1', em + 1, em + 1 + tamanho))
    em += 1 + tamanho
  }
  return { nome: partes.join('.').toLowerCase(), tipo: mensagem.readUInt16BE(em + 1), fim: em + 5 }
}

const bytesDe = (endereco: string): Buffer => {
  if (!endereco.includes(':')) return Buffer.from(endereco.split('.').map(Number))
  const [antes = [], depois = []] = endereco
    .replace(
      /:(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
      (_, a, b, c, d) => `:${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`,
    )
    .split('::')
    .map((lado) => lado.split(':').filter((parte) => parte !== ''))
  const grupos = [...antes, ...Array.from({ length: 8 - antes.length - depois.length }, () => '0'), ...depois]
  return Buffer.concat(grupos.map((grupo) => Buffer.from(grupo.padStart(4, '0'), 'hex')))
}

function responder(mensagem: Buffer, resposta: Exclude<Resposta, 'calado'>): Buffer {
  const { tipo, fim } = perguntaDe(mensagem)
  const quais = typeof resposta === 'string' ? [] : resposta
  const enderecos = quais.filter((um) => (um.includes(':') ? TIPO.AAAA : TIPO.A) === tipo).map(bytesDe)
  const cabecalho = Buffer.alloc(CABECALHO_BYTES)
  mensagem.copy(cabecalho, 0, 0, 2)
  cabecalho.writeUInt16BE(RESPONDE | CODIGO[typeof resposta === 'string' ? resposta : 'certo'], 2)
  cabecalho.writeUInt16BE(1, 4)
  cabecalho.writeUInt16BE(enderecos.length, 6)
  const registros = enderecos.map((bytes) => {
    const registro = Buffer.alloc(12)
    registro.writeUInt16BE(O_PERGUNTADO, 0)
    registro.writeUInt16BE(tipo, 2)
    registro.writeUInt16BE(1, 4)
    registro.writeUInt32BE(TTL_S, 6)
    registro.writeUInt16BE(bytes.length, 10)
    return Buffer.concat([registro, bytes])
  })
  return Buffer.concat([cabecalho, mensagem.subarray(CABECALHO_BYTES, fim), ...registros])
}

/** A name server on a port of its own; `dizer` is asked for each question, with how often the name was asked for its A before. */
export async function createServidorDeNomes(dizer: (nome: string, vezes: number) => Resposta) {
  const perguntas: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (mensagem, { port, address }) => {
    const { nome, tipo } = perguntaDe(mensagem)
    const vezes = perguntas.filter((uma) => uma === nome).length
    if (tipo === TIPO.A) perguntas.push(nome)
    const resposta = dizer(nome, vezes)
    if (resposta !== 'calado') socket.send(responder(mensagem, resposta), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    servidores: [`127.0.0.1:${socket.address().port}`],
    /** The names that were asked for, once for each question for an A. */
    perguntas,
    fechar: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}

export type ServidorDeNomes = Awaited<ReturnType<typeof createServidorDeNomes>>
