/** What the rules of the business say no to. */
export const OF_CONTENT = {
  'dados-invalidos': {
    status: 422,
    titulo: 'Dados inválidos',
    significa: 'Há campos ou parâmetros que faltam, sobram ou estão errados.',
    remedy: 'Corrija os que erros lista: campo diz onde, mensagem diz o quê.',
  },
  'chave-reutilizada': {
    status: 422,
    titulo: 'Chave já usada',
    significa: 'Esta Idempotency-Key já registrou outra coisa, com outro conteúdo.',
    remedy: 'Para repetir uma chamada, envie o mesmo conteúdo; para outra, uma chave nova.',
  },
  'referencia-duplicada': {
    status: 409,
    titulo: 'Referência já usada',
    significa: 'Já existe um lançamento, ou um pedido, com esta referencia.',
    remedy: 'Veja qual por id. Se é o mesmo, nada falta fazer; se é outro, dê-lhe outra referencia.',
  },
  'ja-estornado': {
    status: 409,
    titulo: 'Já estornado',
    significa: 'Este lançamento já tem um estorno, e só pode ter um.',
    remedy: 'O id diz qual é o estorno. Para registrar o valor de novo, crie um lançamento.',
  },
  'estorno-de-estorno': {
    status: 422,
    titulo: 'Estorno não se estorna',
    significa: 'O lançamento já é um estorno.',
    remedy: 'Para desfazer um estorno, registre o lançamento de novo.',
  },
  'lote-vazio': {
    status: 422,
    titulo: 'Lote vazio',
    significa: 'O lote não tem nenhum lançamento.',
    remedy: 'Envie de 1 a 10 000 lançamentos.',
  },
  'lote-grande-demais': {
    status: 422,
    titulo: 'Lote grande demais',
    significa: 'O lote passa de 10 000 lançamentos.',
    remedy: 'Divida-o, ou envie um arquivo CSV a /lancamentos/importacoes.',
  },
  'referencia-repetida': {
    status: 422,
    titulo: 'Referência repetida no lote',
    significa: 'Mais de dez lançamentos do lote têm a mesma referencia, que só um deles pode ter.',
    remedy: 'Dê a cada lançamento a sua referencia, ou nenhuma.',
  },
  'lote-recusado': {
    status: 422,
    titulo: 'Lote recusado',
    significa: 'Com atomico=true, um lançamento recusado recusa todos: nada foi registrado.',
    remedy: 'Corrija os que resultados lista e envie o lote de novo.',
  },
  'arquivo-vazio': {
    status: 422,
    titulo: 'Arquivo vazio',
    significa: 'O arquivo não tem nenhuma linha além do cabeçalho.',
    remedy: 'Confira se o arquivo certo foi enviado, e se foi salvo.',
  },
  'arquivo-nao-e-csv': {
    status: 422,
    titulo: 'Não é um arquivo CSV',
    significa: 'O cabeçalho do arquivo não pôde ser lido como CSV.',
    remedy:
      'Salve a planilha como CSV, separado por ponto e vírgula ou por vírgula, com os nomes das colunas na primeira linha.',
  },
  'evento-desconhecido': {
    status: 422,
    titulo: 'Evento desconhecido',
    significa: 'O par de tipo e status não está entre os eventos dos Correios que movem um pedido.',
    remedy: 'Confira type e status como o SRO os deu.',
  },
  'transicao-invalida': {
    status: 409,
    titulo: 'Transição não permitida',
    significa: 'O pedido não vai do status em que está para o pedido.',
    remedy: 'Veja em permitidas quais transições são aceitas agora.',
  },
  'versao-desatualizada': {
    status: 409,
    titulo: 'Versão desatualizada',
    significa: 'O pedido mudou desde a versão que version diz.',
    remedy: 'Leia o pedido de novo e decida com o que ele é agora.',
  },
  'webhook-desativado': {
    status: 409,
    titulo: 'Webhook desativado',
    significa: 'O destino pediu o fim deste webhook (respondeu 410), ou falhou por 5 dias.',
    remedy: 'Corrija o destino e retome o webhook (`POST /webhooks/{id}/retomar`), ou crie outro.',
  },
  'webhooks-demais': {
    status: 409,
    titulo: 'Webhooks demais',
    significa: 'O comerciante tem todos os webhooks que pode ter.',
    remedy: 'Remova um que não usa mais. Um webhook pode ouvir vários tipos de evento.',
  },
} as const
